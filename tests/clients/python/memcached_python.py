"""python-memcached: values, batches, counters, CAS, two servers, and statistics as collectors read them."""

import socket
import sys

import memcache

from lib.steps import run

SERVERS = [f"127.0.0.1:{port}" for port in sys.argv[1:]]
# What collectd's memcached plugin takes from "stats".
COLLECTED = ("curr_items", "bytes", "limit_maxbytes", "curr_connections", "threads", "cmd_get", "cmd_set", "cmd_flush",
             "cmd_touch", "get_hits", "get_misses", "incr_hits", "incr_misses", "decr_hits", "decr_misses", "evictions",
             "bytes_read", "bytes_written", "rusage_user", "rusage_system", "listen_disabled_num")


def values():
    one = memcache.Client(SERVERS, debug=1)
    for value in ("text", b"bytes", 17, True, {"deep": [1, None]}, "x" * 900_000, "ä\u4e16"):
        assert one.set("k", value) and one.get("k") == value, value
    assert one.set("z", "y" * 5000, min_compress_len=100) and one.get("z") == "y" * 5000
    assert not one.add("k", 1) and one.replace("k", "2") and one.append("k", "3") and one.prepend("k", "1")
    assert one.get("k") == "123" and one.delete("k") and one.get("k") is None
    assert one.touch("z", 100) and not one.touch("absent", 100)


def batches():
    one = memcache.Client(SERVERS)
    assert one.set_multi({f"k{n}": n for n in range(300)}) == []
    assert one.get_multi([f"k{n}" for n in range(400)]) == {f"k{n}": n for n in range(300)}
    assert one.delete_multi([f"k{n}" for n in range(300)]) and one.get_multi(["k1"]) == {}


def counters():
    one = memcache.Client(SERVERS)
    one.set("n", "10")
    assert one.incr("n", 5) == 15 and one.decr("n", 20) == 0 and one.incr("absent") is None


def compare_and_set():
    first, second = memcache.Client(SERVERS, cache_cas=True), memcache.Client(SERVERS)
    first.set("k", "old")
    assert first.gets("k") == "old" and second.set("k", "new") and not first.cas("k", "mine")
    first.reset_cas()
    assert first.gets("k") == "new" and first.cas("k", "mine") and second.get("k") == "mine"


def statistics():
    one = memcache.Client(SERVERS)
    for _, stats in one.get_stats():
        assert all(float(stats[name]) >= 0 for name in COLLECTED)
        assert float(stats["get_hits"]) + float(stats["get_misses"]) == float(stats["cmd_get"])
    assert one.get_stats("items") and one.get_stats("settings") and one.get_stats("slabs")


def as_a_collector_reads_them():
    """One line at a time over a socket, words apart by single spaces, until END."""
    for server in SERVERS:
        host, port = server.split(":")
        with socket.create_connection((host, int(port))) as connection, connection.makefile("rwb") as stream:
            stream.write(b"stats\r\n")
            stream.flush()
            found = {}
            while (line := stream.readline()) != b"END\r\n":
                word, name, value = line.decode().rstrip("\r\n").split(" ")
                assert word == "STAT"
                found[name] = value
            assert set(COLLECTED) <= set(found)


run(values, batches, counters, compare_and_set, statistics, as_a_collector_reads_them)
