"""Clients that come, go, subscribe, block and are killed while others work."""

import time

import pytest

from resp.wire import Closed, encode
from stress import crowd

OWED_S = 3.0  # how late an invalidation may come


def come_and_go(member):
    while member.goes_on():
        with member.connect() as client:
            kind = member.rng.randint(0, 5)
            if kind == 0:
                client.send("BLPOP", "nothing", "0")
            elif kind == 1:
                client.call("SUBSCRIBE", "ch")
            elif kind == 2:
                client.send_raw(encode(["MULTI"]) + encode(["SET", "k", "v"]))
            elif kind == 3:
                client.send_raw(encode(["GET", "big"]) * 20)
            elif kind == 4:
                client.send_raw(b"*3\r\n$3\r\nSET\r\n$1")
            else:
                assert client.call("PING") == ("+", b"PONG")


def kill(member):
    while member.goes_on():
        victim = member.connect()
        identity = victim.call("CLIENT", "ID")[1]
        victim.send(*member.rng.choice([["BLPOP", "nothing", "0"], ["SUBSCRIBE", "ch"], ["MULTI"], ["PING"]]))
        assert member.client.call("CLIENT", "KILL", "ID", identity) == (":", 1)
        with pytest.raises((Closed, ConnectionError)):
            while True:
                victim.read()
        victim.close()


def publish(member):
    while member.goes_on():
        assert member.client.call("PUBLISH", "ch", "m" * member.rng.randint(1, 1000))[0] == ":"


def listen(member):
    """Messages of one publisher come in order."""
    listener = member.connect()
    listener.call("SUBSCRIBE", "numbers")
    last = 0
    while member.goes_on():
        member.client.call("PING")
        while listener.is_readable():
            number = int(listener.read()[1][2][1])
            assert number == last + 1 or not last, (last, number)
            last = number
    listener.close()


def count_aloud(member):
    number = 0
    while member.goes_on():
        number += 1
        member.client.call("PUBLISH", "numbers", number)


def work(member):
    member.client.call("SET", "big", "x" * 100_000)
    while member.goes_on():
        key = f"w{member.number}"
        number = member.client.call("INCR", key)
        assert member.client.call("GET", key) == ("$", b"%d" % number[1])


def look(member):
    while member.goes_on():
        assert member.client.call("CLIENT", "LIST")[0] == "$"
        assert member.client.call("INFO")[0] == "$"
        assert member.client.call("PUBSUB", "NUMSUB", "ch")[0] == "*"


def test_comings_and_goings(server):
    crowd.run(server, (come_and_go, 3), (kill, 1), (publish, 1), (work, 2), (look, 1))
    with server.connect() as client:
        assert client.call("PING") == ("+", b"PONG")


def test_messages_keep_their_order(server):
    crowd.run(server, (count_aloud, 1), (listen, 4))


def track(member):
    """A client that caches by invalidation: each change it comes to see is told to it, soon if not before."""
    client = member.client
    client.call("HELLO", "3")
    client.call("CLIENT", "TRACKING", "ON")
    cached, owed = {}, {}
    while member.goes_on():
        key = f"t{member.rng.randint(0, 20)}".encode()
        client.send("GET", key)
        while True:
            reply = client.read()
            if reply[0] != ">":
                break
            for _, stale in reply[1][1][1]:
                cached.pop(stale, None)
                owed.pop(stale, None)
        if cached.get(key, reply[1]) != reply[1]:
            owed.setdefault(key, time.monotonic())
        cached[key] = reply[1]
        assert not owed or time.monotonic() - min(owed.values()) < OWED_S, f"no invalidation of {list(owed)}"


def change(member):
    while member.goes_on():
        member.client.call("SET", f"t{member.rng.randint(0, 20)}", member.rng.randint(0, 10**6))


def test_tracking_tells_every_change(server):
    with server.connect() as client:
        client.call("HELLO", "3")
        answer = client.call("CLIENT", "TRACKING", "ON")
        if server.name == "kiln" and answer[0] == "-":
            pytest.skip(f"not built yet: {answer[1].decode()}")
    crowd.run(server, (track, 3), (change, 2))
