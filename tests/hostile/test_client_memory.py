"""Clients that make the server hold much: unfinished requests, queues, lists of names, tracked keys."""

import pytest

from resp.wire import Closed, encode
from servers import wait_until

LIMIT = 8 * 2**20
GONE = (Closed, ConnectionError, TimeoutError)


@pytest.fixture
def server(server_kind):
    with server_kind("--maxmemory-clients", str(LIMIT)) as running:
        yield running


def field(client, section: str, name: str) -> int:
    text = client.call("INFO", section)[1].decode()
    return next(int(line.split(":")[1]) for line in text.split("\r\n") if line.startswith(name + ":"))


def test_unfinished_requests_close_the_biggest_and_leave_the_small(server):
    half = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048576\r\n" + b"x" * 2**20
    hoarders = []
    with server.connect() as small:
        for _ in range(40):
            hoarder = server.connect()
            hoarders.append(hoarder)
            try:
                hoarder.send_raw(half)
            except OSError:
                pass  # closed while it was sending
            assert small.call("PING") == ("+", b"PONG")
        wait_until(lambda: field(small, "stats", "evicted_clients") >= 30)
        wait_until(lambda: field(small, "memory", "mem_clients_normal") <= LIMIT)
        assert small.call("EXISTS", "k") == (":", 0)
    for hoarder in hoarders:
        hoarder.close()


@pytest.mark.parametrize("command", [
    ["SET", "k", "x" * 50_000],
    ["SUBSCRIBE"],
    ["WATCH"],
    ["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX"],
], ids=["queue", "channels", "watched", "prefixes"])
def test_whoever_goes_on_asking_is_closed_in_the_end(server, command):
    with server.connect(timeout_s=60) as greedy, server.connect() as other:
        other.call("CONFIG", "SET", "maxmemory-clients", "500kb")
        if command[0] == "SET":
            greedy.call("MULTI")
        with pytest.raises(GONE):
            for round_number in range(10_000):
                names = [f"{round_number:06}.{i:03}" for i in range(50)]
                if command[0] == "SET":
                    requests = [command]
                elif command[-1] == "PREFIX":
                    requests = [command[:-1] + [word for name in names for word in ("PREFIX", name)]]
                else:
                    requests = [command + names]
                for request in requests:
                    greedy.call(*request)
                for _ in range(49 if command[0] == "SUBSCRIBE" else 0):
                    greedy.read()
        assert field(other, "stats", "evicted_clients") == 1
        assert other.call("PING") == ("+", b"PONG")


def test_tracked_keys_are_bounded(server_kind):
    with server_kind("--tracking-table-max-keys", "1000") as server:
        with server.connect() as reader, server.connect() as other:
            reader.call("HELLO", "3")
            reader.call("CLIENT", "TRACKING", "ON")
            told = 0
            for first in range(0, 20_000, 500):
                reader.send_raw(b"".join(encode(["GET", f"key{first + i}"]) for i in range(500)))
                replies = 0
                while replies < 500:
                    if reader.read()[0] == ">":
                        told += 1
                    else:
                        replies += 1
            wait_until(lambda: field(other, "stats", "tracking_total_keys") <= 1000)
            reader.send("PING")
            while reader.read()[0] == ">":
                told += 1
            assert told >= 19_000, "a key was forgotten in silence"


def test_invalidations_that_nobody_reads_close_who_should(server):
    """A client that is told of large names and does not listen goes; the others do not notice."""
    with server.connect() as deaf, server.connect() as writer:
        deaf.call("HELLO", "3")
        deaf.call("CLIENT", "TRACKING", "ON", "BCAST")
        wait_until(lambda: [writer.call("SET", f"{i}" + "n" * 100_000, "") for i in range(20)]
                   and field(writer, "stats", "evicted_clients") == 1, timeout_s=30)
        wait_until(lambda: field(writer, "clients", "tracking_clients") == 0)
