"""Whatever is done to a Kiln, its journal does the same to another one.

JOURNAL_SESSIONS (6) sessions from JOURNAL_SEED (1) on: commands of all kinds on several connections and databases,
with transactions, scripts, functions, and keys and fields that expire while they are looked at.
"""

import os
import random

import pytest
from conftest import require
from differential import grammar, server_grammar
from differential.fuzzer import show_command
from persist import journal
from resp.wire import encode
from servers import Kiln, Redis, wait_until

COMMANDS = 2500
CLIENTS = 3
DATABASES = (0, 1)
LONG_MS = 10**6
LEFT_ALONE = {"AUTH", "HELLO", "RESET", "QUIT", "MONITOR", "SHUTDOWN", "ACL", "CLIENT", "CONFIG", "DEBUG", "SUBSCRIBE",
              "PSUBSCRIBE", "SSUBSCRIBE", "MULTI", "EXEC", "WAIT", "REPLICAOF", "SLAVEOF", "FAILOVER", "LOLWUT"}
OWN = """
SET k v PX soon | SET k v EX 5000000 GET | PEXPIRE k soon | GETEX k PX soon | PSETEX k soon v | SET k v KEEPTTL GET
XADD k * f v | XADD k MAXLEN ~ 3 * f v f v | XADD k MINID ~ 5 LIMIT 10 xnew f v | XTRIM k MAXLEN ~ 2
INCRBYFLOAT k float | HINCRBYFLOAT k f float | SPOP k | SPOP k count | HSETEX k PX soon FIELDS 1 f v
HPEXPIRE k soon FIELDS 2 f f | HEXPIRE k 5000000 (NX|XX|GT|LT) FIELDS 1 f | HPERSIST k FIELDS 1 f
HGETEX k PX soon FIELDS 1 f | HGETEX k PERSIST FIELDS 2 f f | HGETDEL k FIELDS 2 f f | HSETEX k KEEPTTL FIELDS 1 f v
HSETEX k FNX EX 5000000 FIELDS 1 f v | HEXPIREAT k 1 FIELDS 1 f | HSET k f v f v
EVAL writer 2 k k v | EVAL timer 1 k v | BLPOP k k 0.001 | BRPOP k 0.001 | BLMOVE k k side side 0.001
BZPOPMIN k 0.001 | BLMPOP 0.001 2 k k side COUNT 3 | BZMPOP 0.001 1 k MAX COUNT 2 | BRPOPLPUSH k k 0.001
XREADGROUP GROUP g c COUNT 2 STREAMS k > | XREADGROUP GROUP g c NOACK STREAMS k > | XAUTOCLAIM k g c 0 0 COUNT 3
XREADGROUP GROUP g c STREAMS k 0 | XCLAIM k g c 0 xid xid FORCE LASTID xid | SORT k ALPHA STORE k
SORT k BY nosort STORE k | PFCOUNT kh | EXPIRE k 5000000 LT | COPY k k DB 1 REPLACE | SUNIONSTORE k k k
"""
WRITER = ("redis.call('SET', KEYS[1], ARGV[1]) redis.pcall('RPUSH', KEYS[2], ARGV[1], 1)"
          " return redis.pcall('SPOP', KEYS[1])")
TIMER = "local t = redis.call('TIME') redis.call('SET', KEYS[1], t[1] .. t[2]) return math.random()"


@pytest.fixture(scope="module")
def phrases():
    """The fuzzer's commands and some more, for which the order and the time matter."""
    more = {"soon": lambda rng: str(rng.randint(1, 30)), "writer": lambda rng: WRITER, "timer": lambda rng: TIMER}
    before = dict(grammar.GENERATORS)
    grammar.GENERATORS |= more
    yield [node for line in OWN.strip().split("\n") for node in grammar._lines(line)]
    grammar.GENERATORS.clear()
    grammar.GENERATORS |= before


def speak(seed: int, more: list, payloads):
    """Endless transactions and single commands."""
    rng = random.Random(seed)
    speaker = grammar.Speaker(seed, payloads=payloads)
    pool = [node for node in speaker.commands + speaker.server_commands
            if grammar.name_of(node) not in LEFT_ALONE and not grammar.name_of(node).startswith("FLUSH")]

    def one():
        if rng.random() < 0.35:
            node = rng.choice(more)
            speaker.rng.home = grammar.home_of(grammar.name_of(node))
            return grammar._say(node, speaker.rng)
        return speaker.command(pool)

    while True:
        kind = rng.random()
        if kind < 0.01:
            yield [[rng.choice(["FLUSHDB", "FLUSHALL", "SWAPDB 0 1"])]]
        elif kind < 0.06:
            yield [["MULTI"], *(one() for _ in range(rng.randint(0, 5))), ["EXEC"]]
        else:
            yield [one()]


def split(items: list) -> list:
    return [words[0].split() if len(words) == 1 and " " in words[0] else words for words in items]


def say_all(server, seed: int, more: list, restores: bool = True):
    """Sends to all clients in turn, without waiting for replies of the others."""
    with server.connect() as client:
        payloads = server_grammar.payloads(server) if restores and seed % 2 else (b"",)
        client.call("FLUSHALL")
    words = speak(seed, more, payloads)
    clients = [server.connect() for _ in range(CLIENTS)]
    rng, history = random.Random(seed), []
    for start in range(0, COMMANDS, 30):
        sent = []
        for client in clients:
            batch = [command for _ in range(10) for command in split(next(words))]
            if rng.random() < 0.3:
                batch.insert(0, ["SELECT", str(rng.choice(DATABASES))])
            client.send_raw(b"".join(map(encode, batch)))
            sent.append(batch)
        for client, batch in zip(clients, sent):
            for _ in batch:
                client.read()
            history += batch
    for client in clients:
        client.close()
    return history


def state(server) -> dict:
    """Everything that can be asked for, once nothing is left that goes soon."""
    found = {}
    with server.connect() as client:
        for db in DATABASES:
            client.call("SELECT", db)
            wait_until(lambda: not soon(client), 20, "what is due is gone")
            for _, key in client.call("KEYS", "*")[1]:
                kind = client.call("TYPE", key)[1]
                found[db, key] = [kind, client.call("DEBUG", "DIGEST-VALUE", key), client.call("PEXPIRETIME", key),
                                  *details(client, key, kind)]
        found["digest"] = client.call("DEBUG", "DIGEST")[1]
        found["functions"] = sorted(map(repr, client.call("FUNCTION", "LIST", "WITHCODE")[1]))
    return found


def soon(client) -> bool:
    keys = client.call("KEYS", "*")[1]
    if client.call("DBSIZE")[1] != len(keys):  # which counts what is due but not gone, as the digest does
        return True
    for _, key in keys:
        if 0 <= client.call("PTTL", key)[1] < LONG_MS:
            return True
        if client.call("TYPE", key)[1] == b"hash":
            fields = [field for _, field in client.call("HKEYS", key)[1]]
            times = client.call("HPTTL", key, "FIELDS", len(fields), *fields)[1] if fields else []
            if any(0 <= time < LONG_MS for _, time in times):
                return True
    return False


def details(client, key, kind) -> list:
    """What DEBUG DIGEST leaves out."""
    if kind == b"hash":
        fields = sorted(field for _, field in client.call("HKEYS", key)[1])
        return [fields, client.call("HPEXPIRETIME", key, "FIELDS", len(fields), *fields)]
    if kind != b"stream":
        return []
    info = dict(pairs_of(client.call("XINFO", "STREAM", key)[1]))
    told = [info[name] for name in (b"length", b"last-generated-id", b"max-deleted-entry-id", b"entries-added")]
    for _, group in client.call("XINFO", "GROUPS", key)[1]:
        fields = dict(pairs_of(group))
        name = fields[b"name"][1]
        entries = client.call("XPENDING", key, name, "-", "+", 10000)[1]
        pending = [[entry[0], entry[1], entry[3]] for _, entry in entries]
        consumers = [dict(pairs_of(one[1]))[b"name"] for one in client.call("XINFO", "CONSUMERS", key, name)[1]]
        told.append([fields[b"name"], fields[b"last-delivered-id"], fields[b"entries-read"], pending, consumers])
    return told


def pairs_of(items: list):
    return [(items[at][1], items[at + 1]) for at in range(0, len(items), 2)]


def same(ours: dict, theirs: dict) -> str:
    """The first difference, or nothing."""
    for key in ours.keys() | theirs.keys():
        mine, other = ours.get(key), theirs.get(key)
        if mine != other:
            return f"{key}: {mine!r}\n  replayed {other!r}"
    return ""


def test_replay_leads_to_the_same_data(phrases):
    first = int(os.environ.get("JOURNAL_SEED", 1))
    sessions = int(os.environ.get("JOURNAL_SESSIONS", 6))
    with require(Kiln)("--io-threads", "2") as kiln, Kiln("--io-threads", "1") as copy:
        tap = journal.KilnJournal(kiln)
        for seed in range(first, first + sessions):
            history = say_all(kiln, seed, phrases)
            ours = state(kiln)
            data = tap.take()
            journal.apply(data, copy)
            difference = same(ours, state(copy))
            if difference:
                said = "\n".join(map(show_command, journal.commands_of(data)[-2000:]))
                path = kiln.directory.parent / f"journal-{seed}.txt"
                path.write_text(said + "\n----\n" + "\n".join(map(show_command, history)))
                pytest.fail(f"seed {seed}: {difference}\nthe journal is in {path}")
        tap.close()


def test_what_expires_under_a_command_goes_in_the_same_unit():
    with require(Kiln)() as kiln, kiln.connect() as client:
        client.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        tap = journal.KilnJournal(kiln)
        client.pipeline([["SET", "k", "v", "PX", "1"], ["HSET", "h", "f", "v", "g", "w"],
                         ["HPEXPIRE", "h", 1, "FIELDS", 1, "f"]])
        client.call("DEBUG", "SLEEP", "0.005")  # nobody looks meanwhile
        tap.take()
        client.call("LPUSH", "k", "a")
        assert journal.commands_of(tap.take()) == [[b"MULTI"], [b"DEL", b"k"], [b"LPUSH", b"k", b"a"], [b"EXEC"]]
        client.call("HSETNX", "h", "g", "w")  # which changes nothing itself
        assert journal.commands_of(tap.take()) == [[b"HDEL", b"h", b"f"]]
        tap.close()


def digest_of(server):
    with server.connect() as client:
        return client.call("DEBUG", "DIGEST")


def test_kiln_applies_what_redis_wrote():
    with require(Redis)(*journal.RedisJournal.OPTIONS) as peer, Kiln("--io-threads", "1") as copy:
        tap = journal.RedisJournal(peer)
        for seed in range(3):
            say_all(peer, seed, grammar.COMMANDS)
            journal.apply(tap.take(), copy)
            assert digest_of(copy) == digest_of(peer), f"seed {seed}"


def test_a_limit_that_redis_leaves_behind_an_exact_threshold_is_taken():
    with require(Kiln)("--io-threads", "1") as copy, copy.connect() as client:
        adds = [["XADD", "s", f"{number}-1", "f", "v"] for number in range(1, 10)]
        said = [*adds, ["XADD", "s", "MAXLEN", "=", "5", "LIMIT", "2", "10-1", "f", "v"],
                ["XTRIM", "s", "MINID", "=", "9-1", "LIMIT", "100"]]
        journal.apply(b"".join(map(encode, said)), copy)
        assert client.call("XLEN", "s") == (":", 2)
        assert client.call("XTRIM", "s", "MAXLEN", "=", "1", "LIMIT", "1")[0] == "-"


def test_redis_applies_what_kiln_wrote():
    with require(Kiln)("--io-threads", "2") as kiln, require(Redis)() as copy, copy.connect() as client:
        tap = journal.KilnJournal(kiln)
        for seed in range(3):
            say_all(kiln, seed, grammar.COMMANDS, restores=False)  # of a version that 7.0.15 cannot read
            commands = journal.commands_of(tap.take())
            for start in range(0, len(commands), 50):
                batch = commands[start:start + 50]
                for command, reply in zip(batch, client.pipeline(batch)):
                    assert reply[0] != "-", (command, reply)
            assert digest_of(copy) == digest_of(kiln), f"seed {seed}"
        tap.close()
