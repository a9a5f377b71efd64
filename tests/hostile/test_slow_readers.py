"""Clients that do not read what they asked for."""

import threading
import time

import pytest

from resp.wire import encode
from servers import wait_until

PINGS = 10**6


@pytest.fixture
def server(server_kind):
    with server_kind() as running:
        yield running


def test_a_million_unread_pings_are_bounded_and_fair(server):
    before, worst = server.rss_bytes(), 0.0
    with server.connect(timeout_s=60) as flood, server.connect() as other:
        sender = threading.Thread(target=flood.send_raw, args=(b"PING\r\n" * PINGS,))
        sender.start()
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            started = time.monotonic()
            assert other.call("PING") == ("+", b"PONG")
            worst = max(worst, time.monotonic() - started)
        grown = server.rss_bytes() - before
        left = PINGS * len(b"+PONG\r\n")
        while left:
            piece = flood.socket.recv(1 << 20)
            assert piece and piece[:1] in b"+PONG\r\n"
            left -= len(piece)
        sender.join()
        flood.send("ECHO", "end")
        assert flood.read() == ("$", b"end")
    assert worst < 1.0, "another client waited"
    assert grown < 128 * 2**20


def test_unread_large_replies_do_not_multiply(server):
    """100 unread copies of one MiB may wait, but not in more memory than they have."""
    with server.connect() as client:
        client.call("SET", "big", "x" * 2**20)
        before = server.rss_bytes()
        client.send_raw(encode(["GET", "big"]) * 100)
        with server.connect() as other:
            wait_until(lambda: other.call("PING") == ("+", b"PONG"))
            assert server.rss_bytes() - before < 256 * 2**20
        for _ in range(100):
            assert client.read() == ("$", b"x" * 2**20)


def test_output_limit_closes_a_subscriber_that_does_not_read(server_kind):
    with server_kind("--client-output-buffer-limit", "pubsub 1mb 1mb 1") as server:
        with server.connect() as deaf, server.connect() as talker:
            assert deaf.call("SUBSCRIBE", "ch")[0] == "*"
            for _ in range(3000):
                if talker.call("PUBLISH", "ch", "x" * 10_000) == (":", 0):
                    break
            else:
                pytest.fail("the subscriber is still there")


def test_closing_while_replies_wait_is_clean(server):
    for _ in range(50):
        with server.connect() as client:
            client.call("SET", "big", "x" * 500_000)
            client.send_raw(encode(["GET", "big"]) * 20)
    with server.connect() as client:
        assert client.call("PING") == ("+", b"PONG")
