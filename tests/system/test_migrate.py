"""MIGRATE between servers: what arrives, what stays, and what happens when the other side does not answer."""

import contextlib
import socket

import pytest

from conftest import require
from servers import HOST, Kiln, Redis, wait_until

OK = ("+", b"OK")
WAIT_MS = "10000"


@pytest.fixture
def pair():
    """Two servers, each with a client."""
    with require(Kiln)("--io-threads", "2") as source, require(Kiln)() as target:
        with source.connect() as here, target.connect() as there:
            yield source, target, here, there


def migrate(client, target, key, *options, timeout_ms=WAIT_MS, db="0"):
    return client.call("MIGRATE", HOST, str(target.port), key, db, timeout_ms, *options)


def test_a_key_moves_with_its_time_to_live(pair):
    _, target, here, there = pair
    here.call("SET", "k", "value", "PX", "100000")
    assert migrate(here, target, "k") == OK
    assert here.call("EXISTS", "k") == (":", 0)
    assert there.call("GET", "k") == ("$", b"value")
    assert 90_000 < there.call("PTTL", "k")[1] <= 100_000
    assert migrate(here, target, "k") == ("+", b"NOKEY")


def test_fields_keep_their_times(pair):
    _, target, here, there = pair
    here.call("HSET", "h", "a", "1", "b", "2")
    here.call("HPEXPIREAT", "h", "33177117420001", "FIELDS", "1", "a")
    assert migrate(here, target, "h") == OK
    assert there.call("HPEXPIRETIME", "h", "FIELDS", "2", "a", "b") == ("*", [(":", 33177117420001), (":", -1)])


def test_several_keys_move_at_once_into_another_database(pair):
    _, target, here, there = pair
    here.call("MSET", "a", "1", "b", "2", "c", "3")
    here.call("RPUSH", "l", *(str(number) for number in range(5000)))
    assert migrate(here, target, "", "COPY", "KEYS", "a", "missing", "l", db="3") == OK
    assert here.call("DBSIZE") == (":", 4)
    there.call("SELECT", "3")
    assert there.call("LLEN", "l") == (":", 5000)
    assert there.call("DBSIZE") == (":", 2)
    assert migrate(here, target, "", "REPLACE", "KEYS", "a", "b", "c", "l", db="3") == OK
    assert here.call("DBSIZE") == (":", 0)
    assert there.call("DBSIZE") == (":", 4)


def test_a_key_that_is_taken_there_stays_here(pair):
    _, target, here, there = pair
    here.call("MSET", "a", "1", "b", "2")
    there.call("SET", "a", "old")
    sigil, text = migrate(here, target, "", "KEYS", "a", "b")
    assert (sigil, text) == ("-", b"ERR Target instance replied with error: BUSYKEY Target key name already exists.")
    assert here.call("KEYS", "*") == ("*", [("$", b"a")])
    assert there.call("GET", "a") == ("$", b"old")


def test_passwords(pair):
    _, target, here, there = pair
    there.call("CONFIG", "SET", "requirepass", "secret")
    there.call("AUTH", "secret")
    there.call("ACL", "SETUSER", "mover", "on", ">word", "+@all", "~*")
    here.call("MSET", "a", "1", "b", "2")
    refused = b"ERR Target instance replied with error: "
    assert migrate(here, target, "a")[1].startswith(refused + b"NOAUTH")
    assert migrate(here, target, "a", "AUTH", "wrong")[1].startswith(refused + b"WRONGPASS")
    assert here.call("EXISTS", "a", "b") == (":", 2)
    assert migrate(here, target, "a", "AUTH", "secret") == OK
    assert migrate(here, target, "b", "AUTH2", "mover", "word") == OK
    assert there.call("MGET", "a", "b") == ("*", [("$", b"1"), ("$", b"2")])


def test_connections_are_kept_and_made_again_when_the_other_side_was_restarted(pair):
    _, target, here, there = pair

    def kept():
        return b"migrate_cached_sockets:1" in here.call("INFO", "stats")[1]

    here.call("MSET", "a", "1", "b", "2")
    assert migrate(here, target, "a") == OK
    assert kept()
    target.stop()
    target.start()
    assert migrate(here, target, "b") == OK
    with target.connect() as again:
        assert again.call("GET", "b") == ("$", b"2")


def test_nobody_listens(pair):
    _, target, here, _ = pair
    here.call("SET", "k", "v")
    target.stop()
    assert migrate(here, target, "k") == ("-", b"IOERR error or timeout connecting to the client")
    assert here.call("GET", "k") == ("$", b"v")


@contextlib.contextmanager
def silent_server():
    """Takes connections and never answers."""
    with socket.create_server((HOST, 0)) as listener:
        yield listener


def test_a_silent_target_holds_up_nobody_but_its_worker(pair):
    source, _, here, _ = pair
    here.call("SET", "k", "v")
    with silent_server() as listener, contextlib.ExitStack() as stack:
        others = [stack.enter_context(source.connect()) for _ in range(4)]
        here.send("MIGRATE", HOST, str(listener.getsockname()[1]), "k", "0", "60000")
        with listener.accept()[0]:
            for other in others:
                other.send("PING")
            wait_until(lambda: any(other.is_readable() for other in others), what="a worker goes on")
            assert not here.is_readable()
        assert here.read() == ("-", b"IOERR error or timeout reading to target instance")
    assert here.call("GET", "k") == ("$", b"v")


def test_time_runs_out(pair):
    _, _, here, _ = pair
    here.call("SET", "k", "v")
    with silent_server() as listener:
        reply = here.call("MIGRATE", HOST, str(listener.getsockname()[1]), "k", "0", "50")
    assert reply == ("-", b"IOERR error or timeout reading to target instance")
    assert here.call("GET", "k") == ("$", b"v")


def test_keys_come_from_redis(kiln_server):
    with require(Redis)() as source, source.connect() as here, kiln_server.connect() as there:
        here.call("SET", "text", "x" * 1000)
        here.call("ZADD", "zset", "1", "a", "2.5", "b")
        here.call("HSET", "hash", "f", "v")
        assert migrate(here, kiln_server, "", "KEYS", "text", "zset", "hash") == OK
        assert here.call("DBSIZE") == (":", 0)
        assert there.call("STRLEN", "text") == (":", 1000)
        assert there.call("ZSCORE", "zset", "b") == ("$", b"2.5")
        assert there.call("HGET", "hash", "f") == ("$", b"v")
