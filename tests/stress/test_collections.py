"""Scans, queues and expiry while others write."""

import time

from servers import wait_until
from stress import crowd

KEPT = 5000


def grow_and_shrink(member):
    """Makes the keyspace and one of each collection grow, then shrink, over and over."""
    while member.goes_on():
        base = member.rng.randint(0, 10**6)
        batch = [f"x{member.number}:{base + offset}" for offset in range(200)]
        member.client.pipeline([["SET", key, "v"] for key in batch])
        member.client.call("SADD", "set", *batch)
        member.client.call("HSET", "hash", *[word for key in batch for word in (key, "v")])
        member.client.call("ZADD", "zset", *[word for key in batch for word in ("1", key)])
        if member.rng.random() < 0.7:
            member.client.call("DEL", *batch)
            member.client.call("SREM", "set", *batch)
            member.client.call("HDEL", "hash", *batch)
            member.client.call("ZREM", "zset", *batch)


def scan_all(member):
    commands = [["SCAN"], ["SSCAN", "set"], ["HSCAN", "hash"], ["ZSCAN", "zset"]]
    kept = {f"kept:{number}".encode() for number in range(KEPT)}
    while member.goes_on():
        words = member.rng.choice(commands)
        seen, cursor = set(), b"0"
        while True:
            reply = member.client.call(*words, cursor, "COUNT", member.rng.choice([10, 100, 1000]))[1]
            items = reply[1][1]
            step = 2 if words[0] in ("HSCAN", "ZSCAN") else 1
            seen.update(value for _, value in items[::step])
            cursor = reply[0][1]
            if cursor == b"0":
                break
        missing = kept - seen
        assert not missing, f"{words[0]} missed {len(missing)}, e.g. {sorted(missing)[:3]}"


def test_scans_return_what_was_there_throughout(server):
    with server.connect() as client:
        keys = [f"kept:{number}" for number in range(KEPT)]
        for start in range(0, KEPT, 500):
            part = keys[start:start + 500]
            client.pipeline([["SET", key, "v"] for key in part])
            client.call("SADD", "set", *part)
            client.call("HSET", "hash", *[word for key in part for word in (key, "v")])
            client.call("ZADD", "zset", *[word for key in part for word in ("1", key)])
    crowd.run(server, (grow_and_shrink, 3), (scan_all, 3))


def flicker(member):
    """Sets that come, grow into tables and go again, in pipelines that ask for their members ahead."""
    while member.goes_on():
        names = [f"flicker:{member.rng.randint(0, 7)}" for _ in range(16)]
        commands = [[member.rng.choice(["SADD", "SADD", "SREM", "SISMEMBER"]), name,
                     f"member:{member.rng.randint(0, 400)}"] for name in names]
        if member.rng.random() < 0.2:
            commands.insert(member.rng.randint(0, 15), [member.rng.choice(["DEL", "UNLINK"]), names[0]])
        for reply in member.client.pipeline(commands):
            assert reply[0] == ":", reply


def test_sets_may_come_and_go_while_batches_ask_for_their_members(server):
    crowd.run(server, (flicker, 6))


def produce(member):
    """Numbers its jobs; bursts and single pushes, to either end of neither."""
    number = 0
    while member.goes_on():
        count = member.rng.choice([1, 1, 1, 5])
        jobs = [f"{member.number}:{number + offset}" for offset in range(count)]
        number += count
        queue = "queue:a" if member.number % 2 else "queue:b"
        assert member.client.call("RPUSH", queue, *jobs)[0] == ":"
        if number % 50 == 0:
            time.sleep(0.001)
    member.client.call("SET", f"made:{member.number}", number)


def consume(member):
    """Takes jobs; of one producer they come in order, none twice."""
    last = {}
    while member.goes_on():
        if member.rng.random() < 0.5:
            reply = member.client.call("BLPOP", "queue:a", "queue:b", "0.2")
            jobs = [reply[1][1][1]] if reply[1] else []
        else:
            reply = member.client.call("BLMPOP", "0.2", 2, "queue:b", "queue:a", "LEFT", "COUNT", 3)
            jobs = [value for _, value in reply[1][1][1]] if reply[1] else []
        for job in jobs:
            producer, number = map(int, job.split(b":"))
            assert last.get(producer, -1) < number, f"{job} after {last[producer]}"
            last[producer] = number
        if jobs:
            member.client.call("INCRBY", "taken", len(jobs))


def test_queues_lose_and_repeat_nothing(server):
    crowd.run(server, (produce, 3), (consume, 5))
    with server.connect() as client:
        left = client.call("LLEN", "queue:a")[1] + client.call("LLEN", "queue:b")[1]
        made = sum(int(client.call("GET", f"made:{number}")[1] or 0) for number in range(3))
        assert made == left + int(client.call("GET", "taken")[1])


def test_blocked_clients_are_served_in_the_order_they_came(server):
    chosen = crowd.seed()
    deadline = time.monotonic() + crowd.seconds() / 2
    with server.connect() as client:
        waiting = [server.connect() for _ in range(20)]
        while time.monotonic() < deadline:
            for place, waiter in enumerate(waiting):
                waiter.send("BLPOP", "queue", "0")
                wait_until(lambda wanted=place + 1: blocked(client) == wanted)
            client.pipeline([["RPUSH", "queue", number] for number in range(len(waiting))])
            got = [waiter.read()[1][1][1] for waiter in waiting]
            assert got == [b"%d" % number for number in range(len(waiting))], (chosen, got)
        for waiter in waiting:
            waiter.close()


def blocked(client) -> int:
    text = client.call("INFO", "clients")[1]
    return int(text.split(b"blocked_clients:")[1].split(b"\r\n")[0])


def expire_keys(member):
    while member.goes_on():
        key = f"due:{member.rng.randint(0, 500)}"
        if member.rng.random() < 0.5:
            member.client.call("SET", key, "v", "PX", member.rng.randint(1, 30))
        else:
            member.client.pipeline([["RPUSH", key, "v"], ["PEXPIRE", key, member.rng.randint(1, 30)], ["DEL", key]])


def read_keys(member):
    """Within a transaction a key is there or not; it never goes between two reads."""
    while member.goes_on():
        key = f"due:{member.rng.randint(0, 500)}"
        replies = member.client.pipeline([["MULTI"], ["EXISTS", key], ["TYPE", key], ["PTTL", key], ["EXISTS", key],
                                          ["EXEC"]])[-1][1]
        there = replies[0][1]
        assert replies[3][1] == there, replies
        assert (replies[1][1] == b"none") == (there == 0), replies
        assert (replies[2][1] == -2) == (there == 0), replies


def swap_and_flush(member):
    while member.goes_on():
        member.client.call("SELECT", member.rng.randint(2, 4))
        member.client.pipeline([["SET", f"k{number}", "v"] for number in range(50)])
        member.client.call(*member.rng.choice([["FLUSHDB"], ["FLUSHDB", "ASYNC"], ["SWAPDB", 2, 3], ["DBSIZE"],
                                               ["RANDOMKEY"]]))


def test_keys_expire_between_commands_only(server):
    crowd.run(server, (expire_keys, 3), (read_keys, 3), (swap_and_flush, 1))
    with server.connect() as client:
        wait_until(lambda: client.call("DBSIZE")[1] == len(without_expiry(client)), what="due keys are gone")


def without_expiry(client) -> list:
    keys = [value for _, value in client.call("KEYS", "*")[1]]
    return [key for key in keys if client.call("PTTL", key) == (":", -1)]
