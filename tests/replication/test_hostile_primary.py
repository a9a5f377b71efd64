"""A primary that says what no primary should: the replica lives, serves what it had, and tries again."""

import contextlib
import random
import socket
import struct
import threading

import pytest

from hostile.dump_writer import crc64
from replication.pair import AT_ONCE, client_of, follow, info, wait_for_link
from resp.wire import Closed, Reader
from servers import HOST, Kiln, wait_until

ID = b"0123456789abcdef0123456789abcdef01234567"
FULL = b"+FULLRESYNC " + ID + b" 100\r\n"
MARK = b"M" * 40


def text(data: bytes) -> bytes:
    assert len(data) < 64
    return bytes([len(data)]) + data


def aux(name: bytes, value: bytes) -> bytes:
    return b"\xfa" + text(name) + text(value)


def snapshot(*parts: bytes, db=b"0", version=b"0011") -> bytes:
    """A sound one with one key, but for what it is told."""
    body = b"REDIS" + version + aux(b"repl-stream-db", db) + b"\xfe\x00" + b"\x00" + text(b"which") + text(b"new")
    body += b"".join(parts) + b"\xff"
    return body + struct.pack("<Q", crc64(body))


def counted(data: bytes) -> bytes:
    return b"$%d\r\n" % len(data) + data


def marked(data: bytes) -> bytes:
    return b"$EOF:" + MARK + b"\r\n" + data + MARK


class HostilePrimary(threading.Thread):
    """Answers each command of the handshake by what `answers` has for it, and then sends `last` and waits for the end.

    answers   by the first word or the first two: bytes; None ends the connection there
    closes    ends the connection itself
    once      takes no other one after it
    """

    def __init__(self, answers=(), last=b"", closes=False, once=False, piece=1 << 16, between_s=0.0):
        super().__init__(daemon=True)
        self.answers = {b"PING": b"+PONG\r\n", b"REPLCONF": b"+OK\r\n", b"PSYNC": FULL, **dict(answers)}
        self.last, self.closes, self.once, self.piece, self.between_s = last, closes, once, piece, between_s
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        self.over = threading.Event()
        self.tries = 0  # how often it was connected to
        self.losses = 0  # and how often that connection has ended

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.listener.close()

    def run(self):
        while not self.over.is_set():
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.tries += 1
            if self.once:
                self.listener.close()
            with connection, contextlib.suppress(OSError, Closed):
                self.talk(connection)
            self.losses += 1
            if self.once:
                return

    def talk(self, connection):
        def more():
            data = connection.recv(1 << 16)
            if not data:
                raise Closed()
            return data

        reader = Reader(more)
        while True:
            words = [word[1] for word in reader.read()[1]]
            answer = self.answers.get(b" ".join(words[:2]), self.answers.get(words[0], b"+OK\r\n"))
            if answer is None:
                return
            connection.sendall(answer)
            if words[0] == b"PSYNC":
                break
        for at in range(0, len(self.last), self.piece):
            connection.sendall(self.last[at:at + self.piece])
            self.over.wait(self.between_s)
        if not self.closes:
            while connection.recv(1 << 16):
                pass


GARBAGE = bytes(range(1, 10)) + b"\xff\xfe\x80" * 20 + b"\r\n"
LONG_LINE = b"+" + b"x" * 200_000 + b"\r\n"

# What ends a connection before anything is loaded: name, answers of the handshake, what follows it, whether it ends.
BROKEN = {
    "garbage for PING": ({b"PING": b"-" + GARBAGE}, b""),
    "no answer to PING but the end": ({b"PING": None}, b""),
    "a line without an end": ({b"PING": LONG_LINE[:-2]}, b""),
    "the end at REPLCONF": ({b"REPLCONF": None}, b""),
    "the end at PSYNC": ({b"PSYNC": None}, b""),
    "garbage for PSYNC": ({b"PSYNC": GARBAGE}, b""),
    "a long line for PSYNC": ({b"PSYNC": LONG_LINE}, b""),
    "an error for PSYNC": ({b"PSYNC": b"-ERR nothing\r\n"}, b""),
    "not ready for PSYNC": ({b"PSYNC": b"-NOMASTERLINK no\r\n"}, b""),
    "a history without an id": ({b"PSYNC": b"+FULLRESYNC x 1\r\n"}, b""),
    "an offset below nothing": ({b"PSYNC": b"+FULLRESYNC " + ID + b" -7\r\n"}, b""),
    "an offset beyond all numbers": ({b"PSYNC": b"+FULLRESYNC " + ID + b" 99999999999999999999\r\n"}, b""),
    "no offset": ({b"PSYNC": b"+FULLRESYNC " + ID + b"\r\n"}, b""),
    "NUL bytes": ({b"PSYNC": b"+FULLRESYNC \0\0 \0\r\n"}, b""),
    "no frame": ({}, GARBAGE),
    "a length that is none": ({}, b"$many\r\n"),
    "a length below nothing": ({}, b"$-5\r\n"),
    "a length beyond all numbers": ({}, b"$99999999999999999999999\r\n"),
    "a length without an end": ({}, b"$" + b"1" * 100_000),
    "a mark that is too short": ({}, b"$EOF:abc\r\n" + snapshot()),
    "an error instead of a snapshot": ({}, b"-ERR no memory\r\n"),
}
# What ends with the connection.
CUT_SHORT = {
    "a snapshot that ends early": counted(snapshot())[:-9],
    "a huge length, and little behind it": b"$9000000000000000000\r\n" + snapshot(),
    "a marked snapshot that ends early": marked(snapshot())[:-41],
    "a mark that ends early": marked(snapshot())[:-1],
    "a mark that is almost right": marked(snapshot())[:-1] + b"X",
}
# What is whole, and cannot be loaded.
WRONG = {
    "garbage": b"x" * 3000,
    "nothing": b"",
    "a version of the future": snapshot(version=b"9999"),
    "a checksum that is wrong": snapshot()[:-1] + b"X",
    "a type that there is not": snapshot(b"\xb0" + text(b"k") + text(b"v")),
    "a string longer than all": snapshot(b"\x00" + text(b"k") + b"\x81" + b"\x7f" * 8),
    "a database that there is not": snapshot(b"\xfe\x80\x7f\xff\xff\xff\x00" + text(b"k") + text(b"v")),
    "an end before the end": snapshot()[:30],
}
# What can be loaded, but nothing can follow on it.
ASTRAY = {"-5": snapshot(db=b"-5"), "99999": snapshot(db=b"99999")}


@pytest.fixture(scope="module", params=["disabled", "swapdb"])
def replica(request):
    """It is asked to follow one hostile primary after the other."""
    with Kiln(*AT_ONCE, "--repl-diskless-load", request.param) as server:
        server.loads = request.param
        yield server


@pytest.fixture
def old(replica):
    """A client of it, and the data that it has."""
    with client_of(replica) as client:
        client.execute_command("REPLICAOF", "NO", "ONE")
        client.flushall()
        client.set("which", "old")
        yield client
        assert replica.is_alive() and client.ping()
        # What it follows later it follows well.
        client.execute_command("REPLICAOF", "NO", "ONE")


def meet(replica, primary):
    """Follows it until the connection to it has ended."""
    follow(replica, primary)
    wait_until(lambda: primary.losses, 20, "the replica has had enough of it")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_changes_nothing(replica, old, name):
    answers, last = BROKEN[name]
    with HostilePrimary(answers, last) as primary:
        meet(replica, primary)
        assert old.get("which") == b"old" and info(replica)["master_link_status"] == "down"


@pytest.mark.parametrize("name", CUT_SHORT)
def test_a_snapshot_that_does_not_come_whole_changes_nothing(replica, old, name):
    with HostilePrimary(last=CUT_SHORT[name], closes=True) as primary:
        meet(replica, primary)
        wait_until(lambda: info(replica)["master_sync_in_progress"] == 0, 20, "the sync has ended")
        assert old.get("which") == b"old" and old.dbsize() == 1


@pytest.mark.parametrize("frame", [counted, marked])
@pytest.mark.parametrize("name", WRONG)
def test_a_snapshot_that_cannot_be_loaded_is_asked_for_again(replica, old, name, frame):
    with HostilePrimary(last=frame(WRONG[name])) as primary:
        meet(replica, primary)
        wait_until(lambda: info(replica)["master_sync_in_progress"] == 0, 20, "the sync has ended")
        if replica.loads == "swapdb":
            # The old data are there as long as nothing better is.
            wait_until(lambda: old.get("which") == b"old", 20, "the old data")
        assert info(replica)["master_link_status"] == "down"


@pytest.mark.parametrize("db", ASTRAY)
def test_changes_for_a_database_that_there_is_not_are_not_taken(replica, old, db):
    with HostilePrimary(last=counted(ASTRAY[db]) + b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n") as primary:
        meet(replica, primary)
        wait_until(lambda: info(replica)["master_sync_in_progress"] == 0, 20, "the sync has ended")
        assert info(replica)["master_link_status"] == "down" and not old.exists("k")


CHANGES = {
    "garbage": GARBAGE,
    "a command that there is not": b"*2\r\n$4\r\nNOPE\r\n$1\r\nx\r\n",
    "a count beyond all numbers": b"*99999999999999999\r\n",
    "a length beyond all": b"*2\r\n$3\r\nGET\r\n$99999999999999\r\n",
    "a length below nothing": b"*1\r\n$-1\r\n",
    "a line without an end": b"*" + b"1" * 200_000,
    "a command that fails": b"*3\r\n$5\r\nRPUSH\r\n$5\r\nwhich\r\n$1\r\nx\r\n",
    "a database that there is not": b"*2\r\n$6\r\nSELECT\r\n$5\r\n99999\r\n",
    "an EXEC without a MULTI": b"*1\r\n$4\r\nEXEC\r\n",
    "a transaction that never ends": b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n",
    "an order to follow another": b"*3\r\n$9\r\nREPLICAOF\r\n$2\r\nNO\r\n$3\r\nONE\r\n",
    "an order to end": b"*2\r\n$8\r\nSHUTDOWN\r\n$6\r\nNOSAVE\r\n",
    "half a command": b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\nxxxx",
    "a wait for something": b"*3\r\n$5\r\nBLPOP\r\n$1\r\nl\r\n$1\r\n0\r\n",
}


@pytest.mark.parametrize("name", CHANGES)
def test_changes_that_make_no_sense_end_the_link_at_most(replica, old, name):
    with HostilePrimary(last=counted(snapshot()) + CHANGES[name], closes=True, once=True) as primary:
        meet(replica, primary)
        wait_until(lambda: info(replica)["master_sync_in_progress"] == 0, 20, "the sync has ended")
        assert old.get("which") == b"new" and info(replica)["role"] == "slave"


def test_who_sends_nonsense_each_time_is_not_asked_without_a_pause(replica, old):
    """There is a time in between in which the replica serves."""
    with HostilePrimary(last=counted(snapshot()) + GARBAGE) as primary:
        follow(replica, primary)
        wait_until(lambda: primary.losses >= 2, 20, "a second try")
        assert info(replica)["master_link_status"] == "down" and primary.tries == 2
        assert old.get("which") == b"new"


@pytest.mark.parametrize("last", [GARBAGE, counted(b"x" * 3000), counted(snapshot(db=b"-5"))])
def test_it_tries_again_by_itself_until_the_primary_is_sound(replica, old, last):
    with HostilePrimary(last=last) as primary:
        follow(replica, primary)
        wait_until(lambda: primary.tries >= 2, 20, "another try")
        primary.last = counted(snapshot())
        wait_for_link(replica)
        assert old.get("which") == b"new"


@pytest.mark.parametrize("frame", [counted, marked])
def test_bytes_that_drip_are_put_together(replica, old, frame):
    handshake = {b"PING": b"\n\n+PONG\r\n", b"PSYNC": b"\n\n" + FULL + b"\n\n\n"}
    # Behind a mark a primary waits until it hears of the replica.
    change = b"*3\r\n$3\r\nSET\r\n$5\r\nwhich\r\n$4\r\nlate\r\n" if frame is counted else b""
    with HostilePrimary(handshake, frame(snapshot()) + change, piece=3, between_s=0.001) as primary:
        follow(replica, primary)
        wait_for_link(replica)
        wait_until(lambda: old.get("which") == (b"late" if change else b"new"), 30, "what came last")
        assert primary.tries == 1


@pytest.mark.parametrize("seed", range(40))
def test_random_bytes_at_random_places(replica, old, seed):
    """What follows the handshake is a sound stream but for some bytes."""
    chance = random.Random(seed)
    noise = bytearray(counted(snapshot()) + b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n" * 5)
    for _ in range(chance.randint(1, 4)):
        noise[chance.randrange(len(noise))] = chance.randrange(256)
    with HostilePrimary(last=bytes(noise), closes=True, once=True) as primary:
        meet(replica, primary)
        wait_until(lambda: info(replica)["master_sync_in_progress"] == 0, 20, "the sync has ended")
