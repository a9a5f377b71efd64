"""Instructions for each kind of request against those on record: ./dev bench --check, and --record.

What callgrind counts hardly varies, so a change that makes a request dearer shows at once, on any
machine with the same compiler. bench/baseline.json is the record; a change that means to cost, or
that saves, records anew in the same commit, and its message says why.
"""

import json
import os
import pathlib

import cpu
import instructions
import load
import peers

RECORD = pathlib.Path(__file__).with_name("baseline.json")
TOLERANCE = 0.03
KEYS = 20_000
SCRIPT = "{script}"  # stands for the SHA of cpu.SCRIPT
# name, what is sent before counting (pattern, requests), what is counted
RESP = (
    ("GET", None, cpu.GET["resp"]),
    ("SET", None, cpu.SET["resp"]),
    ("INCR", None, "INCR counter:{key}"),
    ("EXPIRE", None, "EXPIRE key:{key} 1000"),
    ("DEL", None, "DEL none:{key}"),
    ("LPUSH", None, "LPUSH list:{few} {value}"),
    ("LPOP", ("LPUSH list:{few} {value}", 120_000), "LPOP list:{few}"),
    ("LRANGE 100", ("RPUSH lines:{few} value:{key}", 100_000), "LRANGE lines:{few} 0 99"),
    ("SADD", None, "SADD set:{few} member:{key}"),
    ("SISMEMBER", None, "SISMEMBER set:{few} member:{key}"),
    ("HSET", None, "HSET hash:{few} field:{key} {value}"),
    ("HGET", None, "HGET hash:{few} field:{key}"),
    ("ZADD", None, "ZADD zset:{few} {key} member:{key}"),
    ("ZRANGE 100", None, "ZRANGE zset:{few} 0 99"),
    ("XADD", None, "XADD stream:{few} * field:1 {value}"),
    ("PUBLISH", None, "PUBLISH channel:{few} {value}"),
    ("EVALSHA SET+GET", None, f"EVALSHA {SCRIPT} 1 {cpu.KEY} {{value}}"),
)
MEMCACHE = (
    ("memcached get", None, cpu.GET["memcache"]),
    ("memcached set", None, instructions.PATTERNS["SET"]["memcache"]),
    ("memcached mg", None, cpu.MEMCACHE[0][1]),
    ("memcached ms", None, "ms key:{key} 32|{value}"),
)


def _counted(session, kind, rows) -> dict:
    user = ("-u", "root") if kind.protocol == "memcache" and os.geteuid() == 0 else ()
    found = {}
    with kind(*user, under=instructions.CALLGRIND) as server:
        cpu.fill(server, KEYS, value_bytes=32)
        sha = server.call("SCRIPT", "LOAD", cpu.SCRIPT).decode() if kind.protocol == "resp" else ""
        for name, before, pattern in rows:
            session.say(f"counting {name}")
            if before:
                load.run(server, before[0], requests=before[1], keys=KEYS, pipeline=64, value_bytes=32)
            instructions.control(server, "-i", "on")
            found[name] = round(instructions.counted(server, pattern.replace(SCRIPT, sha), KEYS))
            instructions.control(server, "-i", "off")
    return found


def measured(session) -> dict:
    return _counted(session, peers.Kiln, RESP) | _counted(session, peers.KilnMemcached, MEMCACHE)


def record(session) -> int:
    RECORD.write_text(json.dumps(measured(session), indent=2) + "\n")
    return 0


def verdicts(known: dict, found: dict) -> list:
    """(name, before, now, verdict) of each kind of request; DEARER and "not on record" fail a check."""
    rows = []
    for name, now in found.items():
        before = known.get(name)
        change = now / before - 1 if before else 0.0
        verdict = "not on record" if before is None else "DEARER" if change > TOLERANCE else \
            "cheaper: record it" if change < -TOLERANCE else ""
        rows.append((name, before or 0, now, verdict))
    return rows


def check(session) -> int:
    """Prints what each costs beside what it cost; 1 when one costs more than the tolerance allows."""
    rows = verdicts(json.loads(RECORD.read_text()), measured(session))
    for name, before, now, verdict in rows:
        change = now / before - 1 if before else 0.0
        print(f"{name:18}{before:8,}{now:8,}{change:+8.1%}  {verdict}".rstrip(), flush=True)
    bad = sum(verdict in ("DEARER", "not on record") for *_, verdict in rows)
    print(f"{bad} of {len(rows)} kinds of request cost over {TOLERANCE:.0%} more than on record, or are new")
    return 1 if bad else 0
