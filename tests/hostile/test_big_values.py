"""Big values that are changed, moved or removed while a client has read only a part of them."""

import pytest

from resp.wire import Closed, encode
from servers import wait_until

MEGABYTE = 1 << 20
BIG = bytes(range(256)) * (16 * MEGABYTE // 256)  # More than sockets take.


@pytest.fixture
def server(server_kind):
    with server_kind() as running:
        yield running


def field(other, name: str, wanted: str) -> int:
    """What CLIENT LIST says of the client of this name."""
    for line in other.call("CLIENT", "LIST")[1].decode().splitlines():
        words = dict(word.split("=", 1) for word in line.split())
        if words["name"] == name:
            return int(words[wanted])
    return -1


def ask(client, other, *requests):
    """Sends the requests; returns when the server has answered but could not send all of it."""
    client.call("CLIENT", "SETNAME", "slow")
    client.send_raw(b"".join(encode(request) for request in requests))
    wait_until(lambda: field(other, "slow", "omem") > 0, what="the reply waits")


CHANGES = {
    "deleted": [["DEL", "big"]],
    "unlinked": [["UNLINK", "big"]],
    "overwritten": [["SET", "big", b"x" * len(BIG)]],
    "overwritten by less": [["SET", "big", "1"]],
    "got and set": [["GETSET", "big", b"x" * len(BIG)]],
    "got and deleted": [["GETDEL", "big"]],
    "appended to": [["APPEND", "big", "x" * 100]] * 3,
    "written into": [["SETRANGE", "big", "0", b"x" * len(BIG)]],
    "written into at one byte": [["SETRANGE", "big", str(len(BIG) - 1), "x"]],
    "changed by a bit": [["SETBIT", "big", str(8 * len(BIG) - 1), "0"], ["SETBIT", "big", "7", "1"]],
    "changed by a field": [["BITFIELD", "big", "SET", "u8", str(8 * (len(BIG) - 1)), "7"]],
    "combined": [["BITOP", "NOT", "big", "big"]],
    "replaced by a list": [["DEL", "big"], ["RPUSH", "big", *"abc"]],
    "renamed": [["RENAME", "big", "other"], ["APPEND", "other", "x"]],
    "renamed over": [["SET", "small", "v"], ["RENAME", "small", "big"]],
    "copied over": [["SET", "small", "v"], ["COPY", "small", "big", "REPLACE"]],
    "moved": [["MOVE", "big", "1"]],
    "swapped away": [["SWAPDB", "0", "1"], ["SELECT", "1"], ["DEL", "big"]],
    "flushed": [["FLUSHALL", "SYNC"]],
    "flushed later": [["FLUSHALL", "ASYNC"]],
    "given a time": [["EXPIRE", "big", "100"], ["PERSIST", "big"], ["OBJECT", "FREQ", "big"], ["TOUCH", "big"]],
    "expired": [["PEXPIRE", "big", "1"], ["EXISTS", "big"]],
    "evicted": [["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"], ["CONFIG", "SET", "maxmemory", "1"]],
    "changed by a script": [["EVAL", "redis.call('SETRANGE', KEYS[1], 0, 'xyz') return redis.call('GET', KEYS[1])",
                             "1", "big"]],
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES.keys())
def test_a_value_that_is_half_sent_stays_what_it_was(server, changes):
    with server.connect() as client, server.connect() as other:
        other.call("SET", "big", BIG)
        ask(client, other, ["GET", "big"], ["GET", "big"])
        for change in changes:
            other.call(*change)
        other.call("SET", "new", b"y" * len(BIG))  # What was freed is used again.
        for _ in range(2):
            assert client.read() == ("$", BIG)


def test_all_that_returns_a_value_returns_it_whole(server):
    part = ["GETRANGE", "big", "1", str(len(BIG) - 2)]
    requests = [["GET", "big"], ["MGET", "big", "none", "big", "small"], ["GETEX", "big", "EX", "100"], part,
                ["SUBSTR", "big", "0", "9"], ["SET", "big", b"x" + BIG, "GET"], ["GETSET", "big", BIG],
                ["SET", "big", BIG, "GET", "KEEPTTL"], ["GETDEL", "big"], ["GET", "big"]]
    replies = [("$", BIG), ("*", [("$", BIG), ("$", None), ("$", BIG), ("$", b"v")]), ("$", BIG), ("$", BIG[1:-1]),
               ("$", BIG[:10]), ("$", BIG), ("$", b"x" + BIG), ("$", BIG), ("$", BIG), ("$", None)]
    with server.connect() as client, server.connect() as other:
        other.call("MSET", "big", BIG, "small", "v")
        ask(client, other, *requests)
        assert [client.read() for _ in requests] == replies
        other.call("SET", "big", BIG)
        client.send_raw(b"".join(encode(request) for request in [["MULTI"], *requests, ["EXEC"]]))
        assert client.read() == ("+", b"OK")
        assert all(client.read() == ("+", b"QUEUED") for _ in requests)
        assert client.read() == ("*", replies)


def test_many_values_in_one_reply_keep_their_order(server):
    values = {f"k{number}": bytes([number % 256]) * (70_000 + number) for number in range(500)}
    with server.connect() as client, server.connect() as other:
        for key, value in values.items():
            other.call("SET", key, value)
        ask(client, other, ["MGET", *values])
        other.call("FLUSHALL")
        assert client.read() == ("*", [("$", value) for value in values.values()])


def test_suppressed_replies_send_nothing_of_a_value(server):
    with server.connect() as client:
        client.call("SET", "big", BIG)
        client.send("CLIENT", "REPLY", "OFF")
        for _ in range(3):
            client.send("GET", "big")
        assert client.call("CLIENT", "REPLY", "ON") == ("+", b"OK")
        client.send("CLIENT", "REPLY", "SKIP")
        client.send("GET", "big")
        client.send("GET", "big")
        assert client.read() == ("$", BIG)
        assert client.call("PING") == ("+", b"PONG")


def test_what_waits_counts_as_output(server):
    with server.connect() as client, server.connect() as other:
        other.call("SET", "big", BIG)
        ask(client, other, *[["GET", "big"]] * 4)
        wait_until(lambda: field(other, "slow", "omem") > 3 * len(BIG), what="four values wait")
        assert field(other, "slow", "tot-mem") > 3 * len(BIG)
        for _ in range(4):
            assert client.read() == ("$", BIG)
        wait_until(lambda: field(other, "slow", "omem") == 0, what="nothing waits")


def test_the_limit_of_output_closes_who_does_not_read_values(server_kind):
    with server_kind("--client-output-buffer-limit", "normal 40mb 0 0") as server:
        with server.connect() as client, server.connect() as other:
            other.call("SET", "big", BIG)
            client.call("CLIENT", "SETNAME", "slow")
            client.send_raw(encode(["GET", "big"]) * 10)
            wait_until(lambda: field(other, "slow", "omem") < 0, what="the client is closed")
            with pytest.raises((Closed, ConnectionError)):
                for _ in range(10):
                    client.read()
            assert other.call("STRLEN", "big") == (":", len(BIG))


@pytest.mark.parametrize("end", ["killed", "gone"])
def test_what_a_client_held_is_freed_when_it_ends(server, end):
    def used():
        info = other.call("INFO", "memory")[1].decode().splitlines()
        return int(dict(line.split(":", 1) for line in info if ":" in line)["used_memory"])

    with server.connect() as other:
        before = used()
        with server.connect() as client:
            for _ in range(4):
                other.call("SET", "big", BIG)
                ask(client, other, ["GET", "big"])
            other.call("DEL", "big")
            assert used() > before + len(BIG)
            if end == "killed":
                other.call("CLIENT", "KILL", "ID", str(field(other, "slow", "id")))
                wait_until(lambda: used() < before + MEGABYTE, what="its memory is free")
        wait_until(lambda: used() < before + MEGABYTE, what="its memory is free")
