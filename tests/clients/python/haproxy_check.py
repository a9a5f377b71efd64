"""haproxy in front of a server: its own Redis check and a scripted one that looks for the primary's role."""

import pathlib
import socket

import redis

from lib.steps import HOST, PORT, Process, run, until


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


FRONTS = {"check": free_port(), "scripted": free_port()}
CONFIGURATION = f"""
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen check
  bind {HOST}:{FRONTS["check"]}
  option redis-check
  server one {HOST}:{PORT} check inter 50ms
listen scripted
  bind {HOST}:{FRONTS["scripted"]}
  option tcp-check
  tcp-check send PING\\r\\n
  tcp-check expect string +PONG
  tcp-check send info\\ replication\\r\\n
  tcp-check expect string role:master
  tcp-check send QUIT\\r\\n
  tcp-check expect string +OK
  server one {HOST}:{PORT} check inter 50ms fall 1 rise 2
"""


def through(name):
    client = redis.Redis(HOST, FRONTS[name], socket_timeout=20)

    def answers():
        try:
            return client.ping()
        except redis.ConnectionError:
            return False

    until(answers, f"{name} is up")
    client.set("k", "x" * 100000)
    assert client.get("k") == b"x" * 100000
    checks = redis.Redis(HOST, PORT).info("stats")["total_connections_received"]
    until(lambda: redis.Redis(HOST, PORT).info("stats")["total_connections_received"] > checks + 10, "more checks")
    assert client.ping()


def its_own_check():
    through("check")


def scripted_check():
    through("scripted")


pathlib.Path("haproxy.cfg").write_text(CONFIGURATION)
with Process("/usr/sbin/haproxy", "-f", "haproxy.cfg", "-db"):
    run(its_own_check, scripted_check)
