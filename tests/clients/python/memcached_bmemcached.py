"""python-binary-memcached: values of every kind, batches, counters, CAS, two servers, statistics."""

import sys

import bmemcached

from lib.steps import run

SERVERS = tuple(f"127.0.0.1:{port}" for port in sys.argv[1:])


def values():
    one = bmemcached.Client(SERVERS)
    for value in (b"bytes", "text", 17, 1.5, True, {"deep": [1, None]}, "x" * 900_000, ""):
        assert one.set("k", value, time=100) and one.get("k") == value, value
    assert one.set("z", "y" * 10_000, compress_level=9) and one.get("z") == "y" * 10_000
    assert not one.add("k", "1") and one.replace("k", "2") and not one.replace("absent", "2")
    assert one.delete("k") and one.get("k") is None and one.get("k", "other") == "other"
    one.disconnect_all()


def batches():
    one = bmemcached.Client(SERVERS)
    assert one.set_multi({f"k{n}": str(n) for n in range(500)}, time=100) == []
    assert one.get_multi([f"k{n}" for n in range(600)]) == {f"k{n}": str(n) for n in range(500)}
    assert one.delete_multi([f"k{n}" for n in range(500)]) and one.get_multi(["k1", "k2"]) == {}
    one.disconnect_all()


def counters():
    one = bmemcached.Client(SERVERS[:1])
    one.delete("n")
    assert one.incr("n", 3, default=40) == 40 and one.incr("n", 3) == 43 and one.decr("n", 50) == 0
    one.disconnect_all()


def compare_and_set():
    first, second = bmemcached.Client(SERVERS[:1]), bmemcached.Client(SERVERS[:1])
    first.set("k", "old")
    value, token = first.gets("k")
    assert value == "old" and second.set("k", "new") and not first.cas("k", "mine", token)
    value, token = first.gets("k")
    assert first.cas("k", "mine", token) and second.get("k") == "mine"
    first.disconnect_all()
    second.disconnect_all()


def servers_tell_of_themselves():
    one = bmemcached.Client(SERVERS)
    told = one.stats()
    assert set(told) == set(SERVERS)
    assert all(int(stats["pid"]) > 0 and int(stats["curr_items"]) >= 0 for stats in told.values())
    assert one.flush_all() and one.get("k") is None
    one.disconnect_all()


run(values, batches, counters, compare_and_set, servers_tell_of_themselves)
