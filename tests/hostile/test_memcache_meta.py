"""memcached's text protocols: broken lines and flags, clients that do not read, keys that no line can hold."""

import re
import time

import pytest

from servers import KilnMemcached, wait_until


@pytest.fixture(name="cache")
def running_cache():
    with KilnMemcached() as server:
        yield server


def ask(server, said: bytes) -> bytes:
    """What is answered to this, on a connection of its own that the server may close."""
    with server.connect() as client:
        return said_to(client, said)


def said_to(client, said: bytes) -> bytes:
    client.socket.sendall(said + b"mn\r\n")
    data = b""
    while not data.endswith(b"MN\r\n"):
        try:
            fresh = client.socket.recv(1 << 16)
        except ConnectionError:
            fresh = b""
        if not fresh:
            return data + b"(closed)"
        data += fresh
    return data[:-4]


def one_by_one(server, said: bytes) -> bytes:
    with server.connect() as client:
        for at in range(len(said)):
            client.socket.sendall(said[at:at + 1])
        return said_to(client, b"")


BAD = b"CLIENT_ERROR bad command line format\r\n"


@pytest.mark.parametrize("said, answer", [
    (b"get " + b"k" * 251 + b"\r\n", BAD),
    (b"mg " + b"k" * 251 + b" v\r\n", BAD),
    (b"md " + b"k" * 251 + b"\r\n", BAD),
    (b"ma " + b"k" * 251 + b"\r\n", BAD),
    (b"me " + b"k" * 251 + b"\r\n", BAD),
    (b"me\r\n", BAD),
    (b"mg\r\n", b"ERROR\r\n"),
    (b"set k 0 0 -1\r\n", BAD),
    (b"ms k -1\r\n", BAD),
    (b"ms k 2147483647\r\n", BAD),
    (b"ms k 99999999999999999999\r\n", BAD),
    (b"ms k S5\r\n", BAD),
    (b"get" + b" " * 80 + b"k\r\n", b"END\r\n"),
    (b"get k\n", b"END\r\n"),
    (b"get \x01\x7f\r\n", b"END\r\n"),
    (b"get " + b"k " * 10000 + b"\r\n", b"END\r\n"),
    (b"set k 0 0 1 noreply\r\nxyz\r\n", b"ERROR\r\n"),
    (b"incr k -1 noreply\r\n", b""),
], ids=lambda value: repr(value[:24]))
def test_m01_broken_lines_are_refused_and_the_connection_goes_on(cache, said, answer):
    assert ask(cache, said) == answer
    if len(said) < 3000:
        assert one_by_one(cache, said) == answer


@pytest.mark.parametrize("key", [b"b64", b"====", b"a===", b"!!!!", b"A"])
def test_m01_a_key_that_is_no_base64_is_refused(cache, key):
    error = b"CLIENT_ERROR error decoding key\r\n"
    assert ask(cache, b"mg " + key + b" b v\r\n") == error
    assert ask(cache, b"ms " + key + b" 3 b\r\nabc\r\n") == error


def test_m01_a_binary_key_is_one_key_in_every_form(cache):
    """AAoNIA== is a zero byte, line ends and a space."""
    with cache.connect() as client:
        assert said_to(client, b"ms AAoNIA== 2 b k\r\nhi\r\n") == b"HD kAAoNIA== b\r\n"
        assert said_to(client, b"mg AAoNIA== b k v\r\n") == b"VA 2 kAAoNIA== b\r\nhi\r\n"
        assert said_to(client, b"me AAoNIA== b\r\n").startswith(b"ME AAoNIA== exp=-1")
        assert said_to(client, b"lru_crawler mgdump all\r\n") == b"mg AAoNIA== b\r\nEN\r\n"
        assert said_to(client, b"lru_crawler metadump all\r\n").startswith(b"key=%00%0A%0D%20 exp=-1")
        assert said_to(client, b"stats cachedump 1 0\r\n") == b"ITEM %00%0A%0D%20 [2 b; 0 s]\r\nEND\r\n"
        assert said_to(client, b"md AAoNIA== b q\r\n") == b""


@pytest.mark.parametrize("said, answer", [
    (b"mg k v v\r\n", b"CLIENT_ERROR duplicate flag\r\n"),
    (b"mg k \xff\r\n", b"CLIENT_ERROR duplicate flag\r\n"),
    (b"mg k j\r\n", b"CLIENT_ERROR invalid flag\r\n"),
    (b"md k v v\r\n", b"CLIENT_ERROR invalid or duplicate flag\r\n"),
    (b"ma k j\r\n", b"CLIENT_ERROR invalid or duplicate flag\r\n"),
    (b"mg k" + b" v" * 18 + b"\r\n", b"CLIENT_ERROR options flags are too long\r\n"),
    (b"md k" + b" v" * 18 + b"\r\n", b"CLIENT_ERROR options flags too long\r\n"),
    (b"mg k O" + b"x" * 32 + b"\r\n", b"CLIENT_ERROR opaque token too long\r\n"),
    (b"mg k O" + b"x" * 31 + b"\r\n", b"EN O" + b"x" * 31 + b"\r\n"),
    (b"mg k Tx\r\n", b"CLIENT_ERROR bad token in command line format\r\n"),
    (b"mg k N\r\n", b"CLIENT_ERROR bad token in command line format\r\n"),
    (b"mg k M\r\n", b"CLIENT_ERROR incorrect length for M token\r\n"),
    (b"ms k 3 j\r\nget\r\n", b"CLIENT_ERROR invalid flag\r\n"),
    (b"ms k 3 v v\r\nget\r\n", b"CLIENT_ERROR duplicate flag\r\n"),
    (b"ms k 3 Cx\r\nget\r\n", b"CLIENT_ERROR bad token in command line format\r\n"),
    (b"ms k 3 Fx\r\nget\r\n", BAD),
    (b"ms k 3 O" + b"x" * 40 + b"\r\nget\r\n", b"CLIENT_ERROR opaque token too long\r\n"),
    (b"ms k 3 MX\r\nget\r\n", b"CLIENT_ERROR invalid mode for ms M token\r\n"),
    (b"mg k N-1 v\r\n", b"VA 0 W\r\n\r\n"),
], ids=lambda value: repr(value[:24]))
def test_m02_wrong_flags_are_told_and_the_data_block_is_passed_over(cache, said, answer):
    assert ask(cache, said) == answer
    assert ask(cache, b"mg k\r\n") == b"EN\r\n"
    assert one_by_one(cache, said) == answer


def test_m02_a_value_of_the_wrong_length_is_refused_where_it_ends(cache):
    assert ask(cache, b"ms k 2\r\nabc\r\n") == b"CLIENT_ERROR bad data chunk\r\nERROR\r\n"
    assert ask(cache, b"ms k 2097152\r\n" + b"x" * 2097152 + b"\r\n") == b"SERVER_ERROR object too large for cache\r\n"
    assert ask(cache, b"get k\r\n") == b"END\r\n"


def test_m02_a_flood_of_noops_is_answered_one_for_one(cache):
    with cache.connect(timeout_s=60) as client:
        for _ in range(100):
            client.socket.sendall(b"mn\r\n" * 1000)
            left = 4000
            while left:
                left -= len(client.socket.recv(left))


def test_m06_an_item_lives_until_every_slow_reader_has_it(cache):
    """Many unread copies of one value, which is overwritten and deleted meanwhile."""
    value = b"x" * 20000
    readers = [cache.connect(timeout_s=60) for _ in range(64)]
    try:
        ask(cache, b"set k 0 0 20000\r\n" + value + b"\r\n")
        for reader in readers:
            reader.socket.sendall(b"get k\r\n" * 20)
        wait_until(lambda: _stat(cache, b"get_hits") >= 64 * 20)
        ask(cache, b"set k 0 0 1\r\ny\r\n")
        ask(cache, b"delete k\r\n")
        whole = b"VALUE k 0 20000\r\n" + value + b"\r\nEND\r\n"
        for reader in readers:
            data = b""
            while len(data) < len(whole):
                data += reader.socket.recv(len(whole) - len(data))
            assert data == whole
    finally:
        for reader in readers:
            reader.close()


def _stat(server, name: bytes) -> int:
    return int(re.search(rb"STAT " + name + rb" (\d+)", ask(server, b"stats\r\n"))[1])


def _fill(server, items: int):
    with server.connect(timeout_s=60) as client:
        for first in range(0, items, 1000):
            said_to(client, b"".join(b"set key:%d 0 0 4 noreply\r\nabcd\r\n" % n for n in range(first, first + 1000)))


def test_m06_a_dump_that_is_not_read_holds_nobody_up(cache):
    _fill(cache, 100000)
    before, worst = cache.rss_bytes(), 0.0
    with cache.connect(timeout_s=60) as deaf, cache.connect() as other:
        deaf.socket.sendall(b"lru_crawler metadump all\r\nmn\r\n")
        for number in range(2000):
            started = time.monotonic()
            assert said_to(other, b"set key:%d 0 0 1\r\nz\r\n" % number) == b"STORED\r\n"
            worst = max(worst, time.monotonic() - started)
        assert said_to(other, b"delete key:99999\r\n") == b"DELETED\r\n"
        assert cache.rss_bytes() - before < 16 * 2**20
        data = b""
        while not data.endswith(b"END\r\nMN\r\n"):
            data += deaf.socket.recv(1 << 20)
    keys = re.findall(rb"key=key%3A(\d+) ", data)
    assert len(keys) == len(set(keys)) and len(keys) >= 99999
    assert worst < 2.0, "another client waited"


def test_m06_a_dump_whose_client_goes_is_forgotten(cache):
    _fill(cache, 20000)
    for _ in range(20):
        with cache.connect() as client:
            client.socket.sendall(b"lru_crawler metadump all\r\n")
    wait_until(lambda: _stat(cache, b"curr_connections") == 1)


def test_m06_a_watcher_that_does_not_read_loses_lines_and_is_told(cache):
    with cache.connect(timeout_s=60) as watcher:
        assert said_to(watcher, b"watch fetchers mutations\r\n") == b"OK\r\n"
        before = cache.rss_bytes()
        with cache.connect(timeout_s=60) as client:
            for _ in range(100):
                said_to(client, b"get no:key\r\n" * 500)
        assert cache.rss_bytes() - before < 48 * 2**20
        data = b""
        while b"[skipped: " not in data:
            data = data[-100:] + watcher.socket.recv(1 << 20)
            ask(cache, b"get no:key\r\n")
    wait_until(lambda: _stat(cache, b"log_watchers") == 0)


def test_watchers_see_what_others_do(cache):
    with cache.connect() as watcher, cache.connect() as client:
        assert said_to(watcher, b"watch fetchers mutations deletions\r\n") == b"OK\r\n"
        said_to(client, b"set a\x01 0 100 2\r\nhi\r\nget a\x01\r\nmg none v\r\ndelete a\x01\r\nadd n 0 0 1\r\n1\r\n")
        lines = []
        while len(lines) < 5:
            lines += watcher.socket.recv(1 << 16).splitlines()
    found = [re.sub(rb"^ts=\d+\.\d+ gid=\d+ |cfd=\d+ ", b"", line) for line in lines]
    assert found == [
        b"type=item_store key=a%01 status=stored cmd=set ttl=100 clsid=1 size=2",
        b"type=item_get key=a%01 status=found clsid=1 size=2",
        b"type=item_get key=none status=not_found clsid=0 size=0",
        b"type=deleted key=a%01 cmd=delete clsid=1 size=0",
        b"type=item_store key=n status=stored cmd=add ttl=0 clsid=1 size=1",
    ]
