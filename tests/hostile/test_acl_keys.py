"""The keys that a command is checked for are the keys that it uses.

For random commands of the fuzzer's grammar, COMMAND GETKEYSANDFLAGS says which keys they use and how. A user who has
just those, with just these rights, may run the command; one who lacks any of them may not. What is not reported changes
nothing: without the other keys the reply is the same, and no key but those written is touched.
ACL_KEYS_COMMANDS (1000) from ACL_KEYS_SEED (1).
"""

import os
import random

import pytest

import argument_grid
from differential import server_grammar
from differential.grammar import KEYS, Speaker
from servers import Kiln

OTHERS = ["h0", "h1", "h2", "g0", "g1", "g2"]
ALL_KEYS = KEYS + OTHERS
WRITES = {b"update", b"insert", b"delete"}
VALUES = [
    ["FLUSHALL"], ["SET", "k0", "5"], ["SET", "k1", "foobar"], ["RPUSH", "k2", "a", "b", "1"],
    ["RPUSH", "k3", "3", "1", "2"],
    ["HSET", "k4", "a", "1", "b", "x"], ["SADD", "k5", "a", "b", "1"], ["SADD", "k6", "b", "c"],
    ["ZADD", "k7", "1", "a", "2", "b"], ["ZADD", "k8", "3", "b", "4", "c"], ["XADD", "k9", "1-1", "a", "b"],
    ["XADD", "k9", "2-1", "a", "b"], ["XGROUP", "CREATE", "k9", "g1", "0"],
    ["XREADGROUP", "GROUP", "g1", "alice", "COUNT", "1", "STREAMS", "k9", ">"], ["XADD", "k10", "1-1", "a", "b"],
    ["XGROUP", "CREATE", "k10", "g1", "0"], ["PFADD", "h0", "a"], ["PFADD", "h1", "b"],
    ["GEOADD", "g0", "10", "11", "a", "10.1", "11.1", "b"], ["GEOADD", "g1", "10", "11", "c"],
]
# What repeats or misplaces the words that tell where keys are.
TRAPS = [
    "SORT k3 STORE k0 STORE k1", "SORT k3 STORE k0 LIMIT 0 1 STORE k1 DESC", "SORT k3 LIMIT 0 STORE STORE k1",
    "SORT STORE STORE k0", "SORT k3 BY nosort STORE k0", "SORT k3 GET # STORE k0 GET # STORE k1", "SORT store",
    "SORT_RO k3 LIMIT 0 2", "SORT k3 store k0 Store k1", "GEORADIUS g0 10 11 100 km STORE k0 STORE k1",
    "GEORADIUS g0 10 11 100 km STORE k0 STOREDIST k1", "GEORADIUS g0 10 11 100 km STOREDIST k0 STORE k1",
    "GEORADIUS g0 10 11 100 km COUNT 1 STORE STORE", "GEORADIUSBYMEMBER g0 a 100 km STORE k0 STOREDIST k1",
    "GEORADIUSBYMEMBER g0 STORE 100 km STORE k0", "GEORADIUSBYMEMBER g0 a 100 km ASC STORE k1 WITHDIST",
    "XREAD STREAMS k9 k10 0 0", "XREAD COUNT 1 STREAMS STREAMS 0", "XREAD COUNT STREAMS k9 0",
    "XREAD STREAMS STREAMS k9 0 0", "XREAD BLOCK 0 STREAMS k9 0", "XREAD STREAMS STREAMS STREAMS 0 0",
    "XREADGROUP GROUP g1 alice STREAMS k9 >", "XREADGROUP GROUP STREAMS STREAMS STREAMS k9 >",
    "XREADGROUP GROUP g1 STREAMS STREAMS k9 >", "XREADGROUP GROUP g1 alice COUNT 1 NOACK STREAMS k9 k10 > >",
    "XREADGROUP GROUP g1 STREAMS COUNT 1 STREAMS k9 0", "XREADGROUP NOACK GROUP g1 alice STREAMS k9 0",
    "EVAL return{KEYS[1],KEYS[2]} 2 k0 k1", "EVAL return 0 k0", "EVAL return{ARGV[1]} 1 k0 k1 1",
    "EVAL return 3 k0 k1", "EVAL_RO return{KEYS[1]} 1 1", "EVAL return 1 EVAL", "FCALL f1 1 k0 k1",
    "FCALL_RO f1 1 k0", "ZUNIONSTORE k0 2 k7 k8 WEIGHTS 1 2", "ZUNIONSTORE k0 1 k7 k8",
    "ZUNIONSTORE k7 2 k7 k7", "ZINTERSTORE 2 2 2 2", "ZDIFFSTORE k0 2 k7 k8", "ZRANGESTORE k0 k7 0 -1",
    "ZMPOP 2 k7 k8 MIN COUNT 1", "ZMPOP 1 k7 MIN COUNT 1", "ZMPOP 3 k7 k8 MIN", "LMPOP 2 k2 k3 LEFT",
    "LMPOP 1 LEFT LEFT", "SINTERCARD 2 k5 k6 LIMIT 1", "BLMPOP 0 2 k2 k3 LEFT COUNT 1", "BZMPOP 0 1 k7 MIN",
    "BLPOP k2 k3 0", "BRPOP 0 0", "BZPOPMIN k7 k8 0", "BLMOVE k2 k3 LEFT RIGHT 0", "SET k0 v GET", "SET k0 GET",
    "SET k0 get EX 100", "SET GET GET GET", "SET k0 v XX", "SETEX k0 100 GET", "BITFIELD k0 GET u8 0",
    "BITFIELD k0 SET u8 0 1", "BITFIELD k0 GET u8 0 SET u8 0 1", "BITFIELD k0 OVERFLOW SAT GET u8 0",
    "BITFIELD k0 GET GET 0", "BITFIELD_RO k0 GET u8 0", "BITOP NOT k0 k1", "BITOP AND k0 k0 k1",
    "MSET k0 v k1 v", "MSETNX k11 1 x 2", "COPY k0 k1 REPLACE", "COPY k0 k1 DB 0", "OBJECT ENCODING k0",
    "MEMORY USAGE k0", "XINFO STREAM k9 FULL", "XGROUP CREATE k9 g2 0", "XGROUP DESTROY k9 g1",
    "PFMERGE h2 h0 h1", "PFMERGE h0", "PFCOUNT h0 h1", "LCS k0 k1 IDX", "SMOVE k5 k6 a", "RENAME k0 k1",
    "RENAMENX k0 k11", "GEOSEARCHSTORE k0 g0 FROMLONLAT 10 11 BYRADIUS 100 km STOREDIST", "GETEX k0 PERSIST",
    "GETEX k0 EX 100", "GETEX k0", "WATCH k0 k1", "TOUCH k0 k1", "EXISTS k0 k0", "RESTORE k0 0 x REPLACE",
    "DUMP k0", "XSETID k9 9-9",
]
# Their replies, or what they do, differ from one time to the next.
LUCKY = {"SPOP", "SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER", "OBJECT", "MEMORY", "XPENDING", "XINFO", "XCLAIM",
         "XAUTOCLAIM", "TTL", "PTTL", "DUMP"}
ONLY_FORM = {"PFCOUNT", "PFDEBUG"}  # they write what they read in another form


@pytest.fixture
def server():
    with Kiln("--enable-debug-command", "yes", "--proto-max-bulk-len", "8mb") as running:
        yield running


def commands(seed: int):
    """Requests that name keys: the traps, random ones, and random ones with a word put where it is not expected."""
    yield from (text.split(" ") for text in TRAPS)
    yield ["FCALL", "f1", "1", "k0"]
    rng, speaker = random.Random(seed), Speaker(seed)
    tokens = ["STORE", "STOREDIST", "STREAMS", "BY", "GET", "COUNT", "LIMIT", "WEIGHTS", "KEYS", "GROUP", "k1", "2"]
    for number in range(int(os.environ.get("ACL_KEYS_COMMANDS", 1000))):
        words = [word if isinstance(word, bytes) else str(word) for word in speaker.command(
            speaker.commands if number % 8 else speaker.blocking)]
        while rng.random() < 0.25:
            words.insert(rng.randint(1, len(words)), rng.choice(tokens))
        yield words


def uses(client, words):
    """Keys and how they are used; None when the server says that there are none or the request is none."""
    sigil, entries = client.call("COMMAND", "GETKEYSANDFLAGS", *words)
    if sigil == "-":
        return None
    found = {}
    for _, (key, flags) in entries:
        found.setdefault(key[1], set()).update(flag[1] for flag in flags[1])
    return found


def rule_of(key: bytes, flags: set) -> bytes:
    """The least rights on a key: to read what it holds, to write, or just to have it."""
    rights = (b"R" if b"access" in flags else b"") + (b"W" if flags & WRITES else b"")
    escaped = b"".join(b"\\" + bytes([byte]) if byte in b"*?[]\\^-" else bytes([byte]) for byte in key)
    return b"%" + (rights or b"R") + b"~" + escaped


def is_ruleable(keys) -> bool:
    """ACL rules take no spaces nor NULs."""
    return all(key and not set(key) & set(b" \t\r\n\v\f\0") for key in keys)


def is_denied(reply) -> bool:
    return reply[0] == "-" and reply[1].startswith(b"NOPERM")


def anew(client):
    client.pipeline(VALUES)


def digests(client) -> dict:
    reply = client.call("DEBUG", "DIGEST-VALUE", *ALL_KEYS)
    return {key.encode(): digest for key, digest in zip(ALL_KEYS, reply[1])}


def run(client, words):
    """What the command replies between MULTI and EXEC, where nothing waits."""
    client.call("MULTI")
    queued = client.call(*words)
    done = client.call("EXEC")
    return queued if queued[0] == "-" else done[1][0]


def as_user(admin, limited, rules: list, words):
    assert admin.call("ACL", "SETUSER", "limited", "on", "nopass", "resetkeys", "+@all", *rules) == ("+", b"OK")
    return run(limited, words)


def allowed_as_said(admin, limited, words, used):
    """Works with all keys that are said, and with no key less or right less."""
    rules = {key: rule_of(key, flags) for key, flags in used.items()}
    assert not is_denied(as_user(admin, limited, list(rules.values()), words)), (words, rules)
    dry = admin.call("ACL", "DRYRUN", "limited", *words)
    assert dry[0] == "-" or dry == ("+", b"OK"), (words, rules, dry)
    for missing in rules:
        fewer = [rule for key, rule in rules.items() if key != missing]
        assert is_denied(as_user(admin, limited, fewer, words)), (words, missing, fewer)
        dry = admin.call("ACL", "DRYRUN", "limited", *words)
        assert dry[0] != "+", (words, missing, dry)
        if rules[missing].startswith(b"%RW"):
            for less in (b"%R", b"%W"):
                reply = as_user(admin, limited, fewer + [less + rules[missing][3:]], words)
                assert is_denied(reply), (words, missing, less)


def touches_no_other(admin, words, used):
    """Keys that are not said neither change nor change the reply."""
    anew(admin)
    before, reply, after = digests(admin), run(admin, words), digests(admin)
    changed = {key for key in before if before[key] != after[key]}
    written = {key for key, flags in used.items() if flags & WRITES or words[0].upper() in ONLY_FORM}
    assert changed <= written, (words, changed, used)
    if words[0].upper() in LUCKY:
        return
    anew(admin)
    unnamed = [key for key in ALL_KEYS if key.encode() not in used]
    if unnamed:
        admin.call("DEL", *unnamed)
    assert run(admin, words) == reply, (words, used, reply)


def test_commands_use_the_keys_that_they_are_checked_for(server):
    seed, checked = int(os.environ.get("ACL_KEYS_SEED", 1)), set()
    with server.connect() as admin, server.connect() as limited:
        admin.call("FUNCTION", "LOAD", server_grammar.LIBRARIES[0])
        admin.call("ACL", "SETUSER", "limited", "on", "nopass", "+@all")
        assert limited.call("AUTH", "limited", "x") == ("+", b"OK")
        for words in commands(seed):
            used = uses(admin, words)
            if not used or not is_ruleable(used):
                continue
            anew(admin)
            allowed_as_said(admin, limited, words, used)
            if words[0].upper() not in ("SORT", "SORT_RO") or not {"BY", "GET"} & set(words):
                touches_no_other(admin, words, used)
            checked.add(words[0].upper())
        with_keys = {name for name, fields in argument_grid.docs_of(admin).items() if b"key" in kinds_of(fields)}
    print(f"seed {seed}: {len(checked)} commands; not said: {sorted(with_keys - checked)}")
    assert len(checked) > 120


def kinds_of(fields) -> set:
    """The types of all arguments, also those within others."""
    found, left = set(), list(fields.get("arguments", ("*", []))[1])
    while left:
        argument = argument_grid.as_dict(left.pop())
        found.add(argument["type"][1])
        left += argument.get("arguments", ("*", []))[1]
    return found
