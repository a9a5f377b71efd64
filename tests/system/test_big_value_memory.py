"""What storing a big value takes at the peak, beside what it takes in the end."""

import pathlib
import re

import pytest

from conftest import require
from servers import Kiln, KilnMemcached

CHUNK = b"x" * (1 << 20)
BYTES = 192 * len(CHUNK)


def resident(server, name: str) -> int:
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+)", status)[1]) * 1024


def peak_of(server, client, request: bytes, reply: bytes) -> int:
    """Of a request with a big value behind it."""
    pathlib.Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    client.send_raw(request)
    for _ in range(BYTES // len(CHUNK)):
        client.send_raw(CHUNK)
    client.send_raw(b"\r\n")
    assert client.socket.recv(100) == reply
    return resident(server, "VmHWM")


@pytest.mark.parametrize("kind, options, request_head, reply", [
    (Kiln, [], b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$%d\r\n" % BYTES, b"+OK\r\n"),
    (KilnMemcached, ["-m", "1024", "-I", "256m"], b"set key 0 0 %d\r\n" % BYTES, b"STORED\r\n"),
], ids=["redis", "memcached"])
def test_a_big_value_that_replaces_another_takes_little_more_than_both(kind, options, request_head, reply):
    with require(kind)(*options) as server, server.connect(timeout_s=60) as client:
        empty = resident(server, "VmRSS")
        for _ in range(3):
            assert peak_of(server, client, request_head, reply) - empty < 2.2 * BYTES
