"""twemproxy (nutcracker) in front of two servers, of which one dies: keys are spread, batches split."""

import os
import pathlib
import signal
import socket

import redis

from lib.steps import HOST, PORTS, Process, run, until


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


OWN = free_port()
CONFIGURATION = f"""
pool:
  listen: {HOST}:{OWN}
  hash: fnv1a_64
  distribution: ketama
  redis: true
  auto_eject_hosts: true
  server_retry_timeout: 600000
  server_failure_limit: 1
  timeout: 5000
  servers:
   - {HOST}:{PORTS[0]}:1 first
   - {HOST}:{PORTS[1]}:1 second
"""
client = redis.Redis(HOST, OWN, socket_timeout=20)
nodes = [redis.Redis(HOST, port) for port in PORTS]


def answers():
    try:
        return client.ping()
    except redis.ConnectionError:
        return False


def spread_over_both():
    until(answers, "the proxy answers")
    keys = {f"key:{n}": str(n).encode() for n in range(500)}
    assert client.execute_command("MSET", *(word for pair in keys.items() for word in pair))
    assert client.mget(keys) == list(keys.values())
    sizes = [node.dbsize() for node in nodes]
    assert sum(sizes) == 500 and min(sizes) > 100, sizes
    assert client.delete(*list(keys)[:100]) == 100
    with client.pipeline(transaction=False) as pipe:
        for n in range(200):
            pipe.incr(f"count:{n % 20}")
        assert sorted(pipe.execute()) == sorted(list(range(1, 11)) * 20)
    assert client.eval("return redis.call('GET', KEYS[1])", 1, "count:1") == b"10"
    client.zadd("z", {"a": 1, "b": 2.5})
    assert client.zrange("z", 0, -1, withscores=True) == [(b"a", 1.0), (b"b", 2.5)]


def one_dies():
    os.kill(int(os.environ["SERVER_PIDS"].split()[1]), signal.SIGKILL)

    def all_are_set():
        try:
            return all(client.set(f"after:{n}", n) for n in range(100))
        except redis.RedisError:
            return False

    until(all_are_set, "the other takes every key")
    assert sum(1 for _ in nodes[0].scan_iter("after:*")) == 100


pathlib.Path("nutcracker.yml").write_text(CONFIGURATION)
with Process("nutcracker", "-c", "nutcracker.yml", "-s", free_port(), "-o", "log"):
    run(spread_over_both, one_dies)
