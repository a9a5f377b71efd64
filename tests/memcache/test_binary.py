"""memcached's binary protocol: what each request does, on both servers; random requests; memcapable."""

import os
import shutil
import socket
import struct
import subprocess

import pytest

from conftest import require

from memcache.binary_fuzzer import session
from memcache.packets import (AUTH_ERROR, BAD_ARGUMENTS, EXISTS, NOT_FOUND, NOT_NUMBER, NOT_STORED, OK, TOO_LARGE,
                              UNKNOWN_COMMAND, Binary, Closed, count, packet, store, touch)
from servers import HOST, SERVERS, KilnMemcached, Memcached, free_port, wait_until


@pytest.fixture
def server(cache_name, shared_servers):
    if cache_name not in SERVERS:
        pytest.skip("needs a server of its own")
    return shared_servers(cache_name)


@pytest.fixture
def binary(server):
    with Binary(server) as client:
        assert client.ask(packet("flush")).status == OK
        yield client


def flags(number: int) -> bytes:
    return struct.pack("!I", number)


def test_an_item_is_stored_and_read(binary):
    stored = binary.ask(store("set", b"k", b"value", 0xdeadbeef, opaque=0x12345678))
    assert (stored.status, stored.opaque, stored.value, stored.opcode) == (OK, 0x12345678, b"", 1)
    found = binary.ask(packet("get", b"k", opaque=7))
    assert (found.extras, found.key, found.value) == (flags(0xdeadbeef), b"", b"value")
    assert found.cas == stored.cas != 0 and found.opaque == 7
    assert binary.ask(packet("getk", b"k")).key == b"k"
    for value in (b"", b"\0\r\nEND\r\n", b"x" * 100_000):
        binary.ask(store("set", b"k", value))
        assert binary.ask(packet("get", b"k")).value == value


def test_a_miss_names_the_key_where_it_was_asked_for(binary):
    missing = binary.ask(packet("get", b"none"))
    assert (missing.status, missing.key, missing.value) == (NOT_FOUND, b"", b"Not found")
    missing = binary.ask(packet("getk", b"none"))
    assert (missing.status, missing.key, missing.value) == (NOT_FOUND, b"none", b"")
    missing = binary.ask(touch("gatk", b"none", 10))
    assert (missing.status, missing.key, missing.value) == (NOT_FOUND, b"none", b"")
    assert binary.ask(touch("touch", b"none", 10)).status == NOT_FOUND


def test_quiet_requests_are_answered_only_where_that_tells_something(binary):
    assert binary.all(store("setq", b"k", b"v") + packet("getq", b"none") + packet("getkq", b"none") +
                      touch("gatq", b"none", 0) + touch("gatkq", b"none", 0) + packet("appendq", b"k", value=b"1") +
                      count("incrq", b"n", 1, 5, 0) + packet("deleteq", b"n")) == []
    told = binary.all(
        packet("getq", b"k", opaque=1) + packet("getkq", b"k", opaque=2) + touch("gatq", b"k", 0, opaque=3) +
        store("addq", b"k", b"", opaque=4) + store("replaceq", b"none", b"", opaque=5) +
        packet("deleteq", b"none", opaque=6) + count("incrq", b"k", 1, opaque=7) +
        packet("appendq", b"none", value=b"1", opaque=8) + store("setq", b"k", b"", cas=1, opaque=9))
    assert [reply[1:3] for reply in told] == [
        (OK, 1), (OK, 2), (OK, 3), (EXISTS, 4), (NOT_FOUND, 5), (NOT_FOUND, 6), (NOT_NUMBER, 7), (NOT_STORED, 8),
        (EXISTS, 9)]
    assert all(reply[0] in (0x09, 0x0d, 0x1e, 0x12, 0x13, 0x14, 0x15, 0x19, 0x11) for reply in told)
    assert binary.all(packet("flushq")) == []


def test_a_cas_number_guards_every_change(binary):
    cas = binary.ask(store("set", b"k", b"1")).cas
    for wrong in (store("set", b"k", b"2", cas=cas + 1), store("replace", b"k", b"2", cas=cas + 1),
                  store("add", b"k", b"2", cas=cas + 1), packet("append", b"k", value=b"2", cas=cas + 1),
                  packet("delete", b"k", cas=cas + 1), count("incr", b"k", 1, cas=cas + 1)):
        reply = binary.ask(wrong)
        assert (reply.status, reply.value) == (EXISTS, b"Data exists for key.")
    assert binary.ask(store("set", b"none", b"2", cas=cas)).status == NOT_FOUND
    for right in (lambda: store("add", b"k", b"5", cas=cas), lambda: packet("append", b"k", value=b"0", cas=cas),
                  lambda: count("incr", b"k", 1, cas=cas), lambda: store("replace", b"k", b"2", cas=cas)):
        reply = binary.ask(right())
        assert reply.status == OK and reply.cas != cas
        cas = reply.cas
    assert binary.ask(packet("delete", b"k", cas=cas)).told()[1:4] == (OK, 0, False)


def test_numbers_are_counted_and_created(binary):
    def counted(*arguments):
        return struct.unpack("!Q", binary.ask(count(*arguments)).value)[0]

    assert binary.ask(count("incr", b"n", 1)).status == NOT_FOUND
    assert counted("incr", b"n", 1, 10, 0) == 10
    assert counted("incr", b"n", 5) == 15 and counted("decr", b"n", 100) == 0
    assert binary.ask(packet("get", b"n")).value == b"0 "  # in place of two digits
    assert counted("decr", b"m", 1, (1 << 64) - 1, 0) == (1 << 64) - 1
    assert counted("incr", b"m", 3) == 2
    binary.ask(store("set", b"k", b"x"))
    error = binary.ask(count("incr", b"k", 1))
    assert (error.status, error.value) == (NOT_NUMBER, b"Non-numeric server-side value for incr or decr")


def test_values_grow_at_both_ends(binary):
    binary.ask(store("set", b"k", b"b", 9))
    binary.ask(packet("append", b"k", value=b"c"))
    binary.ask(packet("prepend", b"k", value=b"a"))
    found = binary.ask(packet("get", b"k"))
    assert (found.value, found.extras) == (b"abc", flags(9))
    assert binary.ask(packet("prepend", b"none", value=b"a")).told()[1] == NOT_STORED


def test_an_expiry_has_no_sign(binary):
    binary.ask(store("set", b"k", b"v", 0, 1))
    binary.ask(store("set", b"far", b"v", 0, 0xffffffff))
    assert binary.ask(touch("gat", b"k", 0xffffff00)).value == b"v"
    binary.ask(store("set", b"past", b"v", 0, 2592001))
    binary.ask(store("set", b"soon", b"v", 0, 1))
    wait_until(lambda: binary.ask(packet("get", b"soon")).status == NOT_FOUND)
    assert [binary.ask(packet("get", key)).status for key in (b"k", b"far", b"past")] == [OK, OK, NOT_FOUND]
    touched = binary.ask(touch("touch", b"k", 2592001))
    assert (touched.status, touched.extras, touched.value) == (OK, flags(0), b"")
    assert binary.ask(packet("get", b"k")).status == NOT_FOUND


def test_an_item_too_large_takes_the_old_one_with_it(binary):
    for what in ("set", "setq"):
        binary.ask(store("set", b"k", b"old"))
        reply = binary.ask(store(what, b"k", b"v" * (1 << 20)))
        assert (reply.status, reply.value) == (TOO_LARGE, b"Too large.")
        assert binary.ask(packet("get", b"k")).status == NOT_FOUND
    binary.ask(store("set", b"k", b"old"))
    assert binary.ask(store("replace", b"k", b"v" * (1 << 20))).status == TOO_LARGE
    assert binary.ask(packet("append", b"k", value=b"v" * ((1 << 20) - 61))).status == NOT_STORED
    assert binary.ask(packet("get", b"k")).value == b"old"


def test_statistics_come_as_packets(binary):
    def statistics(topic: bytes = b"") -> dict:
        binary.send(packet("stat", topic, opaque=5))
        found = {}
        while (reply := binary.reply()).key:
            assert (reply.status, reply.opaque, reply.opcode) == (OK, 5, 0x10)
            found[reply.key.decode()] = reply.value.decode()
        assert reply.value == b""
        return found

    binary.ask(store("set", b"k", b"v"))
    before = statistics()
    assert {"pid", "uptime", "curr_items", "auth_cmds", "threads"} <= set(before) and before["curr_items"] == "1"
    assert statistics(b"settings")["maxconns"] == statistics(b"settings of all")["maxconns"]
    assert statistics(b"items")["items:1:number"] == "1"
    binary.ask(packet("get", b"k"))
    assert int(statistics()["get_hits"]) == int(before["get_hits"]) + 1
    assert statistics(b"reset") == {} and statistics()["get_hits"] == "0"
    assert statistics(b"detail on") == statistics(b"detail off") == {}
    for unknown in (b"bogus", b"conns", b"cachedump 1 1", b"detail"):
        assert binary.ask(packet("stat", unknown)).told()[1:] == (NOT_FOUND, 0, False, b"", b"", b"Not found")


def test_the_server_says_its_version_and_ends_connections(server):
    with Binary(server) as client:
        assert client.ask(packet("version")).value == b"1.6.18"
        assert client.ask(packet("quit", opaque=3)).told() == (7, OK, 3, False, b"", b"", b"")
        with pytest.raises(Closed):
            client.reply()
    with Binary(server) as client:
        assert client.all(packet("quitq")) == ["closed"]


def test_unknown_requests_are_refused_and_broken_ones_end_the_connection(server, binary):
    for opcode in (0x1b, 0x1f, 0x25, 0x30, 0x67, 0xff):
        assert binary.ask(packet(opcode, opaque=9)).told()[:3] == (opcode, UNKNOWN_COMMAND, 9)
    assert binary.ask(packet("sasl_list")).status == UNKNOWN_COMMAND
    for broken in (packet("get"), packet("get", b"k", b"xxxx"), packet("noop", value=b"x"), packet("incr", b"k"),
                   packet("get", b"k" * 251), packet("flush", b"", b"xx"), packet("set", b"k", b"", b"v")):
        with Binary(server) as client:
            reply = client.ask(broken)
            assert (reply.status, reply.value) == (BAD_ARGUMENTS, b"Invalid arguments")
            with pytest.raises(Closed):
                client.reply()


def test_the_first_byte_chooses_the_protocol(server):
    with Binary(server) as client, server.connect() as text:
        assert client.ask(store("set", b"both", b"1", 3)).status == OK
        text.send_raw(b"get both\r\n")
        assert text.socket.recv(100) == b"VALUE both 3 1\r\n1\r\nEND\r\n"
        text.send_raw(b"\x80 is a word here\r\n")
        assert text.socket.recv(100) == b"ERROR\r\n"
        client.send(b"get both\r\n" + b" " * 24)
        with pytest.raises(Closed):
            client.reply()


@pytest.mark.parametrize("dialect, text, binary_works", [("ascii", True, False), ("binary", False, True)])
def test_b_keeps_the_other_protocol_out(cache_name, dialect, text, binary_works):
    class Here(require(SERVERS[cache_name])):
        def is_answering(self):
            with socket.create_connection((HOST, self.port), timeout=1):
                return True

    with Here("-B", dialect) as server:
        with server.connect() as client:
            client.send_raw(b"version\r\n" + b" " * 24)
            assert client.socket.recv(100).startswith(b"VERSION") == text
        with Binary(server) as client:
            client.send(packet("version") + b"\r\n")
            if binary_works:
                assert client.reply().status == OK
            else:
                assert client.read(7) == b"ERROR\r\n"


def test_flush_and_cas_can_be_switched_off(cache_name):
    with require(SERVERS[cache_name])("-F", "-C") as server, Binary(server) as client:
        assert client.ask(store("set", b"k", b"v")).cas == 0
        assert client.ask(packet("get", b"k")).cas == 0
        assert client.ask(packet("flush")).told()[1:] == (AUTH_ERROR, 0, False, b"", b"", b"Auth failure.")
        assert client.ask(packet("get", b"k")).value == b"v"


def test_the_clusters_nodes_are_told_as_elasticache_does():
    path = f"/tmp/kiln-admin-{free_port()}"
    with KilnMemcached(f"--admin-socket={path}", "--auto-discovery=1\nhost|1.2.3.4|11211\n") as server:
        with Binary(server) as client:
            found = client.ask(packet("config_get", b"cluster", opaque=4))
            assert (found.status, found.opaque, found.extras) == (OK, 4, flags(0))
            assert found.value.startswith(b"1\nhost|")
            assert client.ask(packet("get", b"AmazonElastiCache:cluster")).value == found.value
            assert client.ask(packet("config_get", b"other")).status == NOT_FOUND
            assert client.ask(packet("config_set", b"cluster", flags(1), b"x")).status == UNKNOWN_COMMAND
            assert client.ask(packet("config_delete", b"cluster")).status == UNKNOWN_COMMAND
        with Admin(path) as client:
            assert client.ask(packet("config_set", b"cluster", flags(1), b"2\nhost|")).status == OK
            assert client.ask(packet("config_set", b"cluster", flags(1), b"x" * 65537)).status == TOO_LARGE
            found = client.ask(packet("config_get", b"cluster"))
            assert (found.extras, found.value) == (flags(1), b"2\nhost|")
            assert client.ask(packet("config_delete", b"cluster")).status == OK
            assert client.ask(packet("config_delete", b"cluster")).status == NOT_FOUND


class Admin(Binary):
    """A connection through the admin socket."""

    def __init__(self, path: str):
        self.socket, self.data = socket.socket(socket.AF_UNIX), b""
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.connection = self.socket


def test_memcached_agrees_with_itself():
    with require(Memcached)() as one, Memcached() as other:
        report = session(one, other, 1, 2000)
        assert not report, report


def test_kiln_answers_as_memcached(memcached_pair):
    peer, ours = memcached_pair
    first = int(os.environ.get("MEMCACHE_SEED", 1))
    for seed in range(first, first + int(os.environ.get("MEMCACHE_SESSIONS", 60))):
        report = session(ours, peer, seed, 1000)
        assert not report, report


@pytest.mark.parametrize("protocol", ["-a", "-b"])
def test_memcapable_finds_nothing(server, protocol):
    """libmemcached's own test of servers; memcapable is memccapable in Debian."""
    program = shutil.which("memccapable") or shutil.which("memcapable")
    if not program:
        pytest.skip("memcapable is not there")
    done = subprocess.run([program, "-h", HOST, "-p", str(server.port), protocol, "-t", "20"], capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0 and "All tests passed" in done.stdout, done.stdout + done.stderr
