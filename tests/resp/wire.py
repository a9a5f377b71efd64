"""RESP2 and RESP3 as bytes: encode a command, read a reply without losing its type.

A reply is a pair (sigil, payload); the sigil is the first byte on the wire as a str:
  ("+", bytes)  ("-", bytes)  (":", int)  ("$", bytes or None)  ("*", list or None)  ("_", None)
  (",", bytes as written)  ("#", bool)  ("(", bytes)  ("=", bytes with its "txt:" prefix)
  ("%", list of pairs)  ("|", list of pairs: an attribute, its reply follows)  ("~", list)  (">", list)
Client libraries hide most of this, and it is what a drop-in has to get right.
"""

import select
import socket

REPLY_TIMEOUT_S = 20.0
CLOSED = ("closed", None)


def encode(args) -> bytes:
    """One command in the array form; str arguments are sent as UTF-8."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        if isinstance(arg, str):
            arg = arg.encode()
        elif not isinstance(arg, bytes):
            arg = str(arg).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
    return b"".join(parts)


class Closed(Exception):
    """The server closed the connection."""


class Broken(Exception):
    """The server sent something that is not RESP."""


class Reader:
    """Takes bytes in pieces of any size, gives replies. Pulls more bytes through `more` when short."""

    def __init__(self, more):
        self._more = more
        self._data = b""
        self._at = 0

    def has_bytes(self) -> bool:
        return self._at < len(self._data)

    def _line(self) -> bytes:
        while True:
            end = self._data.find(b"\r\n", self._at)
            if end >= 0:
                line = self._data[self._at:end]
                self._at = end + 2
                return line
            self._pull()

    def _pull(self):
        fresh = self._more()
        self._data = self._data[self._at:] + fresh
        self._at = 0

    def _exactly(self, count: int) -> bytes:
        if len(self._data) - self._at < count:
            pieces = [self._data[self._at:]]
            have = len(pieces[0])
            while have < count:
                pieces.append(self._more())
                have += len(pieces[-1])
            self._data = b"".join(pieces)
            self._at = 0
        taken = self._data[self._at:self._at + count]
        self._at += count
        return taken

    def read(self):
        line = self._line()
        sigil, rest = line[:1].decode("latin1"), line[1:]
        if sigil in "+-,(":
            return (sigil, rest)
        if sigil == ":":
            return (":", int(rest))
        if sigil in "$=":
            return self._bulk(sigil, int(rest))
        if sigil in "*~>":
            count = int(rest)
            return (sigil, None if count < 0 else [self.read() for _ in range(count)])
        if sigil in "%|":
            return (sigil, [(self.read(), self.read()) for _ in range(int(rest))])
        if sigil == "_":
            return ("_", None)
        if sigil == "#" and rest in (b"t", b"f"):
            return ("#", rest == b"t")
        raise Broken(f"not a reply: {line[:80]!r}")

    def _bulk(self, sigil, length):
        if length < 0:
            return (sigil, None)
        body = self._exactly(length + 2)
        if body[-2:] != b"\r\n":
            raise Broken(f"a bulk of {length} bytes does not end in CRLF")
        return (sigil, body[:-2])


class Connection:
    """One client. `call` is a round trip; `send` and `read` are its halves, for pipelines and blocking."""

    def __init__(self, host: str, port: int, timeout_s: float = REPLY_TIMEOUT_S):
        self.socket = socket.create_connection((host, port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = Reader(self._receive)

    def _receive(self) -> bytes:
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionError:
            data = b""
        if not data:
            raise Closed()
        return data

    def send(self, *args):
        self.send_raw(encode(args))

    def send_raw(self, data: bytes):
        self.socket.sendall(data)

    def read(self):
        return self.reader.read()

    def call(self, *args):
        self.send(*args)
        return self.read()

    def pipeline(self, commands) -> list:
        """Sends all commands, then reads as many replies. The caller keeps the batch below socket buffers."""
        self.send_raw(b"".join(encode(command) for command in commands))
        return [self.read() for _ in commands]

    def is_readable(self, timeout_s: float = 0.0) -> bool:
        return self.reader.has_bytes() or bool(select.select([self.socket], [], [], timeout_s)[0])

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class UnixConnection(Connection):
    """The same over a unix socket."""

    def __init__(self, path, timeout_s: float = REPLY_TIMEOUT_S):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout_s)
        self.socket.connect(str(path))
        self.reader = Reader(self._receive)


def info_fields(reply) -> dict:
    """INFO's text as a dict of str."""
    text = reply[1].decode("utf-8", "replace")
    if reply[0] == "=":
        text = text[4:]
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line and line[0] != "#")
    return {name: value for name, value in pairs}
