"""Clients that come, go, subscribe, block and are killed while others work."""

import time

import pytest

from resp.wire import Closed, encode
from servers import wait_until
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


class Cache:
    """What a client that tracks has read, and what it has been told since.

    A read is told of once, when its key changes next; so two reads that differ owe a message, and there are never
    more messages than reads.
    """

    def __init__(self, is_ordered: bool):
        self.is_ordered = is_ordered
        self.values, self.reads, self.changes, self.told = {}, {}, {}, {}

    def read(self, key, value):
        if key in self.values and self.values[key] != value:
            self.changes[key] = self.changes.get(key, 0) + 1
        self.values[key] = value
        self.reads[key] = self.reads.get(key, 0) + 1

    def tell(self, keys):
        for _, key in keys:
            self.told[key] = self.told.get(key, 0) + 1
            assert not self.is_ordered or self.told[key] <= self.reads.get(key, 0), "told before it had read"

    def owed(self):
        return [key for key, count in self.changes.items() if self.told.get(key, 0) < count]


def receive(connection, cache):
    """The next reply; messages before it go to the cache."""
    while True:
        reply = connection.read()
        if reply[0] != ">":
            return reply
        cache.tell(reply[1][1][1])


def settle(is_readable, take, cache):
    deadline = time.monotonic() + OWED_S
    while cache.owed():
        assert time.monotonic() < deadline, f"no invalidation of {cache.owed()}"
        if is_readable():
            take()


def track(member):
    """A client that caches by invalidation: each change it comes to see is told to it, soon if not before."""
    client, cache = member.client, Cache(is_ordered=True)
    client.call("HELLO", "3")
    client.call("CLIENT", "TRACKING", "ON")
    while member.goes_on():
        key = f"t{member.rng.randint(0, 20)}".encode()
        if member.rng.randint(0, 9) == 0:
            client.send("MGET", key, b"t0")
            values = receive(client, cache)[1]
            cache.read(key, values[0])
            if key != b"t0":
                cache.read(b"t0", values[1])
        elif member.rng.randint(0, 9) == 0:
            client.send("INCR", key)
            receive(client, cache)
        else:
            client.send("GET", key)
            cache.read(key, receive(client, cache))
    settle(client.is_readable, lambda: cache.tell(client.read()[1][1][1]), cache)


def track_for_another(member):
    """RESP2: one connection reads, another is told."""
    listener, cache = member.connect(), Cache(is_ordered=False)
    identity = listener.call("CLIENT", "ID")[1]
    listener.call("SUBSCRIBE", "__redis__:invalidate")
    member.client.call("CLIENT", "TRACKING", "ON", "REDIRECT", identity)

    def listen_once():
        cache.tell(listener.read()[1][2][1])

    while member.goes_on():
        key = f"t{member.rng.randint(0, 20)}".encode()
        cache.read(key, member.client.call("GET", key))
        while listener.is_readable():
            listen_once()
    settle(listener.is_readable, listen_once, cache)
    listener.close()


def hear_everything(member):
    """A client in broadcast mode is told of whatever it comes to see changed."""
    client, values, owed = member.client, {}, {}
    client.call("HELLO", "3")
    client.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "t")
    while member.goes_on():
        key = f"t{member.rng.randint(0, 20)}".encode()
        client.send("GET", key)
        while True:
            reply = client.read()
            if reply[0] != ">":
                break
            for _, stale in reply[1][1][1]:
                values.pop(stale, None)
                owed.pop(stale, None)
        if values.get(key, reply) != reply:
            owed.setdefault(key, time.monotonic())
        values[key] = reply
        assert not owed or time.monotonic() - min(owed.values()) < OWED_S, f"no invalidation of {list(owed)}"


def change(member):
    while member.goes_on():
        key = f"t{member.rng.randint(0, 20)}"
        if member.rng.randint(0, 50) == 0:
            member.client.call("SET", key, "0", "PX", "1")
        else:
            member.client.call("INCR", key)


def begin_and_end_tracking(member):
    """Tables and marks come and go under the others."""
    while member.goes_on():
        with member.connect() as client:
            client.call("HELLO", "3")
            mode = member.rng.choice([[], ["BCAST"], ["BCAST", "PREFIX", "t1"], ["OPTIN"], ["NOLOOP"]])
            assert client.call("CLIENT", "TRACKING", "ON", *mode) == ("+", b"OK")
            client.send("MGET", *[f"t{i}" for i in range(20)])
            if member.rng.randint(0, 1):
                client.send("CLIENT", "TRACKING", "OFF")


def test_tracking_tells_every_change(server):
    crowd.run(server, (track, 3), (track_for_another, 1), (change, 2))


def test_tracking_comes_and_goes(server):
    crowd.run(server, (track, 1), (hear_everything, 2), (begin_and_end_tracking, 2), (change, 1))
    with server.connect() as client:
        wait_until(lambda: b"tracking_clients:0" in client.call("INFO", "clients")[1])
        if server.name == "kiln":  # forgets all when nobody tracks any more
            wait_until(lambda: b"tracking_total_keys:0" in client.call("INFO", "stats")[1])


def test_tracking_with_a_table_that_is_too_small(server):
    with server.connect() as client:
        client.call("CONFIG", "SET", "tracking-table-max-keys", "4")
    crowd.run(server, (track, 3), (change, 2))
