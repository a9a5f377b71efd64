"""-m bounds what items take, whatever their sizes and however many workers store them; -M refuses instead."""

import pathlib
import random
import socket
import threading

import pytest

from conftest import require
from servers import HOST, KilnMemcached

MEGABYTE = 1 << 20


def statistics(server) -> dict:
    with socket.create_connection((HOST, server.port), timeout=60) as client:
        client.sendall(b"stats\r\n")
        data = b""
        while not data.endswith(b"END\r\n"):
            data += client.recv(1 << 20)
    return {words[1]: words[2] for words in map(str.split, data.decode().splitlines()) if len(words) == 3}


def resident(server) -> int:
    rollup = pathlib.Path(f"/proc/{server.process.pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Rss:")) * 1024


def store(server, seed: int, megabytes: float, sizes):
    """Sets of random sizes, without replies, until so much has been sent."""
    source, sent, number = random.Random(seed), 0, 0
    with socket.create_connection((HOST, server.port), timeout=60) as client:
        while sent < megabytes * MEGABYTE:
            batch = bytearray()
            while len(batch) < 100_000:
                value = source.choice(sizes)
                batch += b"set s%d:%d 3 0 %d noreply\r\n" % (seed, number, value) + b"v" * value + b"\r\n"
                number += 1
            client.sendall(batch)
            sent += len(batch)
        client.sendall(b"mn\r\n")
        assert client.recv(100) == b"MN\r\n"


@pytest.fixture
def kind():
    return require(KilnMemcached)


def test_many_workers_and_sizes_stay_within_the_bound(kind):
    sizes = [1, 20, 60, 100, 150, 220, 300, 450, 700, 950, 1500, 4000, 20_000]
    with kind("-m", "32", "-t", "4") as server:
        empty = resident(server)
        threads = [threading.Thread(target=store, args=(server, seed, 40, sizes)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        numbers = statistics(server)
        # Items over 1 KiB are the allocator's, which keeps some pages that it does not use.
        assert resident(server) - empty < 48 * MEGABYTE
        assert int(numbers["evictions"]) > 1000
        assert int(numbers["bytes"]) <= int(numbers["limit_maxbytes"]) == 32 * MEGABYTE
        assert int(numbers["total_items"]) == int(numbers["curr_items"]) + int(numbers["evictions"])
        assert int(numbers["evicted_unfetched"]) == int(numbers["evictions"])
        assert int(numbers["evicted_active"]) == 0


def test_shifted_sizes_use_the_same_memory(kind):
    with kind("-m", "32", "-t", "1") as server:
        empty = resident(server)
        held = []
        for part, size in enumerate((100, 900, 300)):
            store(server, part, 96, [size])
            numbers = statistics(server)
            assert resident(server) - empty < 38 * MEGABYTE
            held.append(int(numbers["curr_items"]) * (size + 40))
        assert min(held) > 27 * MEGABYTE


def test_without_evictions_stores_are_refused(kind):
    with kind("-m", "8", "-M", "-I", "1m") as server:
        with socket.create_connection((HOST, server.port), timeout=60) as client:
            replies = set()
            for number in range(20_000):
                client.sendall(b"set k%d 0 0 1000\r\n" % number + b"x" * 1000 + b"\r\n")
                replies.add(client.recv(200))
            assert replies == {b"STORED\r\n", b"SERVER_ERROR out of memory storing object\r\n"}
            client.sendall(b"get k0\r\n")
            assert client.recv(2000).startswith(b"VALUE k0 0 1000\r\n")
        numbers = statistics(server)
        assert numbers["evictions"] == "0"
        assert int(numbers["store_no_memory"]) == 20_000 - int(numbers["total_items"]) > 0
        assert int(numbers["bytes"]) <= 8 * MEGABYTE


def test_items_that_are_read_stay(kind):
    with kind("-m", "16", "-t", "2") as server:
        with socket.create_connection((HOST, server.port), timeout=60) as client:
            for number in range(2_000):
                client.sendall(b"set hot%d 0 0 500 noreply\r\n" % number + b"h" * 500 + b"\r\n")
            for _ in range(4):
                for number in range(2_000):
                    client.sendall(b"get hot%d\r\n" % number)
                    assert client.recv(1000).startswith(b"VALUE")
        store(server, 1, 40, [500])
        numbers = statistics(server)
        assert int(numbers["evictions"]) > 20_000
        assert int(numbers["evicted_unfetched"]) > int(numbers["evictions"]) * 0.9


def test_an_item_that_a_get_finds_due_counts_as_found_expired(kind):
    with kind() as server, socket.create_connection((HOST, server.port), timeout=60) as client:
        client.sendall(b"set k 0 -1 1\r\nx\r\nget k\r\n")  # at once, before it is looked for by itself
        reply = b""
        while not reply.endswith(b"END\r\n"):
            reply += client.recv(100)
        assert reply == b"STORED\r\nEND\r\n"
        numbers = statistics(server)
        counted = {name: numbers[name] for name in ("get_expired", "get_misses", "expired_unfetched", "reclaimed")}
        assert counted == {"get_expired": "1", "get_misses": "1", "expired_unfetched": "1", "reclaimed": "0"}
        assert numbers["evictions"] == numbers["get_flushed"] == "0"
