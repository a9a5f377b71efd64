"""What each command is replayed as: the same table for Kiln's journal and for redis-server's append-only file.

A row is what is said before, the command, and what is written for it: "=" the command itself, "" nothing, or commands
with ; between them. NOW is any time near now in milliseconds, LATER one of 1000 s on, ID an id made of the time, ANY
any word. Words are compared without regard to case. Several commands stand between MULTI and EXEC. What 7.0.15 writes
otherwise than 7.2 stands in a column of its own.
"""

import re
import time

import pytest
from persist import journal
from servers import Kiln, Redis, wait_until

SAME = "="
FAR = "33177117420000"
STREAM = "XADD s 1-1 f v; XADD s 2-1 f v; XADD s 3-1 f v"
GROUP = STREAM + "; XGROUP CREATE s g 0"
READ = GROUP + "; XREADGROUP GROUP g c COUNT 2 STREAMS s >"
CLAIMED = "XCLAIM s g c 0 {0} TIME NOW RETRYCOUNT 1 FORCE JUSTID LASTID {0}"
BOTH = CLAIMED.format("1-1") + "; " + CLAIMED.format("2-1")
MANY = "EVAL \"for i = 1, 300 do redis.call('XADD', 's', i .. '-1', 'f', 'v') end\" 0"
LUA = "redis.call('SET', 'a', 1) redis.call('SPOP', 'gone') redis.call('EXPIRE', 'a', 1000)"
LIBRARY = "#!lua name=l\\nredis.register_function('f', function() return redis.call('SET', 'a', 1) end)"

# before, command, what is written, what 7.0.15 writes
TABLE = [
    # Strings.
    ("", "SET k v", SAME),
    ("", "set k v EX 1000", "SET k v PXAT LATER"),
    ("", "SET k v PX 1000000", "SET k v PXAT LATER"),
    ("", "SET k v EXAT 33177117420", f"SET k v PXAT {FAR}"),
    ("", f"SET k v PXAT {FAR}", SAME),
    ("SET k a", f"SET k v XX GET PXAT {FAR}", SAME, f"SET k v PXAT {FAR}"),
    ("SET k a", "SET k v XX GET EX 1000", "SET k v PXAT LATER"),
    ("SET k a", "SET k v GET", "SET k v"),
    ("SET k a", "SET k v get XX KEEPTTL", "SET k v XX KEEPTTL"),
    ("SET k a", "SET k v NX", ""),
    ("", "SET k v XX", ""),
    ("", "SETEX k 1000 v", "SET k v PXAT LATER"),
    ("", "PSETEX k 1000000 v", "SET k v PXAT LATER"),
    ("", "SETNX k v", SAME),
    ("SET k a", "SETNX k v", ""),
    ("SET k a", "GETSET k v", "SET k v"),
    ("SET k a", "GETDEL k", "DEL k"),
    ("", "GETDEL k", ""),
    ("SET k a", "GETEX k", ""),
    ("SET k a", "GETEX k EX 1000", "PEXPIREAT k LATER"),
    ("SET k a", f"GETEX k PXAT {FAR}", f"PEXPIREAT k {FAR}"),
    ("SET k a EX 1000", "GETEX k PERSIST", "PERSIST k"),
    ("SET k a", "GETEX k PERSIST", ""),
    ("SET k a", "GETEX k PXAT 1", "DEL k"),
    ("", "MSET a 1 b 2", SAME),
    ("", "MSETNX a 1 b 2", SAME),
    ("SET b 1", "MSETNX a 1 b 2", ""),
    ("", "APPEND k v", SAME),
    ("", "SETRANGE k 3 v", SAME),
    ("", "SETRANGE k 3 ''", ""),
    ("", "INCR k", SAME),
    ("SET k v", "INCR k", ""),
    ("SET k 1", "INCRBYFLOAT k 0.5", "SET k 1.5 KEEPTTL"),
    ("", "SETBIT k 7 1", SAME),
    ("", "BITFIELD k SET u8 0 5 GET u8 0", SAME),
    ("", "BITFIELD k GET u8 0", ""),
    ("SET a x", "BITOP NOT k a", SAME),
    ("", "BITOP NOT k a", ""),
    ("", "PFADD k a b", SAME),
    ("PFADD k a", "PFADD k a", ""),
    ("PFADD k a", "PFCOUNT k", SAME),
    ("PFADD k a; PFCOUNT k", "PFCOUNT k", ""),
    ("PFADD a x", "PFMERGE k a", SAME),
    # Keys.
    ("SET k v", "DEL k nope", SAME),
    ("", "DEL k", ""),
    ("SET k v", "UNLINK k", SAME),
    ("SET k v", "EXPIRE k 1000", "PEXPIREAT k LATER"),
    ("SET k v", "EXPIRE k 1000 NX", "PEXPIREAT k LATER NX"),
    ("SET k v", "PEXPIRE k 1000000", "PEXPIREAT k LATER"),
    ("SET k v", "EXPIREAT k 33177117420", f"PEXPIREAT k {FAR}"),
    ("SET k v", f"pexpireat k {FAR}", SAME),
    ("SET k v", "EXPIRE k -1", "DEL k"),
    ("SET k v", "EXPIREAT k 1", "DEL k"),
    ("", "EXPIRE k 1000", ""),
    ("SET k v", "EXPIRE k 1000 XX", ""),
    ("SET k v EX 1000", "PERSIST k", SAME),
    ("SET k v", "PERSIST k", ""),
    ("SET k v", "RENAME k l", SAME),
    ("", "RENAME k l", ""),
    ("SET k v; SET l v", "RENAMENX k l", ""),
    ("SET k v", "COPY k l", SAME),
    ("SET k v; SET l v", "COPY k l", ""),
    ("SET k v", "COPY k l DB 1", SAME),
    ("SET k v", "MOVE k 1", SAME),
    ("", "MOVE k 1", ""),
    ("SET k v", "SWAPDB 0 1", SAME),
    ("SET k v", "FLUSHDB", SAME),
    ("", "FLUSHDB", SAME),
    ("", "FLUSHALL ASYNC", SAME),
    ("RPUSH l 3 1 2", "SORT l STORE k", SAME),
    ("SADD a 3 1 2", "SORT a BY nosort STORE k", SAME),
    ("RPUSH l 3 1 2", "SORT l", ""),
    ("", "SORT nope STORE k", ""),
    # Lists.
    ("", "RPUSH l 1 2", SAME),
    ("", "RPUSHX l 1 2", ""),
    ("RPUSH l 1 2", "LPOP l", SAME),
    ("RPUSH l 1 2", "RPOP l 9", SAME),
    ("RPUSH l 1 2", "LPOP l 0", ""),
    ("RPUSH l 1 2 3", "LMPOP 2 nope l LEFT COUNT 2", "LPOP l 2"),
    ("RPUSH l 1 2 3", "LMPOP 1 l RIGHT COUNT 9", "RPOP l 3"),
    ("RPUSH l 1 2", "LMOVE l m LEFT RIGHT", SAME),
    ("RPUSH l 1 2", "RPOPLPUSH l m", SAME),
    ("RPUSH l 1 2", "BLPOP nope l 1", "LPOP l"),
    ("RPUSH l 1 2", "BRPOP l 1", "RPOP l"),
    ("RPUSH l 1 2", "BLMOVE l m LEFT right 1", "LMOVE l m LEFT right"),
    ("RPUSH l 1 2", "BRPOPLPUSH l m 1", "RPOPLPUSH l m"),
    ("RPUSH l 1 2", "BLMPOP 1 1 l LEFT COUNT 9", "LPOP l 2"),
    ("RPUSH l 1 2; SET m v", "BLMOVE l m LEFT LEFT 1", ""),
    ("RPUSH l 1 2", "LTRIM l 0 0", SAME),
    ("RPUSH l 1 2", "LREM l 0 1", SAME),
    ("RPUSH l 1 2", "LREM l 0 7", ""),
    ("RPUSH l 1 2", "LSET l 0 x", SAME),
    ("RPUSH l 1 2", "LINSERT l BEFORE 2 x", SAME),
    # Sets.
    ("", "SADD k a b", SAME),
    ("SADD k a", "SADD k a", ""),
    ("SADD k a", "SPOP k", "SREM k a"),
    ("SADD k a", "SPOP k 1", "DEL k"),
    ("SADD k a b c", "SPOP k 3", "DEL k"),
    ("SADD k a b c", "SPOP k 0", ""),
    ("", "SPOP k", ""),
    ("SADD k a", "SMOVE k l a", SAME),
    ("SADD k a; SADD l b", "SUNIONSTORE m k l", SAME),
    ("SADD k a; SADD l b", "SINTERSTORE m k l", ""),
    # Sorted sets.
    ("", "ZADD k 1 a 2 b", SAME),
    ("ZADD k 1 a", "ZADD k 1 a", ""),
    ("", "ZADD k INCR 1 a", SAME),
    ("ZADD k 1 a", "ZINCRBY k 2 a", SAME),
    ("ZADD k 1 a 2 b", "ZPOPMIN k", SAME),
    ("ZADD k 1 a 2 b", "ZPOPMAX k 5", SAME),
    ("ZADD k 1 a 2 b", "ZMPOP 2 nope k MIN COUNT 5", "ZPOPMIN k 2"),
    ("ZADD k 1 a 2 b", "BZPOPMIN nope k 1", "ZPOPMIN k"),
    ("ZADD k 1 a 2 b", "BZPOPMAX k 1", "ZPOPMAX k"),
    ("ZADD k 1 a 2 b", "BZMPOP 1 1 k MAX", "ZPOPMAX k 1"),
    ("ZADD k 1 a 2 b", "ZRANGESTORE l k 0 0", SAME),
    ("ZADD k 1 a 2 b", "ZUNIONSTORE l 1 k WEIGHTS 2", SAME),
    ("ZADD k 1 a 2 b", "ZREMRANGEBYSCORE k 2 3", SAME),
    ("", "GEOADD k 13.361389 38.115556 a", "ZADD k 3479099956230698 a"),
    ("", "GEOADD k NX CH 13.361389 38.115556 a", "ZADD k NX CH 3479099956230698 a"),
    ("GEOADD k 13.361389 38.115556 a", "GEOSEARCHSTORE l k FROMMEMBER a BYRADIUS 1 km", SAME),
    ("GEOADD k 13.361389 38.115556 a", "GEORADIUS k 13 38 100 km STORE l", SAME),
    # Hashes.
    ("", "HSET k f v", SAME),
    ("HSET k f v", "HSETNX k f v", ""),
    ("HSET k f v", "HDEL k f nope", SAME),
    ("HSET k f v", "HDEL k nope", ""),
    ("", "HINCRBY k f 2", SAME),
    ("HSET k f 1", "HINCRBYFLOAT k f 0.5", "HSET k f 1.5"),
    # Streams.
    ("", "XADD s * f v", "XADD s ID f v"),
    ("", "XADD s 5-* f v", "XADD s 5-0 f v"),
    ("", "XADD s 5 f v", SAME),
    ("", "XADD s NOMKSTREAM * f v", ""),
    (STREAM, "XADD s MAXLEN 2 * f v", "XADD s MAXLEN 2 ID f v"),
    (STREAM, "XADD s MAXLEN ~ 2 9-1 f v", "XADD s MAXLEN = 4 9-1 f v"),
    (MANY, "XADD s MAXLEN ~ 150 900-1 f v", "XADD s MAXLEN = 201 900-1 f v"),
    (MANY, "XADD s MINID ~ 150 900-1 f v", "XADD s MINID = 101-1 900-1 f v"),
    (MANY, "XADD s MAXLEN ~ 150 LIMIT 100 900-1 f v", "XADD s MAXLEN = 201 900-1 f v",
     "XADD s MAXLEN = 201 LIMIT 100 900-1 f v"),  # which 7.0.15 writes and 7.2 too: both ignore it when they read
    (MANY, "XTRIM s MAXLEN ~ 150", "XTRIM s MAXLEN = 200"),
    (MANY, "XTRIM s MINID ~ 150", "XTRIM s MINID = 101-1"),
    (STREAM, "XTRIM s MAXLEN ~ 1", ""),
    (STREAM, "XTRIM s MAXLEN = 1", SAME),
    (STREAM, "XDEL s 1-1", SAME),
    (STREAM, "XSETID s 9-1", SAME),
    (STREAM, "XGROUP CREATE s g $", SAME),
    (GROUP, "XGROUP CREATE s g $", ""),
    (GROUP, "XGROUP CREATECONSUMER s g c", SAME),
    (GROUP, "XGROUP SETID s g 2-1", SAME),
    (GROUP, "XGROUP DESTROY s g", SAME),
    (GROUP, "XREADGROUP GROUP g c COUNT 2 STREAMS s >", BOTH + "; XGROUP SETID s g 2-1 ENTRIESREAD 2", BOTH),
    (GROUP, "XREADGROUP GROUP g c COUNT 2 NOACK STREAMS s >",
     "XGROUP CREATECONSUMER s g c; XGROUP SETID s g 2-1 ENTRIESREAD 2"),
    # Redis lets these be: a consumer that got nothing is lost, and so is what was delivered once more.
    (GROUP, "XREADGROUP GROUP g c STREAMS s 0", "XGROUP CREATECONSUMER s g c", ""),
    (READ, "XREADGROUP GROUP g c COUNT 1 STREAMS s 0",
     "XCLAIM s g c 0 1-1 TIME NOW RETRYCOUNT 2 FORCE JUSTID LASTID 2-1", ""),
    (READ, "XACK s g 1-1", SAME),
    (READ, "XACK s g 3-1", ""),
    (READ, "XCLAIM s g d 0 1-1", "XCLAIM s g d 0 1-1 TIME NOW RETRYCOUNT 2 FORCE JUSTID LASTID 2-1"),
    (READ, "XCLAIM s g d 999999 1-1", "XGROUP CREATECONSUMER s g d", ""),
    (READ, "XCLAIM s g c 999999 1-1 LASTID 3-1", "XGROUP SETID s g 3-1 ENTRIESREAD 2"),
    (READ + "; XDEL s 1-1", "XCLAIM s g d 0 1-1",
     "XCLAIM s g c 0 1-1 TIME NOW RETRYCOUNT 1 FORCE JUSTID LASTID 2-1; XGROUP CREATECONSUMER s g d",
     "XCLAIM s g c 0 1-1 TIME NOW RETRYCOUNT 1 FORCE JUSTID LASTID 2-1"),
    (READ, "XAUTOCLAIM s g d 0 0 COUNT 1", "XCLAIM s g d 0 1-1 TIME NOW RETRYCOUNT 2 FORCE JUSTID LASTID 2-1"),
    (READ, "XGROUP DELCONSUMER s g c", SAME),
    # Units.
    ("", "MULTI; SET a 1; GET a; INCR b; EXEC", "MULTI; SET a 1; INCR b; EXEC"),
    ("", "MULTI; SET a 1; GET a; EXEC", "SET a 1"),
    ("", "MULTI; GET a; EXEC", ""),
    ("", "MULTI; SET a 1; SELECT 1; SET a 1; SELECT 0; EXEC", "MULTI; SET a 1; SELECT 1; SET a 1; EXEC"),
    ("", f"EVAL \"{LUA}\" 0", "MULTI; SET a 1; PEXPIREAT a LATER; EXEC"),
    ("", "EVAL \"return redis.call('SET', 'a', 1)\" 0", "SET a 1"),
    ("", "EVAL \"return redis.call('GET', 'a')\" 0", ""),
    ("", "EVAL \"redis.call('SET', 'a', 1) return redis.call('NOSUCH')\" 0", "SET a 1"),
    ("SADD k a b c", "SPOP k 2", "SREM k ANY ANY", "SREM k ANY; SREM k ANY"),
    # Functions.
    ("", f"FUNCTION LOAD \"{LIBRARY}\"", SAME),
    (f"FUNCTION LOAD \"{LIBRARY}\"", f"FUNCTION LOAD \"{LIBRARY}\"", ""),
    (f"FUNCTION LOAD \"{LIBRARY}\"", "FUNCTION DELETE l", SAME),
    ("", "FUNCTION DELETE l", ""),
    ("", "FUNCTION FLUSH", SAME),
    (f"FUNCTION LOAD \"{LIBRARY}\"", "FCALL f 0", "SET a 1"),
    ("", "SCRIPT LOAD 'return 1'", ""),
    ("", "PUBLISH c m", ""),
]
# What redis-server 7.0.15 has not.
OURS = [
    ("HSET h f v g w", "HEXPIRE h 1000 FIELDS 2 f nope", "HPEXPIREAT h LATER FIELDS 1 f"),
    ("HSET h f v g w", "HPEXPIRE h 1000000 NX FIELDS 1 f", "HPEXPIREAT h LATER FIELDS 1 f"),
    ("HSET h f v g w", "HEXPIREAT h 1 FIELDS 1 f", "HDEL h f"),
    ("HSET h f v; HEXPIRE h 1000 FIELDS 1 f", "HPERSIST h FIELDS 1 f", SAME),
    ("HSET h f v", "HPERSIST h FIELDS 1 f", ""),
    ("HSET h f v", "HGETEX h EX 1000 FIELDS 1 f", "HPEXPIREAT h LATER FIELDS 1 f"),
    ("HSET h f v; HEXPIRE h 1000 FIELDS 1 f", "HGETEX h PERSIST FIELDS 1 f", "HPERSIST h FIELDS 1 f"),
    ("HSET h f v", "HGETEX h FIELDS 1 f", ""),
    ("HSET h f v g w", "HGETDEL h FIELDS 2 f nope", "HDEL h f"),
    ("", "HSETEX h EX 1000 FIELDS 1 f v", "HSETEX h PXAT LATER FIELDS 1 f v"),
    ("", "HSETEX h FNX FIELDS 1 f v", SAME),
    ("HSET h f v", "HSETEX h FNX FIELDS 1 f v", ""),
    ("HSET h f v", "HSETEX h PXAT 1 FIELDS 1 f v", "HDEL h f"),
    ("HSET h f 1; HEXPIRE h 1000 FIELDS 1 f", "HINCRBYFLOAT h f 0.5", "HSETEX h KEEPTTL FIELDS 1 f 1.5"),
]
NEAR_MS = 60_000


def words_of(text: str) -> list:
    """The commands of a text; a word may stand in quotes."""
    commands = [[]]
    for quoted, single, plain in re.findall(r'"([^"]*)"|\'([^\']*)\'|([^\s;]+|;|\'\')', text):
        if plain == ";":
            commands.append([])
        else:
            word = quoted or single or ("" if plain == "''" else plain)
            commands[-1].append(word.replace("\\n", "\n"))
    return [command for command in commands if command]


def matches(expected: str, word: bytes) -> bool:
    now = time.time() * 1000
    if expected in ("NOW", "LATER"):
        moment = now + (1_000_000 if expected == "LATER" else 0)
        return word.isdigit() and abs(int(word) - moment) < NEAR_MS
    if expected == "ID":
        ms, _, number = word.partition(b"-")
        return abs(int(ms) - now) < NEAR_MS and number.isdigit()
    return expected == "ANY" or expected.lower() == word.decode("latin1").lower()


def check(server, tap, before, command, expected):
    with server.connect() as client:
        client.pipeline([["SELECT", 1], ["FLUSHALL"], ["FUNCTION", "FLUSH"], ["SELECT", 0], ["SET", "warm", 1],
                         ["DEL", "warm"]])
        replies = client.pipeline(words_of(before))
        assert all(reply[0] != "-" for reply in replies), replies
        tap.take()
        client.pipeline(words_of(command))
        written = [words for words in journal.commands_of(tap.take()) if words[0].upper() != b"SELECT"
                   or "SELECT" in expected]
        wanted = words_of(command if expected == SAME else expected)
        if len(wanted) > 1 and wanted[0] != ["MULTI"]:
            wanted = [["MULTI"], *wanted, ["EXEC"]]
        fits = len(written) == len(wanted) and all(
            len(ours) == len(words) and all(map(matches, words, ours)) for ours, words in zip(written, wanted))
        assert fits, f"{command}: {written}"


@pytest.fixture(scope="module")
def kiln():
    with Kiln("--io-threads", "2") as server:
        tap = journal.KilnJournal(server)
        yield server, tap
        tap.close()


@pytest.fixture(scope="module")
def peer():
    with Redis(*journal.RedisJournal.OPTIONS) as server:
        yield server, journal.RedisJournal(server)


@pytest.mark.parametrize("row", TABLE + OURS, ids=lambda row: row[1])
def test_kiln_writes(kiln, row):
    check(*kiln, *row[:3])


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[1])
def test_redis_writes(peer, row):
    check(*peer, row[0], row[1], row[-1])


WAITS = [  # who waits, what serves it, what is written
    ("BLPOP nope l 0", "RPUSH l 1 2", "RPUSH l 1 2; LPOP l"),
    ("BRPOP l 0", "RPUSH l 1 2", "RPUSH l 1 2; RPOP l"),
    ("BLMOVE l m LEFT LEFT 0", "RPUSH l 1", "RPUSH l 1; LMOVE l m LEFT LEFT"),
    ("BRPOPLPUSH l m 0", "RPUSH l 1", "RPUSH l 1; RPOPLPUSH l m"),
    ("BLMPOP 0 1 l LEFT COUNT 5", "RPUSH l 1 2", "RPUSH l 1 2; LPOP l 2"),
    ("BZPOPMIN k 0", "ZADD k 1 a 2 b", "ZADD k 1 a 2 b; ZPOPMIN k"),
    ("BZMPOP 0 1 k MAX COUNT 5", "ZADD k 1 a 2 b", "ZADD k 1 a 2 b; ZPOPMAX k 2"),
]


@pytest.mark.parametrize("name", ["kiln", "peer"])
@pytest.mark.parametrize("waiting, serving, expected", WAITS, ids=lambda value: value)
def test_who_waited_is_written_when_it_is_served(request, name, waiting, serving, expected):
    server, tap = request.getfixturevalue(name)
    with server.connect() as client, server.connect() as waiter:
        client.call("FLUSHALL")
        tap.take()
        waiter.send(*words_of(waiting)[0])
        wait_until(lambda: b"blocked_clients:1" in client.call("INFO", "clients")[1], 10, "it waits")
        client.pipeline(words_of(serving))
        assert waiter.read()[0] != "-"
        written = [words for words in journal.commands_of(tap.take()) if words[0].upper() != b"SELECT"]
        # 7.0.15 spells the ends its own way.
        assert [[word.decode().upper() for word in words] for words in written] == [
            [word.upper() for word in words] for words in words_of(expected)]


def test_restore_is_written_with_the_moment(kiln, peer):
    for server, tap in (kiln, peer):
        with server.connect() as client:
            client.call("FLUSHALL")
            client.call("SET", "k", "v")
            payload = client.call("DUMP", "k")[1]
            tap.take()
            client.call("RESTORE", "l", 1000000, payload, "REPLACE")
            client.call("RESTORE", "m", 0, payload)
            client.call("RESTORE", "k", 1, payload, "REPLACE", "ABSTTL")
            first, second, third = [words for words in journal.commands_of(tap.take()) if words[0].upper() != b"SELECT"]
            assert matches("LATER", first[2])
            assert first[:2] + first[3:] == [b"RESTORE", b"l", payload, b"REPLACE", b"ABSTTL"]
            assert second == [b"RESTORE", b"m", b"0", payload]
            assert third == [b"DEL", b"k"]
