"""Flags of the meta commands that memcached has had since 1.6.18, which the scripts cannot ask of it."""

import re

import pytest

from servers import KilnMemcached


@pytest.fixture(name="ask")
def asking():
    with KilnMemcached() as server, server.connect() as client:
        def ask(said: bytes) -> bytes:
            client.socket.sendall(said + b"mn\r\n")
            data = b""
            while not data.endswith(b"MN\r\n"):
                data += client.socket.recv(1 << 16)
            return data[:-4]
        yield ask


def test_a_given_number_becomes_the_items(ask):
    assert ask(b"ms k 1 E1000 c\r\na\r\n") == b"HD c1000\r\n"
    assert ask(b"ms k 1 C999 E1001\r\nb\r\n") == b"EX\r\n"
    assert ask(b"ms k 1 C1000 E1001 c\r\nb\r\n") == b"HD c1001\r\n"
    assert ask(b"md k C1000\r\n") == b"EX\r\n"
    assert ask(b"md k I E7\r\nmg k c\r\n") == b"HD\r\nHD c7 X W\r\n"
    assert ask(b"ma n N0 J5 E20 c\r\nma n C20 E21 c v\r\n") == b"HD c20\r\nVA 1 c21\r\n6\r\n"
    assert ask(b"mg new N30 E50 c\r\n") == b"HD c50 W\r\n"


@pytest.mark.parametrize("cas", [2**48 - 1, 2**48, 2**63, 2**64 - 2])
def test_a_given_number_is_kept_whole_whatever_its_size(ask, cas):
    assert ask(b"ms k 1 c\r\na\r\n").startswith(b"HD c")
    for verb in (b"ms k 2 E%d c F4294967295\r\nab\r\n", b"ms k 1 MA E%d c\r\nx\r\n",
                 b"ms k 300 MA E%d c\r\n" + 300 * b"y" + b"\r\n",
                 b"ms k 2 F16777216 E%d c\r\n17\r\n", b"ma k E%d c D5\r\n"):
        assert ask(verb % cas) == b"HD c%d\r\n" % cas
    assert ask(b"mg k c f v T100\r\n") == b"VA 2 c%d f16777216\r\n22\r\n" % cas
    assert ask(b"md k I E%d\r\nmg k c\r\n" % (cas + 1)) == b"HD\r\nHD c%d X W\r\n" % (cas + 1)
    assert ask(b"ms k 1 C%d c\r\nb\r\n" % cas) == b"EX c0\r\n"
    number = int(ask(b"ms k 1 C%d c\r\nb\r\n" % (cas + 1)).split(b"c")[1])
    assert 0 < number < 2**48, "the server's own numbers go on as before"


def test_a_value_that_is_known_is_not_sent_again(ask):
    ask(b"ms k 3 E9\r\nabc\r\n")
    assert ask(b"mg k v C9 s\r\n") == b"HD s3\r\n"
    assert ask(b"mg k v C8 s\r\n") == b"VA 3 s3\r\nabc\r\n"


def test_append_creates_where_it_may_and_tells_the_size(ask):
    assert ask(b"ms k 2 MA\r\nab\r\n") == b"NS\r\n"
    assert ask(b"ms k 2 MA N30 s\r\nab\r\n") == b"HD s2\r\n"
    assert ask(b"ms k 3 MA N99 s\r\ncde\r\n") == b"HD s5\r\n"
    assert re.fullmatch(rb"VA 5 t(30|29)\r\nabcde\r\n", ask(b"mg k v t\r\n"))


def test_a_value_can_go_without_its_item(ask):
    ask(b"ms k 3 F5 T100\r\nabc\r\n")
    assert ask(b"md k x\r\n") == b"HD\r\n"
    assert re.fullmatch(rb"VA 0 f0 t(100|99)\r\n\r\n", ask(b"mg k v f t\r\n"))
    assert ask(b"md k x I T0\r\nmg k v t\r\n") == b"HD\r\nVA 0 t-1 X W\r\n\r\n"
