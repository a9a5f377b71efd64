"""Roles of a crowd in which clients end at every moment of their lives, by every means, and on every worker.

A victim puts itself into some state and tells the others its id; killers end it or take it out of waiting; feeders
serve it meanwhile; movers' elements are counted at the end: none may be lost or doubled with a client that goes.
"""

import time

from resp.wire import Closed, encode
from servers import wait_until
from stress import crowd

RINGS = [f"ring{number}" for number in range(4)]
TOKENS = [f"token{number}" for number in range(40)]
PATIENCE_S = 0.15
BUSY = "local n = 0 for i = 1, 3000 do n = n + 1 redis.call('SET', KEYS[1], i) end return n"
LIMITS = ["normal 0 0 0 pubsub 32mb 8mb 60", "normal 200kb 50kb 1 pubsub 100kb 50kb 1",
          "normal 1mb 0 0 pubsub 60kb 0 0"]

# What each victim does. ID stands for somebody else's id.
STATES = [[line.split() for line in text.split(";")] for text in """
BLPOP a b 0|BRPOP b a 0|BLMPOP 0 2 a b LEFT COUNT 3|BZPOPMIN z 0|BZMPOP 0 1 z MAX|BLPOP a 0;BLPOP b 0;PING
XREAD BLOCK 0 STREAMS s $|XGROUP CREATE s g 0 MKSTREAM;XREADGROUP GROUP g anna BLOCK 0 STREAMS s >
BLMOVE a b LEFT RIGHT 0|BRPOPLPUSH b a 0|WAIT 3 0|WAIT 1 50
MULTI;SET k v;BLPOP a 0|MULTI;RPUSH a 1;RPUSH b 2;ZADD z 1 m;XADD s * f v;EXEC|WATCH k a;MULTI;GET k;EXEC
MULTI;GET big;GET big;GET big;EXEC|GET big;GET big;GET big;GET big|EVAL BUSY 1 k;GET k|EVAL BIG 1 big
EVAL SPIN 0|MULTI;GET k;EVAL SPIN 0;EXEC
MONITOR|SUBSCRIBE news|PSUBSCRIBE n* *|SSUBSCRIBE news|MULTI;SUBSCRIBE news;SPUBLISH news m;PUBLISH news m;EXEC
HELLO 3;CLIENT TRACKING ON BCAST;GET k;BLPOP a 0|CLIENT TRACKING ON REDIRECT ID;GET k;GET a;BLPOP a 0
SUBSCRIBE __redis__:invalidate|HELLO 3;CLIENT TRACKING ON OPTIN;CLIENT CACHING YES;GET k;SUBSCRIBE news
CLIENT REPLY OFF;BLPOP a 0|CLIENT NO-EVICT on;GET big;BLPOP a 0|MULTI;CLIENT KILL ID ID;SPUBLISH news m;EXEC
""".strip().replace("\n", "|").split("|")]
SCRIPTS = {"BUSY": BUSY, "SPIN": "for i = 1, 3e6 do end return 1",
           "BIG": "return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[1])}"}
FOOD = [line.split() for line in """
RPUSH a 1 2|LPUSH b 3|ZADD z 1 m|XADD s * f v|DEL a b z|RENAME b a|PUBLISH news NEWS|SPUBLISH news NEWS|SET k 1|DEL s
EVAL FEED 2 a b|RESTORE a 0 x|SORT b STORE a|COPY b a REPLACE|EXPIRE a 0|SET big BIG
""".strip().replace("\n", "|").split("|")]
FEED = """for i = 1, 5 do redis.call('RPUSH', KEYS[1], i)
redis.call('LMOVE', KEYS[1], KEYS[2], 'LEFT', 'LEFT') end return 1"""


def prepare(server):
    with server.connect() as client:
        client.call("SET", "big", "x" * 60_000)
        client.call("RPUSH", RINGS[0], *TOKENS)
        client.call("CONFIG", "SET", "busy-reply-threshold", 1)


def victim(member):
    while member.goes_on():
        try:
            with member.connect() as client:
                identity = client.call("CLIENT", "ID")[1]
                state = member.rng.choice(STATES)
                other = member.client.call("SRANDMEMBER", "victims")[1] or b"0"
                member.client.call("SADD", "victims", identity)
                words = {"ID": other, **SCRIPTS}
                client.send_raw(b"".join(encode([words.get(word, word) for word in command]) for command in state))
                linger(member, client)
        except (Closed, ConnectionError):
            pass
        member.client.call("SREM", "victims", identity)


def linger(member, client):
    """Reads, or does not, for a little, then leaves as rudely as it likes."""
    reads, until = member.rng.random() < 0.7, time.monotonic() + member.rng.uniform(0, PATIENCE_S)
    while time.monotonic() < until and member.goes_on():
        if client.is_readable(0.01) and reads:
            client.socket.recv(1 << 16) or time.sleep(0.001)


def kill(member):
    while member.goes_on():
        sigil, identity = member.client.call("SRANDMEMBER", "victims")
        if sigil == "-":  # a script goes on and on
            member.client.call("SCRIPT", "KILL")
        if identity is None:
            continue
        chosen = member.rng.choice([
            ["CLIENT", "KILL", "ID", identity], ["CLIENT", "KILL", "ID", identity, "SKIPME", "no"],
            ["CLIENT", "UNBLOCK", identity, "TIMEOUT"], ["CLIENT", "UNBLOCK", identity, "ERROR"],
            ["CLIENT", "KILL", "TYPE", "pubsub"], ["CLIENT", "LIST", "ID", identity],
            ["CONFIG", "SET", "client-output-buffer-limit", member.rng.choice(LIMITS)],
            ["CONFIG", "SET", "maxmemory-clients", member.rng.choice(["0", "800kb", "2mb"])],
            ["CLIENT", "PAUSE", "2", "WRITE"], ["CLIENT", "LIST"], ["INFO", "clients"]])
        assert member.client.call(*chosen)[0] in "+:-$"
        if member.rng.random() < 0.2:
            member.client.pipeline([["MULTI"], ["CLIENT", "KILL", "ID", identity], ["RPUSH", "a", 1],
                                    ["PUBLISH", "news", "m"], ["EXEC"]])


def feed(member):
    words = {"NEWS": "n" * 5000, "BIG": "x" * 60_000, "FEED": FEED}
    while member.goes_on():
        command = [words.get(word, word) for word in member.rng.choice(FOOD)]
        assert member.client.call(*command)[0] in "+:-$*"


def move(member):
    """Moves tokens around the ring by waiting; every few are ended while they wait."""
    while member.goes_on():
        source, target = member.rng.sample(RINGS, 2)
        try:
            with member.connect() as client:
                identity = client.call("CLIENT", "ID")[1]
                client.send_raw(encode(["BLMOVE", source, target, "LEFT", "RIGHT", "0"]) * member.rng.randint(1, 4))
                if member.rng.random() < 0.5:
                    member.client.call("CLIENT", "KILL", "ID", identity)
                else:
                    client.is_readable(0.005)
        except (Closed, ConnectionError):
            pass


def assert_all_is_well(server):
    """No token is lost or doubled, and nothing is left of who went."""
    with server.connect() as client:
        wait_until(lambda: client.call("SCRIPT", "KILL")[1].startswith(b"NOTBUSY"), 20, "no script goes on")
        client.call("CONFIG", "SET", "maxmemory-clients", "0")
        wait_until(lambda: client.call("CLIENT", "LIST")[1].count(b"\n") == 1, 20, "all others are gone")
        wait_until(lambda: b"blocked_clients:0\r\n" in client.call("INFO", "clients")[1], 20, "nobody waits")
        tokens = [token for ring in RINGS for _, token in client.call("LRANGE", ring, 0, -1)[1]]
        assert sorted(tokens) == sorted(token.encode() for token in TOKENS)
        assert client.call("PUBSUB", "CHANNELS") == ("*", [])
        assert client.call("PUBSUB", "SHARDCHANNELS") == ("*", [])
        assert client.call("PUBSUB", "NUMPAT") == (":", 0)


def live_and_die(server):
    prepare(server)
    crowd.run(server, (victim, 5), (kill, 2), (feed, 2), (move, 3))
    assert_all_is_well(server)
