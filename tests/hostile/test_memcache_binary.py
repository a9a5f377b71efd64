"""memcached's binary protocol and its logins: packets that lie, clients that try again, files that change meanwhile."""

import contextlib
import pathlib
import random
import signal
import socket
import struct
import subprocess
import threading

import pytest

from memcache.logins import BAD, GOOD, Sasl, start, users_file
from memcache.packets import (AUTH_ERROR, BAD_ARGUMENTS, HEADER, NOT_FOUND, OK, OPCODES, TOO_LARGE, UNKNOWN_COMMAND,
                              Binary, Closed, count, packet, plain, store, touch)
from servers import HOST, KilnMemcached, free_port, wait_until

MEGABYTE = 1 << 20


@pytest.fixture(name="cache", scope="module")
def running_cache():
    with KilnMemcached() as server:
        yield server
        assert server.is_alive()


@pytest.fixture
def users():
    with users_file("ann:one\n") as path:
        yield path


@pytest.fixture
def guarded(users, monkeypatch):
    monkeypatch.setenv("MEMCACHED_SASL_PWDB", str(users))
    with Sasl("-S") as server:
        yield server
        assert server.is_alive()


def header(opcode, keys=0, extras=0, body=0, opaque=0, magic=0x80) -> bytes:
    return HEADER.pack(magic, opcode, keys, extras, 0, 0, body, opaque, 0)


# ---- M03: lengths ----

@pytest.mark.parametrize("opcode", sorted(OPCODES.values()) + [0x1b, 0xff])
def test_m03_parts_longer_than_the_body_end_the_connection(cache, opcode):
    for keys, extras, body in ((4, 0, 3), (0, 4, 3), (250, 20, 269), (65535, 255, 0), (65535, 255, 65535)):
        with Binary(cache) as client:
            refused = client.ask(header(opcode, keys, extras, body, opaque=5) + b"x" * 40)
            assert (refused.status, refused.opaque, refused.opcode) == (UNKNOWN_COMMAND, 5, opcode)
            with pytest.raises(Closed):
                client.reply()


@pytest.mark.parametrize("body", [0x7fffffff, 0x80000000, 0x80000008, 0xffffffff])
def test_m03_a_body_of_two_gigabytes_is_skipped_and_not_believed(cache, body):
    before = cache.rss_bytes()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Binary(cache)) for _ in range(20)]
        for client in clients:
            refused = client.ask(header(OPCODES["set"], 1, 8, body) + b"\0" * 8 + b"k")
            assert refused.status == TOO_LARGE
            client.send(packet("noop") * 1000)  # all of it is the value
        for client in clients:
            assert not client.connection.is_readable(0.01)
    assert cache.rss_bytes() - before < 4 * MEGABYTE


@pytest.mark.parametrize("what, bad", [
    ("get", header(0x00)), ("get", header(0x00, 251, 0, 251) + b"k" * 251), ("get", header(0x00, 65535, 0, 65535)),
    ("get", header(0x00, 1, 0, 2) + b"kv"), ("set", header(0x01, 1, 0, 1) + b"k"), ("set", header(0x01, 0, 8, 8)),
    ("incr", header(0x05, 1, 255, 256)), ("incr", header(0x05, 1, 19, 20)), ("touch", header(0x1c, 1, 0, 1) + b"k"),
    ("stat", header(0x10, 0, 0, 1) + b"v"), ("quit", header(0x07, 1, 0, 1) + b"k"), ("noop", header(0x0a, 0, 4, 4)),
    ("flush", header(0x08, 0, 3, 3)), ("delete", header(0x04, 1, 4, 5)), ("append", header(0x0e, 1, 8, 9)),
], ids=lambda value: value if isinstance(value, str) else "")
def test_m03_a_packet_that_carries_the_wrong_parts_ends_the_connection(cache, what, bad):
    with Binary(cache) as client:
        refused = client.ask(bad)
        assert (refused.status, refused.opcode) == (BAD_ARGUMENTS, OPCODES[what])
        with pytest.raises(Closed):
            client.reply()


def test_m03_a_value_is_never_taken_for_requests(cache):
    trap = store("set", b"trapped", b"1")
    with Binary(cache) as client:
        for what in ("set", "replace", "append", "setq", "appendq"):
            client.send(store(what, b"k", trap * 20) if "append" not in what else packet(what, b"k", value=trap * 20))
        client.send(store("set", b"k", trap * 20000))  # too large
        client.send(packet(0x1b, value=trap) + packet(0xff, trap, trap[:8], trap))  # unknown
        client.all(b"")
        assert client.ask(packet("get", b"trapped")).status == NOT_FOUND


def test_m03_a_packet_may_come_byte_by_byte(cache):
    said = store("set", b"slow", b"value", 7, opaque=1) + packet("getk", b"slow", opaque=2)
    said += count("incr", b"none", 1, opaque=3) + touch("gat", b"slow", 0, opaque=4)
    said += packet("stat", b"bogus", opaque=5)
    with Binary(cache) as client:
        for at in range(len(said)):
            client.send(said[at:at + 1])
        told = [client.reply() for _ in range(5)]
    assert [reply.opaque for reply in told] == [1, 2, 3, 4, 5]
    assert [reply.status for reply in told] == [OK, OK, NOT_FOUND, OK, NOT_FOUND]


def test_m03_random_bytes_behind_a_magic_byte_harm_nobody(cache):
    rng = random.Random(7)
    for _ in range(300):
        bytes_ = b"".join(rng.choice([header(rng.randrange(256), rng.choice([0, 1, 250, 65535]),
                                             rng.choice([0, 4, 8, 20, 255]), rng.choice([0, 9, 30, 300])),
                                      rng.randbytes(rng.randrange(40))]) for _ in range(6))
        with Binary(cache) as client, contextlib.suppress(ConnectionError):
            client.send(bytes_)
    with Binary(cache) as client:
        assert client.ask(packet("version")).status == OK


# ---- M03: quiet requests, opaques ----

def test_m03_quiet_requests_need_no_end(cache):
    with Binary(cache) as client:
        client.send(b"".join(store("setq", b"q%d" % number, b"v") for number in range(5000)))
    with Binary(cache) as client:  # the one before may still be read
        wait_until(lambda: client.ask(packet("get", b"q4999")).status == OK)
        client.send(b"".join(packet("getkq", b"q%d" % number, opaque=number) for number in range(5000)))
        assert [client.reply().opaque for _ in range(5000)] == list(range(5000))
        client.send(packet("getq", b"none") * 5000)
        assert client.ask(packet("noop", opaque=9)).opaque == 9


def test_m03_the_end_of_sending_is_no_end_of_answers(cache):
    with Binary(cache) as client:
        client.send(store("set", b"k", b"v") + packet("getq", b"k", opaque=4))
        client.socket.shutdown(socket.SHUT_WR)
        assert (client.reply().status, client.reply().opaque) == (OK, 4)
        with pytest.raises(Closed):
            client.reply()


@pytest.mark.parametrize("opaque", [0, 1, 0x80000000, 0xffffffff, 0x0d0a0d0a])
def test_m03_every_reply_gives_the_opaque_back(cache, opaque):
    requests = [store("set", b"k", b"1", opaque=opaque), packet("get", b"k", opaque=opaque),
                packet("getkq", b"k", opaque=opaque), packet("get", b"none", opaque=opaque),
                count("incr", b"k", 1, opaque=opaque), count("incr", b"none", 1, opaque=opaque),
                touch("touch", b"k", 0, opaque=opaque), touch("gatk", b"none", 0, opaque=opaque),
                packet("append", b"none", opaque=opaque), packet("version", opaque=opaque), packet(0x1b, opaque=opaque),
                packet("sasl_list", opaque=opaque), packet("stat", b"reset", opaque=opaque),
                packet("stat", b"bogus", opaque=opaque), packet("flush", opaque=opaque),
                packet("delete", b"k", opaque=opaque), store("set", b"k", b"v" * 2 * MEGABYTE, opaque=opaque),
                packet("config_get", b"none", opaque=opaque), packet("quit", opaque=opaque)]
    with Binary(cache) as client:
        assert [client.ask(said).opaque for said in requests] == [opaque] * len(requests)


# ---- M03: logins ----

def test_m03_a_step_without_a_start_logs_nobody_in(guarded):
    with Binary(guarded) as client:
        step = packet("sasl_step", b"PLAIN", value=GOOD)
        assert client.ask(step).status == client.ask(step).status == AUTH_ERROR
        assert client.ask(start(BAD)).status == client.ask(step).status == AUTH_ERROR
        assert client.ask(packet("get", b"k")).status == AUTH_ERROR


def test_m03_a_second_attempt_passes_by_nothing(guarded):
    """After a first attempt that failed memcached once took what came as authenticated (CVE-2013-7239)."""
    for attempts in ([BAD], [BAD, BAD], [b"", BAD], [GOOD, BAD], [GOOD, b""]):
        with Binary(guarded) as client:
            for message in attempts:
                client.ask(start(message))
            assert client.ask(store("set", b"k", b"v")).status == AUTH_ERROR
            with pytest.raises(Closed):
                client.reply()
    with Binary(guarded) as client:
        assert [client.ask(start(message)).status for message in (BAD, GOOD)] == [AUTH_ERROR, OK]
        assert client.ask(packet("get", b"k")).status == NOT_FOUND


def test_m03_what_follows_a_refused_login_is_not_done(guarded):
    """All of it in one write: the login is judged before anything behind it is looked at."""
    with Binary(guarded) as client:
        told = client.all(start(BAD) + store("set", b"k", b"v") + packet("flush"))
        assert [reply if reply == "closed" else reply[1] for reply in told] == [AUTH_ERROR, AUTH_ERROR, "closed"]
    with Binary(guarded) as client:
        told = client.all(start(GOOD) + store("set", b"k", b"v") + packet("get", b"k"))
        assert [reply[1] for reply in told] == [OK, OK, OK]


def test_m03_nothing_is_kept_for_who_has_not_logged_in(guarded):
    """Bodies are declared, sent in part, and sent whole; neither memory nor a reply comes of it."""
    before = guarded.rss_bytes()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Binary(guarded)) for _ in range(200)]
        for client in clients:
            client.send(header(OPCODES["sasl_start"], 5, 0, 0x7fffffff) + b"PLAIN")
            with contextlib.suppress(ConnectionError):
                client.send(b"x" * 65536)
        assert clients[0].reply().status == 0x82
        for client in [stack.enter_context(Binary(guarded)) for _ in range(200)]:
            client.send(header(OPCODES["set"], 5, 8, MEGABYTE))
            assert client.reply().status == AUTH_ERROR
        for client in [stack.enter_context(Binary(guarded)) for _ in range(200)]:
            client.send(header(OPCODES["sasl_start"], 5, 0, 1024) + b"PLAIN" + b"x" * 1000)  # and no more
        assert guarded.rss_bytes() - before < 16 * MEGABYTE


def test_m03_unread_refusals_close_the_connection(guarded):
    with Binary(guarded) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with pytest.raises(ConnectionError):
            for _ in range(100_000):
                client.send(start(BAD) * 100)


def test_m03_the_text_protocol_is_closed_beside_sasl(guarded):
    for said in (b"get k\r\n", b"set k 0 0 7\r\nann one\r\n", b"mn\r\n", b"\r\n", b"stats\r\n", b"\x81" + b"\0" * 23):
        with Binary(guarded) as client:
            client.send(said)
            with pytest.raises(Closed):
                client.read(1)


# ---- M04: UDP ----

def test_m04_there_is_no_udp(cache):
    ports = set()
    for name in ("udp", "udp6"):
        for line in pathlib.Path(f"/proc/{cache.process.pid}/net/{name}").read_text().splitlines()[1:]:
            ports.add(int(line.split()[1].rpartition(":")[2], 16))
    assert cache.port not in ports
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        client.connect((HOST, cache.port))
        with pytest.raises((ConnectionError, TimeoutError)):
            client.send(struct.pack("!HHHH", 1, 0, 1, 0) + b"stats\r\n")
            client.recv(2048)


def test_m04_udp_cannot_be_switched_on():
    done = subprocess.run([KilnMemcached.binary(), "-l", HOST, "-p", str(free_port()), "-U", str(free_port())],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0 and "UDP" in done.stderr


# ---- M05: the file of passwords ----

@pytest.mark.parametrize("content", [
    b"\n", b"ann", b"ann:one\n\n", b":\n:\nx\n", b"a\0b:c\n", b"x" * 256 + b":y\n", b"x:" + b"y" * 256 + b"\n",
    b"u:p\n" * 1025, b"\xff" * 100_000, b":" * 100_000], ids=lambda content: repr(content[:12]))
def test_m05_a_file_that_is_none_ends_the_start(content):
    with users_file(content) as path:
        done = subprocess.run([KilnMemcached.binary(), "-l", HOST, "-p", str(free_port()), "-Y", str(path)],
                              capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1 and "malformed entry" in done.stderr


@pytest.mark.parametrize("content", [b"", b"\xff\xfe:\x01\n", b":\n", b"ann:\n", b":one\n"], ids=repr)
def test_m05_odd_lines_let_nobody_in_who_is_not_named(content):
    with users_file(content) as path, Sasl("-S", "-Y", str(path)) as server, Binary(server) as client:
        for message in (plain("", ""), plain("ann", ""), plain("", "one"), GOOD, b"", b"\0", b"\0\0\0"):
            assert client.ask(start(message)).status != OK


def test_m05_users_may_change_while_clients_log_in(guarded, users):
    """Who stays in the file always gets in, who never was in it never does."""
    wrong, stop = [], threading.Event()

    def log_in(name: str, password: str, expected: int):
        with Binary(guarded) as client:
            while not stop.is_set():
                status = client.ask(start(plain(name, password))).status
                if status != expected:
                    wrong.append((name, status))
                    return

    threads = [threading.Thread(target=log_in, args=who) for who in
               [("ann", "one", OK)] * 3 + [("ann", "two", AUTH_ERROR), ("eve", "one", AUTH_ERROR)]]
    for thread in threads:
        thread.start()
    try:
        for turn in range(40):
            fresh = users.with_name("fresh")
            fresh.write_text("".join(f"u{number}:p\n" for number in range(turn * 20)) + f"ann:one\nturn{turn}:p\n")
            fresh.replace(users)
            guarded.process.send_signal(signal.SIGHUP)
            if turn % 10 == 9:
                with Binary(guarded) as client:
                    wait_until(lambda: client.ask(start(plain(f"turn{turn}", "p"))).status == OK)  # noqa: B023
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong


def test_m05_many_clients_may_fail_at_once(guarded):
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Binary(guarded)) for _ in range(50)]
        for _ in range(20):
            for client in clients:
                client.send(start(BAD))
            assert {client.reply().status for client in clients} == {AUTH_ERROR}
        assert clients[0].ask(start(GOOD)).status == OK
