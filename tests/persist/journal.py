"""What servers say they changed: Kiln's journal, and redis-server's append-only file."""

import pathlib

from resp.wire import Connection, Reader
from servers import HOST, wait_until


def commands_of(data: bytes) -> list:
    """The commands of a journal, each a list of bytes. It must end with a whole one."""
    if not data:
        return []
    pieces = [data]
    reader = Reader(lambda: pieces.pop())
    commands = []
    while pieces or reader.has_bytes():
        sigil, words = reader.read()
        assert sigil == "*", commands[-3:]
        commands.append([word for _, word in words])
    return commands


class KilnJournal:
    """The journal of a running Kiln, from now on."""

    def __init__(self, server):
        self.client = Connection(HOST, server.port)
        assert self.client.call("DEBUG", "JOURNAL", "ON") == ("+", b"OK")

    def take(self) -> bytes:
        sigil, data = self.client.call("DEBUG", "JOURNAL", "TAKE")
        assert sigil == "$", data
        return data

    def close(self):
        self.client.close()


class RedisJournal:
    """The append-only file of a redis-server with appendonly yes."""

    OPTIONS = ("--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--appendfsync", "always")

    def __init__(self, server):
        self.directory = pathlib.Path(server.directory) / "appendonlydir"
        self.at = {}
        self.take()

    def take(self) -> bytes:
        fresh = b""
        for path in sorted(self.directory.glob("*.aof")):
            data = path.read_bytes()
            fresh += data[self.at.get(path, 0):]
            self.at[path] = len(data)
        return fresh

    def close(self):
        pass


def apply(data: bytes, server):
    """Has a Kiln apply a journal, as it would when it starts."""
    with Connection(HOST, server.port) as client:
        assert client.call("DEBUG", "JOURNAL", "REPLAY", data) == ("+", b"OK")
        outcome = wait_until(lambda: client.call("DEBUG", "JOURNAL", "REPLAYED")[1], 60, "the journal is applied")
        assert outcome == b"%d" % len(data), outcome
