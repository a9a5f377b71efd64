"""Patterns made to explode: matching must stay quick, whatever the pattern."""

import time

import pytest

SIZE = 64 * 1024
TIME_CAP_S = 5.0
STARS = b"*a" * (SIZE // 2) + b"b"
NESTED = b"[" * SIZE
CLASSES = b"[a-z]*" * (SIZE // 6) + b"!"


@pytest.fixture
def server(server_kind):
    with server_kind() as running:
        with running.connect() as client:
            client.call("SET", "a" * SIZE, "v")
            client.call("SADD", "s", "a" * SIZE)
            client.call("HSET", "h", "a" * SIZE, "v")
        yield running


@pytest.mark.parametrize("pattern", [STARS, NESTED, CLASSES, b"*" * SIZE, b"\\" * SIZE, b"?" * SIZE + b"*b"],
                         ids=["stars", "brackets", "classes", "only stars", "backslashes", "questions"])
def test_patterns_are_matched_quickly(server, pattern):
    with server.connect(timeout_s=60) as client:
        for command in ([b"KEYS", pattern], [b"SCAN", b"0", b"COUNT", b"100", b"MATCH", pattern],
                        [b"SSCAN", b"s", b"0", b"MATCH", pattern], [b"HSCAN", b"h", b"0", b"MATCH", pattern],
                        [b"CONFIG", b"GET", pattern], [b"PUBSUB", b"CHANNELS", pattern],
                        [b"ACL", b"DRYRUN", b"default", b"GET", b"a" * SIZE]):
            started = time.monotonic()
            assert client.call(*command)[0] in "*-+"
            assert time.monotonic() - started < TIME_CAP_S, command[0]


def test_subscribed_patterns_are_matched_quickly(server):
    with server.connect() as client, server.connect(timeout_s=60) as talker:
        assert client.call("PSUBSCRIBE", STARS)[0] == "*"
        started = time.monotonic()
        assert talker.call("PUBLISH", "a" * SIZE, "m") == (":", 0)
        assert time.monotonic() - started < TIME_CAP_S


def test_key_permissions_are_matched_quickly(server):
    with server.connect(timeout_s=60) as client:
        assert client.call("ACL", "SETUSER", "u", "on", "nopass", "+@all", b"~" + STARS) == ("+", b"OK")
        started = time.monotonic()
        client.call("ACL", "DRYRUN", "u", "GET", "a" * SIZE)
        assert time.monotonic() - started < TIME_CAP_S
