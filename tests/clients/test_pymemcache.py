"""python3-pymemcache: single client, pool and hashing over two servers."""

import pytest

from servers import HOST, SERVERS, wait_until

pytest.importorskip("pymemcache")
from pymemcache import serde  # noqa: E402
from pymemcache.client.base import Client, PooledClient  # noqa: E402
from pymemcache.client.hash import HashClient  # noqa: E402


@pytest.fixture(scope="module")
def server(cache_name, shared_servers):
    if cache_name not in SERVERS:
        pytest.skip("needs a server of its own")
    return shared_servers(cache_name)


@pytest.fixture
def client(server):
    connected = Client((HOST, server.port), default_noreply=False, timeout=10)
    connected.flush_all()
    yield connected
    connected.close()


def test_set_get_delete(client):
    assert client.set("k", b"v") and client.get("k") == b"v"
    assert client.add("k", b"x") is False and client.replace("k", b"w") is True
    assert client.append("k", b"!") and client.prepend("k", b"_") and client.get("k") == b"_w!"
    assert client.delete("k") and client.get("k") is None and not client.delete("k")
    assert client.set_many({f"k{n}": b"%d" % n for n in range(100)}) == []
    assert len(client.get_many([f"k{n}" for n in range(200)])) == 100


def test_cas(client):
    client.set("k", b"a")
    value, token = client.gets("k")
    assert value == b"a" and client.cas("k", b"b", token) is True
    assert client.cas("k", b"c", token) is False and client.cas("missing", b"c", token) is None


def test_counters_touch_and_expiry(client):
    client.set("n", b"10")
    assert client.incr("n", 5) == 15 and client.decr("n", 20) == 0 and client.incr("missing", 1) is None
    client.set("e", b"x", expire=1)
    wait_until(lambda: client.get("e") is None)
    client.set("t", b"x", expire=1000)
    assert client.touch("t", 2000) and not client.touch("missing", 1)


def test_noreply_keeps_the_stream_in_step(server):
    client = Client((HOST, server.port), default_noreply=True, timeout=10)
    for n in range(500):
        client.set("k", b"%d" % n)
    assert client.get("k") == b"499"
    client.close()


def test_statistics_and_version(client):
    assert client.version()
    stats = client.stats()
    for name in (b"pid", b"uptime", b"curr_items", b"cmd_get", b"get_hits", b"bytes", b"limit_maxbytes", b"threads"):
        assert name in stats, name


def test_python_objects_and_large_values(server):
    client = Client((HOST, server.port), serde=serde.pickle_serde, timeout=10)
    client.set("o", {"a": [1, 2.5, None]}, noreply=False)
    assert client.get("o") == {"a": [1, 2.5, None]}
    client.set("big", b"x" * 900_000, noreply=False)
    assert client.get("big") == b"x" * 900_000
    client.close()


def test_pool_and_hashing(cache_name, server):
    with SERVERS[cache_name]() as second:
        pool = PooledClient((HOST, server.port), max_pool_size=4)
        pool.set("p", b"1", noreply=False)
        assert pool.get("p") == b"1"
        ring = HashClient([(HOST, server.port), (HOST, second.port)], timeout=10)
        for n in range(200):
            ring.set(f"k{n}", b"%d" % n, noreply=False)
        assert all(ring.get(f"k{n}") == b"%d" % n for n in range(200))
        ring.close()
