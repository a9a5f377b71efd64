"""Packets of memcached's binary protocol, and a connection that speaks it."""

import struct

HEADER = struct.Struct("!BBHBBHIIQ")
REQUEST, REPLY = 0x80, 0x81
OPCODES = {
    "get": 0x00, "set": 0x01, "add": 0x02, "replace": 0x03, "delete": 0x04, "incr": 0x05, "decr": 0x06, "quit": 0x07,
    "flush": 0x08, "getq": 0x09, "noop": 0x0a, "version": 0x0b, "getk": 0x0c, "getkq": 0x0d, "append": 0x0e,
    "prepend": 0x0f, "stat": 0x10, "setq": 0x11, "addq": 0x12, "replaceq": 0x13, "deleteq": 0x14, "incrq": 0x15,
    "decrq": 0x16, "quitq": 0x17, "flushq": 0x18, "appendq": 0x19, "prependq": 0x1a, "touch": 0x1c, "gat": 0x1d,
    "gatq": 0x1e, "sasl_list": 0x20, "sasl_start": 0x21, "sasl_step": 0x22, "gatk": 0x23, "gatkq": 0x24,
    "config_get": 0x60, "config_set": 0x64, "config_delete": 0x66,
}
(OK, NOT_FOUND, EXISTS, TOO_LARGE, BAD_ARGUMENTS, NOT_STORED, NOT_NUMBER) = range(7)
AUTH_ERROR, AUTH_CONTINUE, UNKNOWN_COMMAND, OUT_OF_MEMORY = 0x20, 0x21, 0x81, 0x82


class Closed(Exception):
    """The server has closed the connection."""


def packet(what, key=b"", extras=b"", value=b"", opaque=0, cas=0, body_bytes=None) -> bytes:
    """A request; `what` is a name or a number, `body_bytes` another length than the right one."""
    opcode = OPCODES[what] if isinstance(what, str) else what
    body = extras + key + value
    length = len(body) if body_bytes is None else body_bytes
    return HEADER.pack(REQUEST, opcode, len(key), len(extras), 0, 0, length, opaque, cas) + body


def store(what, key, value, flags=0, exptime=0, **more) -> bytes:
    return packet(what, key, struct.pack("!II", flags, exptime), value, **more)


def touch(what, key, exptime, **more) -> bytes:
    return packet(what, key, struct.pack("!I", exptime), **more)


def count(what, key, delta, initial=0, exptime=0xffffffff, **more) -> bytes:
    return packet(what, key, struct.pack("!QQI", delta & (1 << 64) - 1, initial, exptime), **more)


class Reply:
    """A packet from the server."""

    def __init__(self, header: bytes, body: bytes):
        magic, self.opcode, keys, extras, kind, self.status, length, self.opaque, self.cas = HEADER.unpack(header)
        assert magic == REPLY and kind == 0 and length == len(body) and keys + extras <= length, (header, body)
        self.extras, self.key, self.value = body[:extras], body[extras:extras + keys], body[extras + keys:]

    def __repr__(self):
        return (f"opcode {self.opcode:#x} status {self.status:#x} opaque {self.opaque} cas {self.cas} "
                f"{self.extras!r} {self.key!r} {self.value[:60]!r}")

    def told(self) -> tuple:
        """All of it, but of a CAS number only whether there is one."""
        return self.opcode, self.status, self.opaque, self.cas != 0, self.extras, self.key, self.value


class Binary:
    """A connection to a server."""

    def __init__(self, server, timeout_s: float = 10.0):
        self.connection, self.data = server.connect(timeout_s), b""
        self.socket = self.connection.socket

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send(self, data: bytes):
        self.socket.sendall(data)

    def read(self, size: int) -> bytes:
        while len(self.data) < size:
            try:
                fresh = self.socket.recv(1 << 16)
            except ConnectionError:
                fresh = b""
            if not fresh:
                raise Closed(f"with {self.data!r} before it")
            self.data += fresh
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def reply(self) -> Reply:
        header = self.read(HEADER.size)
        return Reply(header, self.read(struct.unpack("!I", header[8:12])[0]))

    def ask(self, data: bytes) -> Reply:
        """What is answered to one request that is not quiet."""
        self.send(data)
        return self.reply()

    def all(self, data: bytes) -> list:
        """All that is answered, as a noop behind it tells; "closed" is the last where the server ends it."""
        mark, replies = 0xfffffffe, []
        try:
            self.send(data + packet("noop", opaque=mark))
            while not replies or replies[-1].opaque != mark:
                replies.append(self.reply())
        except (Closed, ConnectionError):
            return [reply.told() for reply in replies] + ["closed"]
        return [reply.told() for reply in replies[:-1]]


def plain(user: str, password: str, identity: str = "") -> bytes:
    """What SASL's PLAIN says."""
    return f"{identity}\0{user}\0{password}".encode()
