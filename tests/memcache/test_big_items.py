"""Big items that are changed or removed while a client has read only a part of them."""

import struct

import pytest

from conftest import require
from memcache.packets import Binary, packet, touch
from servers import SERVERS

BIG = bytes(range(256)) * ((16 << 20) // 256)  # More than sockets take.
LINE = b" %d\r\n" % len(BIG)

READS = {
    "get": (b"get big\r\n", b"VALUE big 5" + LINE + BIG + b"\r\nEND\r\n"),
    "get of several": (b"get big none big\r\n", 2 * (b"VALUE big 5" + LINE + BIG + b"\r\n") + b"END\r\n"),
    "gat": (b"gat 100 big\r\n", b"VALUE big 5" + LINE + BIG + b"\r\nEND\r\n"),
    "mg": (b"mg big v\r\n", b"VA" + LINE + BIG + b"\r\n"),
    "mg with flags": (b"mg big k f v Oq T100\r\n", b"VA %d kbig f5 Oq\r\n" % len(BIG) + BIG + b"\r\n"),
    "mg without the value": (b"mg big s k\r\nmg big v\r\n", b"HD s%d kbig\r\nVA" % len(BIG) + LINE + BIG + b"\r\n"),
}
CHANGES = {
    "deleted": b"delete big\r\n",
    "overwritten": b"set big 0 0 %d\r\n%s\r\n" % (len(BIG), b"x" * len(BIG)),
    "appended to": b"append big 0 0 3\r\nxyz\r\n" * 3,
    "prepended to": b"prepend big 0 0 3\r\nxyz\r\n" * 3,
    "touched": b"touch big 100\r\n",
    "given a number": b"cas big 0 0 1 1\r\nx\r\n",
    "marked as stale": b"md big I T30\r\n",
    "flushed": b"flush_all\r\n",
}


@pytest.fixture
def server(cache_name):
    if cache_name not in SERVERS:
        pytest.skip("needs a server of its own")
    with require(SERVERS[cache_name])("-I", "32m", "-m", "1024", "-t", "4") as running:
        yield running


def exactly(client, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = client.socket.recv(min(1 << 20, count - len(data)))
        assert piece, "closed"
        data += piece
    return bytes(data)


def say(client, request: bytes):
    client.send_raw(request + b"mn\r\n")
    data = b""
    while not data.endswith(b"MN\r\n"):
        data += client.socket.recv(1 << 16)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_an_item_that_is_half_sent_stays_what_it_was(server, change):
    request, reply = READS["get"]
    with server.connect() as client, server.connect() as other:
        say(other, b"set big 5 0 %d\r\n%s\r\n" % (len(BIG), BIG))
        client.send_raw(request)
        begun = exactly(client, 100)
        say(other, change)
        say(other, b"set new 0 0 %d\r\n%s\r\n" % (len(BIG), b"y" * len(BIG)))  # What was freed is used again.
        assert begun + exactly(client, len(reply) - len(begun)) == reply


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_all_that_returns_an_item_returns_it_whole(server, read):
    request, reply = read
    with server.connect() as client, server.connect() as other:
        say(other, b"set big 5 0 %d\r\n%s\r\n" % (len(BIG), BIG))
        client.send_raw(3 * request)
        begun = exactly(client, 100)
        say(other, b"delete new\r\n")
        assert begun + exactly(client, 3 * len(reply) - len(begun)) == 3 * reply


def test_numbers_of_items_come_with_them(server):
    with server.connect() as client:
        say(client, b"set big 5 0 %d\r\n%s\r\n" % (len(BIG), BIG))
        client.send_raw(b"mg big c\r\n")
        cas = client.socket.recv(100).removeprefix(b"HD c").removesuffix(b"\r\n")
        reply = b"VALUE big 5 %d %s\r\n" % (len(BIG), cas) + BIG + b"\r\nEND\r\n"
        for verb in (b"gets big\r\n", b"gats 100 big\r\n"):
            client.send_raw(verb)
            assert exactly(client, len(reply)) == reply


def test_the_binary_protocol_sends_them_whole(server):
    requests = [packet("get", b"big", opaque=1), packet("getkq", b"big", opaque=2), packet("getq", b"none", opaque=3),
                touch("gat", b"big", 100, opaque=4), packet("noop", opaque=5)]
    with Binary(server) as client, server.connect() as other:
        say(other, b"set big 5 0 %d\r\n%s\r\n" % (len(BIG), BIG))
        client.send(b"".join(requests))
        begun = client.read(100)
        say(other, b"append big 0 0 1\r\nx\r\n")
        client.data = begun + client.data
        replies = [client.reply() for _ in range(4)]
    told = [(reply.opaque, reply.extras, reply.key) for reply in replies]
    flags = struct.pack("!I", 5)
    assert told == [(1, flags, b""), (2, flags, b"big"), (4, flags, b""), (5, b"", b"")]
    assert replies[0].value == BIG and replies[1].value in (BIG, BIG + b"x")
    assert replies[2].value in (BIG, BIG + b"x") and replies[3].value == b""
