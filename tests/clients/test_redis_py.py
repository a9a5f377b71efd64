"""python3-redis: what an application does with it in a day."""

import threading

import pytest

from servers import HOST, wait_until

redis = pytest.importorskip("redis")


@pytest.fixture(scope="module")
def server(server_name, shared_servers):
    if ":" in server_name:
        pytest.skip("needs a server of its own")
    return shared_servers(server_name)


@pytest.fixture
def client(server):
    with redis.Redis(HOST, server.port, decode_responses=True, socket_timeout=20) as connected:
        connected.flushall()
        yield connected


def test_strings_and_expiry(client):
    assert client.set("k", "v", ex=100, nx=True) is True
    assert client.set("k", "w", nx=True) is None
    assert client.get("k") == "v" and 98 <= client.ttl("k") <= 100
    assert client.set("k", "x", get=True) == "v"
    assert client.mset({"a": 1, "b": 2}) and client.mget("a", "b", "c") == ["1", "2", None]
    assert client.incrby("a", 10) == 11 and client.incrbyfloat("a", 0.5) == 11.5
    assert client.getex("k", px=50) == "x"
    wait_until(lambda: client.get("k") is None)


def test_collections(client):
    assert client.hset("h", mapping={"a": 1, "b": 2}) == 2
    assert client.hgetall("h") == {"a": "1", "b": "2"}
    assert client.rpush("l", *range(5)) == 5 and client.lrange("l", 1, 2) == ["1", "2"]
    assert client.lpos("l", "3") == 3 and client.lmove("l", "m", "LEFT", "RIGHT") == "0"
    assert client.sadd("s", "x", "y") == 2 and client.smembers("s") == {"x", "y"}
    assert client.smismember("s", ["x", "z"]) == [1, 0]
    assert client.zadd("z", {"a": 1, "b": 2.5}) == 2
    assert client.zrange("z", 0, -1, withscores=True) == [("a", 1.0), ("b", 2.5)]
    assert client.zadd("z", {"a": 5}, gt=True, ch=True) == 1
    assert client.zpopmax("z") == [("a", 5.0)]
    assert client.object("encoding", "h") == "listpack"


def test_scans_see_everything(client):
    client.mset({f"k{n}": n for n in range(1000)})
    assert len(set(client.scan_iter(count=50))) == 1000
    assert len(set(client.scan_iter("k1*"))) == 111
    client.sadd("s", *range(2000))
    assert len(set(client.sscan_iter("s", count=10))) == 2000
    client.hset("h", mapping={n: n for n in range(2000)})
    assert len(dict(client.hscan_iter("h"))) == 2000
    client.zadd("z", {n: n for n in range(2000)})
    assert len(dict(client.zscan_iter("z"))) == 2000


def test_pipelines_and_transactions(client):
    with client.pipeline(transaction=True) as pipe:
        assert pipe.set("a", 1).incr("a").get("a").execute() == [True, 2, "2"]
    with client.pipeline(transaction=False) as pipe:
        for n in range(1000):
            pipe.incr("n")
        assert pipe.execute() == list(range(1, 1001))
    with client.pipeline() as pipe:
        pipe.set("s", "x").lpush("s", 1).set("t", 1)
        results = pipe.execute(raise_on_error=False)
        assert isinstance(results[1], redis.ResponseError) and results[2] is True


def test_watch_retries(client):
    client.set("n", 0)

    def add():
        def step(pipe):
            value = int(pipe.get("n"))
            pipe.multi()
            pipe.set("n", value + 1)
        for _ in range(50):
            client.transaction(step, "n")
    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get("n") == "200"


def test_publish_subscribe(client):
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe("ch")
    listener.psubscribe("p*")
    wait_until(lambda: client.publish("ch", "probe") or None)
    client.publish("px", "two")
    got = []
    wait_until(lambda: got.append(listener.get_message(timeout=0.1)) or any(m and m["data"] == "two" for m in got))
    listener.close()


def test_blocking_pops(client):
    threading.Timer(0.05, client.rpush, ("q", "x")).start()
    assert client.blpop("q", timeout=10) == ("q", "x")
    assert client.blpop("q", timeout=1) is None
    client.zadd("z", {"m": 1})
    assert client.bzpopmin("z", timeout=1) == ("z", "m", 1.0)


def test_scripts_and_locks(client):
    script = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert script(keys=["n"], args=[5]) == 5
    client.script_flush()
    assert script(keys=["n"], args=[5]) == 10
    with client.lock("lock", timeout=10):
        assert not client.lock("lock").acquire(blocking=False)
    assert client.get("lock") is None


def test_errors_are_the_right_classes(client):
    client.set("s", "x")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        client.lpush("s", 1)
    with pytest.raises(redis.exceptions.NoScriptError):
        client.evalsha("1" * 40, 0)
    with pytest.raises(redis.ResponseError, match="unknown command"):
        client.execute_command("NOSUCH")


def test_administration(client):
    assert client.ping() and client.echo("x") == "x"
    assert client.info()["redis_version"].startswith("7.")
    assert client.config_get("maxmemory") == {"maxmemory": "0"}
    client.client_setname("me")
    assert client.client_getname() == "me"
    assert any(entry["name"] == "me" for entry in client.client_list())
    assert client.dbsize() == 0 and len(client.time()) == 2
    assert client.command_count() > 100
    assert client.memory_usage("missing") is None


def test_binary_values_survive(server):
    with redis.Redis(HOST, server.port) as client:
        value = bytes(range(256)) * 100
        client.set(b"\x00key\r\n", value)
        assert client.get(b"\x00key\r\n") == value
