"""Malformed requests get an error or a closed connection, and the server serves others on."""

import re
import socket

import pytest

from resp.wire import Closed

INLINE_LIMIT = 64 * 1024
BULK_LIMIT = 512 * 1024 * 1024


@pytest.fixture(scope="module")
def server(server_name, shared_servers):
    if ":" in server_name:
        pytest.skip("needs a server of its own")
    return shared_servers(server_name)


def everything(server, data: bytes, more: bytes = b"") -> bytes:
    """All that comes back for data until the server closes or, asked for by a last PING, is done."""
    with server.connect(timeout_s=10) as client:
        try:
            client.send_raw(data + more)
            client.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # closed while we still sent
        return drained(client)


def drained(client) -> bytes:
    got = b""
    while True:
        try:
            piece = client.socket.recv(1 << 16)
        except ConnectionError:
            return got
        if not piece:
            return got
        got += piece


def is_closed_after(server, data: bytes) -> bytes:
    """Sends data, keeps our side open, and returns what came before the server closed."""
    with server.connect(timeout_s=10) as client:
        try:
            client.send_raw(data)
        except ConnectionError:
            pass
        return drained(client)


def assert_serves(server):
    with server.connect() as client:
        assert client.call("PING") == ("+", b"PONG")


@pytest.mark.parametrize("data, reply", [
    (b"PING\r\n", b"+PONG\r\n"),
    (b"PING\n", b"+PONG\r\n"),
    (b"  PING  \r\n", b"+PONG\r\n"),
    (b"\r\n\r\nPING\r\n", b"+PONG\r\n"),
    (b"\n\nPING\n", b"+PONG\r\n"),
    (b"ping 'a b'\r\n", b"$3\r\na b\r\n"),
    (b'PING "\\x41\\n"\r\n', b"$2\r\nA\n\r\n"),
    (b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"),
    (b"*0\r\nPING\r\n", b"+PONG\r\n"),
    (b"*-1\r\nPING\r\n", b"+PONG\r\n"),
    (b"*-2\r\nPING\r\n", b"+PONG\r\n"),
    (b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", b"$0\r\n\r\n"),
    (b"*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n$4\r\nPING\r\n", b"+PONG\r\n" * 3),
])
def test_well_formed_frames_are_answered(server, data, reply):
    assert everything(server, data) == reply


@pytest.mark.parametrize("data, error", [
    (b'PING "a\r\n', b"-ERR Protocol error: unbalanced quotes in request\r\n"),
    (b"PING 'a'b\r\n", b"-ERR Protocol error: unbalanced quotes in request\r\n"),
    (b"*2147483648\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*99999999999999999999\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*abc\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"* 1\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*3\r\n!x\r\n", b"-ERR Protocol error: expected '$', got '!'\r\n"),
    (b"*1\r\nPING\r\n", b"-ERR Protocol error: expected '$', got 'P'\r\n"),
    (b"*1\r\n$-1\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$-2\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$536870913\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$ 5\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$+5\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$05\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$abc\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
])
def test_broken_frames_are_told_and_close(server, data, error):
    assert is_closed_after(server, data) == error
    assert_serves(server)


def test_broken_frame_comes_after_the_replies_before_it(server):
    assert is_closed_after(server, b"*1\r\n$4\r\nPING\r\n*1\r\n$-5\r\n").startswith(b"+PONG\r\n-ERR Protocol")


def test_long_inline_request_closes(server):
    data = is_closed_after(server, b"x" * (INLINE_LIMIT + 5))
    assert data == b"-ERR Protocol error: too big inline request\r\n"
    assert_serves(server)


def test_long_multibulk_and_bulk_headers_close(server):
    data = is_closed_after(server, b"*" + b"1" * (INLINE_LIMIT + 5))
    assert data == b"-ERR Protocol error: too big mbulk count string\r\n"
    data = is_closed_after(server, b"*1\r\n$" + b"1" * (INLINE_LIMIT + 5))
    assert data == b"-ERR Protocol error: too big bulk count string\r\n"


def test_nul_bytes_end_nothing_in_arrays_and_do_not_hang_inline(server):
    assert everything(server, b"*2\r\n$4\r\nECHO\r\n$3\r\na\x00b\r\n") == b"$3\r\na\x00b\r\n"
    everything(server, b"PI\x00NG\r\n")
    assert_serves(server)


def test_carriage_returns_in_odd_places_do_not_hang(server):
    for data in (b"PING\r\r\n", b"\r\r\n", b"\r", b"*1\r\r\n$4\r\nPING\r\n", b"*1\r\n$4\r\nPINGxx*1\r\n"):
        everything(server, data)
    assert_serves(server)


def test_a_million_empty_lines_cost_nothing(server):
    before = server.rss_bytes()
    assert everything(server, b"\r\n" * 10**6, b"PING\r\n") == b"+PONG\r\n"
    assert server.rss_bytes() - before < 32 * 2**20


def test_a_million_empty_arrays_cost_nothing(server):
    assert everything(server, b"*0\r\n" * 10**6, b"PING\r\n") == b"+PONG\r\n"


def test_every_split_of_a_pipeline_reads_the_same(server):
    data = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhe\r\no\r\nGET k\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
    wanted = b"+OK\r\n" + b"$5\r\nhe\r\no\r\n" * 2
    for cut in range(1, len(data)):
        with server.connect() as client:
            client.send_raw(data[:cut])
            client.send_raw(data[cut:])
            got = b""
            while len(got) < len(wanted):
                got += client.socket.recv(1000)
            assert got == wanted, cut
    with server.connect() as client:
        for byte in data:
            client.send_raw(bytes([byte]))
        got = b""
        while len(got) < len(wanted):
            got += client.socket.recv(1000)
        assert got == wanted


@pytest.mark.parametrize("line", [b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", b"post x\r\n",
                                  b"Host: example.com\r\n", b"host: x\r\n"])
def test_http_closes_without_a_word(server, line):
    assert is_closed_after(server, line + b"*1\r\n$4\r\nPING\r\n") == b""
    assert_serves(server)


def test_http_get_is_closed_at_its_host_line(server):
    got = is_closed_after(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\nFLUSHALL\r\n")
    assert b"OK" not in got and got.count(b"\r\n") <= 1  # the error may be lost with the connection
    assert_serves(server)


def test_tls_hello_on_the_plain_port_ends(server):
    hello = bytes.fromhex("16030100c8010000c40303") + b"\x11" * 189 + b"\r\n"
    got = everything(server, hello)
    assert not got or got.startswith(b"-ERR")
    assert_serves(server)


def test_errors_that_echo_arguments_stay_on_one_line(server):
    for command in ([b"NO\r\n+SUCH"], [b"NOSUCH", b"a\r\n$3\r\nabc\r\n"], [b"CLIENT", b"a\r\nb"],
                    [b"CONFIG", b"SET", b"x\r\ny", b"1"], [b"ACL", b"SETUSER", b"u\r\n-x", b"+\r\n"],
                    [b"XGROUP", b"\r\n"], [b"EVAL", b"return redis.error_reply('a\\r\\n+b')", b"0"],
                    [b"EVAL", b"return redis.status_reply('a\\r\\n+b')", b"0"],
                    [b"EVAL", b"return {err='x\\r\\n:1'}", b"0"], [b"EVAL", b"return {ok='x\\n:1'}", b"0"],
                    [b"EVAL", b"error('x\\r\\n:1')", b"0"], [b"FCALL", b"x\r\ny", b"0"],
                    [b"HELLO", b"3\r\n"], [b"HELLO", b"2", b"a\r\nb"], [b"OBJECT", b"\r\n", b"k"]):
        with server.connect() as client:
            client.send(*command)
            client.send("ECHO", "end")
            assert client.read()[0] in "+-"
            assert client.read() == ("$", b"end"), command


def test_names_cannot_smuggle_lines(server):
    with server.connect() as client:
        for name in (b"a\r\nb", b"a b", b"a\nb", b"a\x00b"):
            assert client.call("CLIENT", "SETNAME", name)[0] == "-"
        client.call("SUBSCRIBE", b"ch\r\n:1")
        with server.connect() as other:
            assert other.call("PUBLISH", b"ch\r\n:1", b"m\r\n:2") == (":", 1)
        assert client.read() == ("*", [("$", b"message"), ("$", b"ch\r\n:1"), ("$", b"m\r\n:2")])


def test_script_status_with_nul_does_not_desync(server):
    with server.connect() as client:
        client.send("EVAL", "return {ok='a\\0b'}", "0")
        client.send("ECHO", "end")
        first = client.read()
        assert first[0] == "+" and re.match(rb"a[\x00 ]?b?\Z", first[1])
        assert client.read() == ("$", b"end")


def test_half_a_request_then_close_leaves_nothing(server):
    for data in (b"*3\r\n$3\r\nSET\r\n$1\r\nhalf\r\n", b"SET half", b"*2\r\n$3\r\nDEL\r\n$100\r\nabc", b"*", b"$"):
        everything(server, data)
    with server.connect() as client:
        assert client.call("EXISTS", "half") == (":", 0)
        with pytest.raises(Closed):
            client.send_raw(b"*1\r\n$4\r\nQUIT\r\n")
            client.read()
            client.read()
