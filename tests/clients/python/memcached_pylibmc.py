"""pylibmc (libmemcached): values of every kind, batches, counters, CAS, behaviours, two servers, threads."""

import sys
import threading

import pylibmc

from lib.steps import run

SERVERS = [f"127.0.0.1:{port}" for port in sys.argv[1:]]


def client(**behaviors):
    return pylibmc.Client(SERVERS, binary=False, behaviors={"cas": True, **behaviors})


def values():
    one = client()
    for value in (b"bytes", "text", 17, 1.5, True, None, {"deep": [1, 2]}, b"x" * 900_000, b""):
        assert one.set("k", value) and one.get("k") == value, value
    assert one.add("k", 1) is False and one.replace("k", b"2") and one.append("k", b"3") and one.prepend("k", b"1")
    assert one.get("k") == b"123" and one.delete("k") and one.get("k") is None and not one.delete("k")
    try:
        one.set("k", b"x" * 1_100_000)
        raise AssertionError("too large, and stored")
    except pylibmc.Error:
        pass


def batches():
    one = client()
    assert one.set_multi({f"k{n}": n for n in range(500)}) == []
    assert one.get_multi([f"k{n}" for n in range(600)]) == {f"k{n}": n for n in range(500)}
    assert one.set_multi({"a": 1}, key_prefix="p_") == [] and one.get_multi(["a"], key_prefix="p_") == {"a": 1}
    assert one.delete_multi([f"k{n}" for n in range(500)]) and one.get_multi(["k1", "k2"]) == {}


def counters():
    one = client()
    one.set("n", 10)
    assert one.incr("n", 5) == 15 and one.decr("n", 20) == 0 and one.incr_multi(["n"], delta=3) is None
    assert one.get("n") == 3
    try:
        one.incr("absent")
        raise AssertionError("counted what is not there")
    except pylibmc.NotFound:
        pass


def compare_and_set():
    first, second = client(), client()
    first.set("k", "old")
    value, token = first.gets("k")
    assert value == "old" and second.set("k", "new") and not first.cas("k", "mine", token)
    value, token = first.gets("k")
    assert first.cas("k", "mine", token) and second.get("k") == "mine"


def behaviours():
    for change in ({"tcp_nodelay": True}, {"no_block": True}, {"ketama": True, "distribution": "consistent ketama"},
                   {"verify_keys": True}, {"hash": "fnv1a_32"}):
        one = client(**change)
        assert one.set_multi({f"b{n}": "v" * n for n in range(200)}) == []
        assert len(one.get_multi([f"b{n}" for n in range(200)])) == 200, change
    assert one.touch("b1", 100) and not one.touch("absent", 100)


def servers_tell_of_themselves():
    one = client()
    assert [name.decode().split(" ")[0] for name, _ in one.get_stats()] == SERVERS
    for _, stats in one.get_stats():
        assert int(stats["pid"]) > 0 and int(stats["curr_items"]) >= 0
    assert one.flush_all() and one.get("b1") is None


def threads_share_a_pool():
    pool = pylibmc.ClientPool(client(), 4)
    client().set("sum", 0)

    def work():
        for _ in range(200):
            with pool.reserve(block=True) as one:
                one.incr("sum")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client().get("sum") == 1600


run(values, batches, counters, compare_and_set, behaviours, servers_tell_of_themselves, threads_share_a_pool)
