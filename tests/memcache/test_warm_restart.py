"""-e: items outlive a graceful shutdown in a file, and nothing else comes out of it."""

import os
import signal
import socket
import time

import pytest

from conftest import require
from servers import HOST, KilnMemcached, wait_until


class Cache(KilnMemcached):
    name = "warm-restart"

    def argv(self):
        return super().argv() + ["-u", "root", "-e", str(self.file), "-A"]

    @property
    def file(self):
        return self.options_file


def cache(path, *options):
    server = require(Cache)(*options)
    server.options_file = path
    return server


def ask(server, request: bytes, end: bytes = b"\r\n") -> bytes:
    with socket.create_connection((HOST, server.port), timeout=20) as client:
        client.sendall(request)
        data = b""
        while not data.endswith(end):
            piece = client.recv(1 << 20)
            assert piece, data
            data += piece
        return data


def items(server) -> int:
    lines = ask(server, b"stats\r\n", b"END\r\n").decode().splitlines()
    return next(int(line.split()[2]) for line in lines if line.startswith("STAT curr_items "))


def end(server, sign=signal.SIGUSR1):
    server.process.send_signal(sign)
    assert server.process.wait(timeout=60) == 0


@pytest.fixture
def path(tmp_path):
    return tmp_path / "items"


def fill(server, count: int = 20_000):
    with socket.create_connection((HOST, server.port), timeout=60) as client:
        for number in range(count):
            value = b"%d" % number * (number % 40 + 1)
            client.sendall(b"set key%d %d 0 %d noreply\r\n%s\r\n" % (number, number % 7, len(value), value))
        client.sendall(b"mn\r\n")
        assert client.recv(100) == b"MN\r\n"


def test_everything_comes_back(path):
    with cache(path, "-t", "2") as server:
        fill(server)
        ask(server, b"set gone 1 1 1\r\nx\r\n")
        ask(server, b"set later 5 1000 5\r\nlater\r\n")
        ask(server, b"set number 0 0 3\r\n017\r\n")
        ask(server, b"set big 9 0 700000\r\n" + b"b" * 700_000 + b"\r\n")
        ask(server, b"set empty 0 0 0\r\n\r\n")
        before = ask(server, b"gets later number empty key1 key39\r\n", b"END\r\n")
        time_set = time.time()
        end(server)
    assert path.exists() and [entry.name for entry in path.parent.iterdir()] == [path.name]
    wait_until(lambda: time.time() > time_set + 1.1)
    with cache(path) as server:
        assert not path.exists(), "what is loaded is loaded once"
        assert items(server) == 20_004
        assert ask(server, b"gets later number empty key1 key39\r\n", b"END\r\n") == before
        assert ask(server, b"get gone\r\n", b"END\r\n") == b"END\r\n"
        assert ask(server, b"get big\r\n", b"END\r\n") == b"VALUE big 9 700000\r\n" + b"b" * 700_000 + b"\r\nEND\r\n"
        for number in range(0, 20_000, 97):
            value = b"%d" % number * (number % 40 + 1)
            answer = b"VALUE key%d %d %d\r\n%s\r\nEND\r\n" % (number, number % 7, len(value), value)
            assert ask(server, b"get key%d\r\n" % number, b"END\r\n") == answer
        assert ask(server, b"incr number 1\r\n") == b"18\r\n"


def test_cas_numbers_stay_unique(path):
    def unique(server, key):
        return int(ask(server, b"gets %s\r\n" % key, b"END\r\n").split(b"\r\n")[0].split()[4])

    with cache(path) as server:
        fill(server, 5_000)
        given = {unique(server, b"key%d" % number) for number in range(0, 5_000, 10)}
        end(server)
    with cache(path) as server:
        for number in range(0, 5_000, 10):
            assert unique(server, b"key%d" % number) in given
        for number in range(3_000):
            assert ask(server, b"set key%d 0 0 1\r\nx\r\n" % number) == b"STORED\r\n"
            if number % 10 == 0:
                assert unique(server, b"key%d" % number) not in given


def test_large_flags_and_given_numbers_come_back_whole(path):
    largest = 2**64 - 1
    with cache(path) as server:
        for given in (largest, 2**62, 2**39):
            assert ask(server, b"ms k%d 1 F4294967295 E%d\r\nx\r\n" % (given, given)) == b"HD\r\n"
        end(server)
    with cache(path) as server:
        for given in (largest, 2**62, 2**39):
            assert ask(server, b"mg k%d c f\r\n" % given) == b"HD c%d f4294967295\r\n" % given
        given = int(ask(server, b"ms new 1 c\r\nx\r\n").split(b"c")[1])
        assert 2**39 < given < 2**40, "behind those that the server may have given out, not round to the first"
        end(server)


def test_only_a_graceful_end_keeps_items(path):
    with cache(path) as server:
        ask(server, b"set k 0 0 1\r\nx\r\n")
        end(server, signal.SIGTERM)
    assert not path.exists()
    with cache(path) as server:
        ask(server, b"set k 0 0 1\r\nx\r\n")
        with socket.create_connection((HOST, server.port), timeout=20) as client:
            client.sendall(b"shutdown graceful\r\n")
            assert client.recv(100) == b""
        assert server.process.wait(timeout=60) == 0
    assert path.exists()


def test_a_flush_that_waits_still_comes(path):
    with cache(path) as server:
        ask(server, b"set k 0 0 1\r\nx\r\n")
        assert ask(server, b"flush_all 2\r\n") == b"OK\r\n"
        end(server)
    with cache(path) as server:
        wait_until(lambda: ask(server, b"get k\r\n", b"END\r\n") == b"END\r\n")


def test_less_memory_keeps_what_fits(path):
    with cache(path, "-m", "64") as server:
        for number in range(3_000):
            ask(server, b"set key%d 0 0 5000\r\n" % number + b"x" * 5_000 + b"\r\n")
        assert items(server) == 3_000
        end(server)
    with cache(path, "-m", "8", "-I", "1m") as server:
        assert 800 < items(server) < 1_700


@pytest.mark.parametrize("damage", ["flipped", "cut", "longer", "foreign", "empty", "version", "middle"])
def test_a_damaged_file_is_refused(path, damage):
    with cache(path) as server:
        fill(server)
        end(server)
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[len(data) - 100] ^= 1
    elif damage == "cut":
        del data[-16:]  # the frame that ends it
    elif damage == "middle":
        del data[len(data) // 2:]
    elif damage == "longer":
        data += b"\0"
    elif damage == "foreign":
        data = bytearray(b"REDIS0011 this is something else")
    elif damage == "version":
        data[8] += 1
    else:
        data = bytearray()
    path.write_bytes(data)
    with cache(path) as server:
        assert items(server) == 0
        assert path.read_bytes() == data, "whoever wants to know why can look at it"
        assert ask(server, b"set k 0 0 1\r\nx\r\n") == b"STORED\r\n"
        end(server)
    with cache(path) as server:
        assert items(server) == 1


def test_no_place_for_the_file_is_no_reason_to_hang(tmp_path):
    path = tmp_path / "no" / "such" / "folder"
    with cache(path) as server:
        ask(server, b"set k 0 0 1\r\nx\r\n")
        end(server)
    assert not os.path.exists(path)
