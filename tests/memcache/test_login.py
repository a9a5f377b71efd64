"""Passwords of memcached's protocols: SASL PLAIN with -S, the text login with -Y, and the files of their users."""

import contextlib
import os
import signal
import socket
import subprocess

import pytest

from conftest import require
from memcache.logins import BAD, GOOD, Sasl, start, step, users_file, with_text_login
from memcache.packets import (AUTH_CONTINUE, AUTH_ERROR, NOT_FOUND, OK, OUT_OF_MEMORY, Binary, Closed, packet, plain,
                              store)
from servers import HOST, SERVERS, KilnMemcached, free_port, wait_until

GET = packet("get", b"k")


@pytest.fixture
def users():
    with users_file() as path:
        yield path


@pytest.fixture
def sasl(users, monkeypatch):
    monkeypatch.setenv("MEMCACHED_SASL_PWDB", str(users))
    with Sasl("-S") as server:
        yield server


def lines(server, said: bytes) -> bytes:
    """The line that is answered."""
    with server.connect(5.0) as client:
        return said_to(client, said)


def said_to(client, said: bytes, count: int = 1) -> bytes:
    client.socket.sendall(said)
    data = b""
    while data.count(b"\r\n") < count:
        try:
            fresh = client.socket.recv(1 << 16)
        except ConnectionError:
            fresh = b""
        if not fresh:
            return data + b"(closed)"
        data += fresh
    return data


def login(text: bytes) -> bytes:
    return b"set key 0 0 %d\r\n%s\r\n" % (len(text), text)


# ---- SASL ----

def test_sasl_lets_in_who_knows_the_password(sasl):
    with Binary(sasl) as client:
        mechanisms = client.ask(packet("sasl_list", opaque=3))
        assert (mechanisms.status, mechanisms.value, mechanisms.opaque) == (OK, b"PLAIN", 3)
        entered = client.ask(start(GOOD))
        assert (entered.status, entered.value) == (OK, b"Authenticated")
        assert client.ask(store("set", b"k", b"v")).status == OK and client.ask(GET).value == b"v"
    for right in (plain("bob", "two:three"), plain("ann", "one", "ann")):
        with Binary(sasl) as client:
            assert client.ask(start(right)).status == OK and client.ask(packet("noop")).status == OK
    with Binary(sasl) as client:
        assert client.ask(start(GOOD, b"plain")).status == OK


@pytest.mark.parametrize("message", [
    BAD, plain("ann", "on"), plain("ann", "onee"), plain("an", "one"), plain("eve", "one"), plain("", ""), b"ann\0one",
    plain("ann", ""), plain("", "one"), GOOD + b"\0", b"\0" + GOOD, plain("ann", "one", "bob"), plain("bob", "two"),
    plain("ann", "o" * 900)], ids=lambda message: repr(message[:20]))
def test_sasl_keeps_everybody_else_out(sasl, message):
    with Binary(sasl) as client:
        refused = client.ask(start(message))
        assert (refused.status, refused.value) == (AUTH_ERROR, b"Auth failure.")
        assert client.ask(GET).status == AUTH_ERROR
        with pytest.raises(Closed):
            client.reply()


def test_sasl_asks_for_a_message_that_was_not_sent(sasl):
    with Binary(sasl) as client:
        assert client.ask(start(b"")).told()[1:] == (AUTH_CONTINUE, 0, False, b"", b"", b"")
        assert client.ask(step(BAD)).status == AUTH_ERROR
        assert client.ask(step(GOOD)).status == OK
        assert client.ask(GET).status == NOT_FOUND
        assert client.ask(step(GOOD)).status == AUTH_ERROR  # there is nothing to go on with


def test_a_message_too_long_to_log_in_is_passed_over(sasl):
    with Binary(sasl) as client:
        assert client.ask(start(b"\0ann\0" + b"x" * 5000)).status == OUT_OF_MEMORY
        assert client.ask(start(GOOD)).status == OK


def test_logins_are_counted(sasl):
    with Binary(sasl) as client:
        for message in (BAD, BAD, GOOD):
            client.ask(start(message))
        client.send(packet("stat"))
        found = dict(iter(lambda: client.reply().told()[5:], (b"", b"")))
    assert (found[b"auth_cmds"], found[b"auth_errors"]) == (b"3", b"2")


def test_sasl_without_users_does_not_start(monkeypatch):
    monkeypatch.delenv("MEMCACHED_SASL_PWDB", raising=False)
    done = subprocess.run([KilnMemcached.binary(), "-S", "-l", HOST, "-p", str(free_port())], capture_output=True,
                          text=True, timeout=20, check=False)
    assert done.returncode == 1 and "MEMCACHED_SASL_PWDB" in done.stderr


def test_sasl_may_take_its_users_from_the_file_of_the_text_login(users):
    """Then both protocols are spoken, each with its own way in."""
    with Sasl("-S", "-Y", str(users)) as server, Binary(server) as client:
        assert client.ask(start(GOOD)).status == OK
        assert lines(server, b"get k\r\n") == b"CLIENT_ERROR unauthenticated\r\n"
        assert lines(server, login(b"ann one")) == b"STORED\r\n"


def test_the_admin_socket_asks_nobody(users):
    path = f"/tmp/kiln-admin-{free_port()}"
    with with_text_login(KilnMemcached)("-Y", str(users), f"--admin-socket={path}"):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as client:
            client.settimeout(5)
            client.connect(path)
            client.sendall(b"get k\r\n")
            assert client.recv(100) == b"END\r\n"


# ---- The text login, on both servers ----

@pytest.fixture(scope="module")
def text(cache_name):
    if cache_name not in SERVERS:
        pytest.skip("needs a server of its own")
    with users_file() as path, with_text_login(require(SERVERS[cache_name]))("-Y", str(path)) as server:
        yield server


UNAUTHENTICATED = b"CLIENT_ERROR unauthenticated\r\n"


@pytest.mark.parametrize("said, answer", [
    (b"get k\r\n", UNAUTHENTICATED),
    (b"\r\n", UNAUTHENTICATED),
    (b"add k 0 0 7\r\n", UNAUTHENTICATED),
    (b"set k 0 0\r\n", UNAUTHENTICATED),
    (b"set k 0 0 -1\r\n", UNAUTHENTICATED),
    (b"shutdown\r\n", UNAUTHENTICATED),
    (login(b"ann one"), b"STORED\r\n"),
    (login(b" ann  one more"), b"STORED\r\n"),
    (login(b"bob two:three"), b"STORED\r\n"),
    (b"set k x y 7 noreply\nann one\r\n", b"STORED\r\n"),
    (login(b"ann two"), b"CLIENT_ERROR authentication failure\r\n"),
    (login(b"ann on"), b"CLIENT_ERROR authentication failure\r\n"),
    (login(b"an one"), b"CLIENT_ERROR authentication failure\r\n"),
    (login(b"ann"), b"CLIENT_ERROR bad authentication token format\r\n"),
    (login(b""), b"CLIENT_ERROR bad authentication token format\r\n"),
    (b"set k 0 0 7\r\nann oneXX", b"CLIENT_ERROR bad command line termination\r\n"),
    (b"x" * 3000, b"(closed)"),
], ids=lambda value: repr(value[:30]))
def test_a_line_before_the_login_is_refused(text, said, answer):
    assert lines(text, said) == answer


def test_after_the_login_all_goes_on_as_usual(text):
    with text.connect() as client:
        assert said_to(client, login(b"ann two")) == b"CLIENT_ERROR authentication failure\r\n"
        together = login(b"ann one") + login(b"any thing") + b"get none key\r\n"
        assert said_to(client, together, 5) == b"STORED\r\nSTORED\r\nVALUE key 0 9\r\nany thing\r\nEND\r\n"


def test_a_signal_brings_new_users_in(cache_name, users):
    with with_text_login(require(SERVERS[cache_name]))("-Y", str(users)) as server:
        users.write_text("eve:new\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: lines(server, login(b"eve new")) == b"STORED\r\n")
        assert lines(server, login(b"ann one")) == b"CLIENT_ERROR authentication failure\r\n"


def test_a_broken_file_leaves_the_users_as_they_were(users):
    with with_text_login(KilnMemcached)("-Y", str(users)) as server:
        for broken in ("eve:new\n\nann", "no colon\n", "x" * 300 + ":y\n"):
            users.write_text(broken)
            before = server.log_tail().count("malformed")
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: server.log_tail().count("malformed") > before)
            assert lines(server, login(b"ann one")) == b"STORED\r\n"
        users.unlink()
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "Could not open authfile" in server.log_tail())
        assert lines(server, login(b"ann one")) == b"STORED\r\n"


@pytest.mark.parametrize("content", ["ann\n", "ann:one\nbob\n", "\n"])
def test_a_broken_file_ends_the_start(cache_name, users, content):
    users.write_text(content)
    kind = require(SERVERS[cache_name])
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    done = subprocess.run([kind.binary(), "-l", HOST, "-p", str(free_port()), "-Y", str(users), *user],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == f"Authfile [{users}] has a malformed entry. Should be 'user:password'"


@pytest.mark.parametrize("options", [["-S", "-B", "auto"], ["-S", "-B", "ascii"], ["-Y", "file", "-B", "binary"],
                                     ["-Y", "file", "-B", "auto"]], ids=" ".join)
def test_a_protocol_that_asks_for_nothing_is_refused_beside_one_that_does(cache_name, options):
    kind = require(SERVERS[cache_name])
    done = subprocess.run([kind.binary(), "-l", HOST, "-p", str(free_port()), *options], capture_output=True,
                          text=True, timeout=20, check=False)
    assert done.returncode == 64 and done.stderr.startswith("ERROR: You cannot allow the "), done
