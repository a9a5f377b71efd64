"""Clients that are ended, by another or by a limit, in the middle of something. Each case broke some server once."""

import pytest

from resp.wire import Closed, encode
from servers import Kiln, wait_until
from stress import lifecycle

OK = ("+", b"OK")
WAITS = [["BLPOP", "k", 0], ["BLMPOP", 0, 1, "k", "LEFT"], ["BLMOVE", "k", "other", "LEFT", "LEFT", 0],
         ["BRPOPLPUSH", "k", "other", 0]]


@pytest.fixture(params=["1", "4"], ids=["one worker", "four workers"])
def server(request):
    with Kiln("--io-threads", request.param) as running:
        yield running


@pytest.fixture
def admin(server):
    with server.connect() as client:
        client.call("PING")  # it is there
        yield client
        assert server.is_alive(), server.log_tail()


def identity(client) -> int:
    return client.call("CLIENT", "ID")[1]


def assert_closed(client):
    with pytest.raises(Closed):
        while True:
            client.read()
    client.close()


def blocked(admin, count: int):
    wait_until(lambda: b"blocked_clients:%d\r\n" % count in admin.call("INFO", "clients")[1], what="clients wait")


def test_clients_end_at_every_moment_of_their_lives():
    with Kiln("--io-threads", "4") as server:
        lifecycle.live_and_die(server)


@pytest.mark.parametrize("command", WAITS)
def test_what_a_killed_client_waited_for_goes_to_the_next(server, admin, command):
    first, second = server.connect(), server.connect()
    number = identity(first)
    first.send(*command)
    blocked(admin, 1)
    second.send(*command)
    blocked(admin, 2)
    replies = admin.pipeline([["MULTI"], ["CLIENT", "KILL", "ID", number], ["RPUSH", "k", "x"], ["EXEC"]])
    assert replies[-1] == ("*", [(":", 1), (":", 1)])
    assert_closed(first)
    assert b"x" in repr(second.read()).encode()
    assert admin.call("LLEN", "k") == (":", 0)
    blocked(admin, 0)
    second.close()


@pytest.mark.parametrize("how", ["TIMEOUT", "ERROR"])
def test_a_client_that_is_let_go_and_killed_at_once_is_ended_once(server, admin, how):
    for _ in range(30):
        one = server.connect()
        number = identity(one)
        one.send("BLPOP", "k", 0)
        one.send("BLPOP", "k", 0)
        blocked(admin, 1)
        admin.send_raw(encode(["CLIENT", "UNBLOCK", number, how]) + encode(["CLIENT", "KILL", "ID", number]) +
                       encode(["RPUSH", "k", "x"]) + encode(["DEL", "k"]))
        assert [admin.read()[0] for _ in range(4)] == [":"] * 4
        assert_closed(one)
    blocked(admin, 0)


def test_chains_of_waiting_clients_survive_the_death_of_a_link(server, admin):
    """Serving one makes the next ready; the middle of the chain is killed in the same transaction."""
    chain = [server.connect() for _ in range(6)]
    numbers = [identity(one) for one in chain]
    for place, one in enumerate(chain):
        one.send("BLMOVE", f"l{place}", f"l{place + 1}", "LEFT", "RIGHT", 0)
    blocked(admin, 6)
    admin.pipeline([["MULTI"], ["RPUSH", "l0", "x"], ["CLIENT", "KILL", "ID", numbers[3]], ["EXEC"]])
    assert_closed(chain[3])
    wait_until(lambda: sum(admin.call("LLEN", f"l{place}")[1] for place in range(7)) == 1)
    for place in (0, 1, 2):
        assert chain[place].read() == ("$", b"x")
    assert admin.call("LLEN", "l3")[1] + admin.call("LLEN", "l6")[1] == 1
    for one in chain:
        one.close()
    blocked(admin, 0)


def test_a_subscriber_is_killed_in_the_transaction_that_tells_it(server, admin):
    for subscribe, publish in (("SSUBSCRIBE", "SPUBLISH"), ("SUBSCRIBE", "PUBLISH"), ("PSUBSCRIBE", "PUBLISH")):
        one = server.connect()
        number = identity(one)
        one.call(subscribe, "news")
        replies = admin.pipeline([["MULTI"], [publish, "news", "m"], ["CLIENT", "KILL", "ID", number],
                                  [publish, "news", "m"], ["EXEC"]])
        assert replies[-1][0] == "*" and replies[-1][1][1] == (":", 1)
        assert_closed(one)
        wait_until(lambda: admin.call(publish, "news", "m") == (":", 0))


@pytest.mark.parametrize("self_kill", [["ID", "ME"], ["TYPE", "normal"]])
def test_who_kills_itself_in_a_transaction_ends_behind_it(server, admin, self_kill):
    one = server.connect()
    whom = [identity(one) if word == "ME" else word for word in self_kill]
    requests = [["WATCH", "k"], ["MULTI"], ["SET", "k", "v"], ["CLIENT", "KILL", *whom, "SKIPME", "no"],
                ["RPUSH", "l", "x"], ["EXEC"], ["SET", "k", "after"]]
    one.send_raw(b"".join(map(encode, requests)))
    assert_closed(one)
    with server.connect() as other:
        assert other.call("GET", "k") == ("$", b"v")
        assert other.call("LLEN", "l") == (":", 1)
    if self_kill[0] == "TYPE":
        assert_closed(admin)


@pytest.mark.parametrize("requests", [
    [["MULTI"], *[["GET", "big"]] * 50, ["EXEC"]],
    [["EVAL", "local t = {} for i = 1, 50 do t[i] = redis.call('GET', 'big') end return t", 0]],
    [["MGET", *["big"] * 50]], [["LRANGE", "list", 0, -1]], [["GET", "big"]] * 50])
def test_a_reply_over_the_limit_closes_in_the_midst_of_making_it(server, admin, requests):
    admin.call("SET", "big", "x" * 100_000)
    admin.pipeline([["RPUSH", "list", "x" * 100_000]] * 50)
    admin.call("CONFIG", "SET", "client-output-buffer-limit", "normal 1mb 0 0")
    for _ in range(5):
        one = server.connect()
        number = identity(one)
        one.send_raw(b"".join(map(encode, [*requests, ["PING"]])))
        if len(requests) < 50:
            wait_until(lambda: f"id={number} ".encode() not in admin.call("CLIENT", "LIST")[1])
        one.close()
    assert admin.call("PING") == ("+", b"PONG")


def test_listeners_over_the_limit_close_while_others_are_told(server, admin):
    admin.call("CONFIG", "SET", "client-output-buffer-limit", "pubsub 300kb 0 0 normal 300kb 0 0")
    deaf, hearing = [server.connect() for _ in range(10)], [server.connect() for _ in range(3)]
    for one in deaf + hearing:
        assert one.call("SUBSCRIBE", "news")[0] == "*"
    watcher = server.connect()
    assert watcher.call("MONITOR") == OK
    told = 0
    while admin.call("PUBSUB", "NUMSUB", "news")[1][1] != (":", 3):
        assert admin.call("PUBLISH", "news", "m" * 50_000)[1] >= 3
        told += 1
        assert told < 2000
        for one in hearing:
            assert one.read()[1][2] == ("$", b"m" * 50_000)
    for one in deaf + hearing + [watcher]:
        one.close()


def test_monitors_over_the_limit_close_while_others_are_told(server, admin):
    admin.call("CONFIG", "SET", "client-output-buffer-limit", "normal 200kb 0 0")
    deaf, hearing = [server.connect() for _ in range(20)], [server.connect() for _ in range(3)]
    for one in deaf + hearing:
        assert one.call("MONITOR") == OK
    told = 0
    while admin.call("CLIENT", "LIST")[1].count(b"flags=O") > 3:
        assert admin.call("ECHO", "m" * 50_000)[0] == "$"
        told += 1
        assert told < 2000
        for one in hearing:
            while b"m" * 50_000 not in one.read()[1]:
                pass
    for one in deaf + hearing:
        one.close()


@pytest.mark.parametrize("busy", [["MONITOR"], ["WAIT", 1, 0], ["XREAD", "BLOCK", 0, "STREAMS", "s", "$"], ["MULTI"],
                                  ["SUBSCRIBE", "c"], ["BLPOP", "k", 0], ["CLIENT", "REPLY", "OFF"], ["WATCH", "k"]])
def test_clients_are_killed_by_every_filter_in_every_state(server, admin, busy):
    filters = [lambda n, a: ["ID", n], lambda n, a: ["ADDR", a], lambda n, a: ["TYPE", "normal"],
               lambda n, a: ["USER", "default"], lambda n, a: ["LADDR", f"127.0.0.1:{server.port}"],
               lambda n, a: ["TYPE", "pubsub"], lambda n, a: ["ID", n, "TYPE", "normal", "USER", "default"]]
    for words in filters:
        one = server.connect()
        number = identity(one)
        address = "%s:%d" % one.socket.getsockname()
        one.send(*busy)
        one.send("SET", "x", "y")
        admin.call("SET", "k", "v")
        admin.call("DEL", "k")
        reply = admin.call("CLIENT", "KILL", *words(number, address))
        assert reply[0] == ":" and (reply[1] >= 1 or b"pubsub" in repr(words(number, address)).encode() or
                                    busy[0] in ("SUBSCRIBE", "MONITOR"))
        admin.call("CLIENT", "KILL", "ID", number)
        assert_closed(one)
    blocked(admin, 0)


def test_the_target_of_redirected_invalidations_is_killed(server, admin):
    for _ in range(20):
        target, reader = server.connect(), server.connect()
        number = identity(target)
        target.call("SUBSCRIBE", "__redis__:invalidate")
        reader.call("CLIENT", "TRACKING", "ON", "REDIRECT", number)
        reader.call("GET", "k")
        admin.send_raw(encode(["CLIENT", "KILL", "ID", number]) + encode(["SET", "k", "v"]) * 3)
        assert [admin.read()[0] for _ in range(4)] == [":", "+", "+", "+"]
        assert_closed(target)
        assert reader.call("GET", "k") == ("$", b"v")
        admin.call("SET", "k", "w")
        admin.call("DEL", "k")
        reader.close()


def test_pauses_that_end_at_once_hold_nobody_for_ever(server, admin):
    """A request may be held back in the very turn in which the pause ends."""
    others = [server.connect() for _ in range(4)]
    for round_number in range(300):
        admin.send("CLIENT", "PAUSE", round_number % 3, "ALL" if round_number % 2 else "WRITE")
        for one in others:
            one.send_raw(b"".join(map(encode, (["MULTI"], ["INCR", "k"], ["EXEC"], ["SET", "x", "y"]))))
        assert admin.read() == OK
        for one in others:
            assert [one.read()[0] for _ in range(4)] == ["+", "+", "*", "+"]
    for one in others:
        one.close()
