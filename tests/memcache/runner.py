"""Runs .mc scripts against memcached and kiln-memcached; records replies for scripts that lack them.

  python3 tests/memcache/runner.py tests/memcache/scripts                 both servers
  python3 tests/memcache/runner.py --against memcached FILE...            one of them
  python3 tests/memcache/runner.py --record FILE...                       draft replies from memcached

A script is lines sent and lines expected:
  # text              comment;  "# server: -m 64" gives the script a server with these options
  > set k 0 0 5       sent with CR LF on connection 1 (2> on connection 2); backslash escapes are bytes, x*1000 repeats
  raw> get k\\n        sent as it is, without CR LF
  STORED              one line expected; /regex/ matches wholly; @{name} keeps what stands there for later lines
  (empty)             an empty line;  (nothing) no reply comes;  (closed) the server closes the connection
  until> get k        repeated until the reply is the expected one
"""

import argparse
import pathlib
import re
import sys
import time

if __package__ in (None, ""):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
    __package__ = "memcache"

from servers import SERVERS  # noqa: E402

SENT = re.compile(r"(raw|until|\d*)> (.*)\Z")
ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|r|n|\\)")
REPEAT = re.compile(rb"(.)\*(\d{2,})")
QUIET_S = 0.05
SETTLE_S = 8.0
CLOSED = b"(closed)"


class Mismatch(AssertionError):
    """A reply is not the expected one."""


def unescaped(text: str, captured: dict) -> bytes:
    """The bytes that a script line stands for."""
    raw = text.encode()
    for name, value in captured.items():
        raw = raw.replace(b"@{" + name.encode() + b"}", value)
    raw = REPEAT.sub(lambda found: found[1] * int(found[2]), raw)
    named = {b"r": b"\r", b"n": b"\n", b"\\": b"\\"}
    return ESCAPE.sub(lambda found: named.get(found[1]) or bytes([int(found[1][1:], 16)]), raw)


def escaped(line: bytes) -> str:
    """A reply line as a script writes it."""
    if not line:
        return "(empty)"
    if len(line) > 40 and len(set(line)) == 1:
        return f"{chr(line[0])}*{len(line)}"
    return "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02x}" for byte in line)


class Steps:
    """A script parsed: a list of [line number, kind, connection, text, expected lines]."""

    def __init__(self, path):
        self.path, self.options, self.steps = pathlib.Path(path), [], []
        for number, line in enumerate(self.path.read_text().split("\n"), 1):
            sent = SENT.match(line)
            if line.startswith("# server:"):
                self.options = line.split(":", 1)[1].split()
            elif line.startswith("#") or not line:
                continue
            elif sent:
                kind = sent[1] if sent[1] in ("raw", "until") else "line"
                self.steps.append([number, kind, int(sent[1]) if sent[1].isdigit() else 1, sent[2], []])
            else:
                self.steps[-1][4].append(line)


class Lines:
    """A connection read line by line."""

    def __init__(self, server):
        self.client, self.data = server.connect(), b""
        self.client.socket.settimeout(SETTLE_S)

    def send(self, data: bytes):
        self.client.socket.sendall(data)

    def line(self) -> bytes:
        while b"\r\n" not in self.data:
            try:
                fresh = self.client.socket.recv(1 << 16)
            except ConnectionError:
                fresh = b""
            if not fresh:
                return CLOSED
            self.data += fresh
        line, self.data = self.data.split(b"\r\n", 1)
        return line

    def is_readable(self) -> bool:
        return bool(self.data) or self.client.is_readable(QUIET_S)

    def close(self):
        self.client.close()


def play(script: Steps, server, record: bool = False) -> dict:
    """Runs a script on an empty server. Raises Mismatch; with `record`, returns lines read by line number."""
    connections, captured, recorded = {}, {}, {}
    with_one = Lines(server)
    with_one.send(b"flush_all\r\n")
    with_one.line()
    with_one.close()
    try:
        for step in script.steps:
            connection = connections.setdefault(step[2], None) or Lines(server)
            connections[step[2]] = connection
            if record and not step[4] and step[1] != "raw":
                connection.send(unescaped(step[3], captured) + b"\r\n")
                recorded[step[0]] = _drain(connection)
            elif record:
                _play_or_tell(script, step, connection, captured)
            else:
                _play_step(script, step, connection, captured)
    finally:
        for connection in connections.values():
            connection.close()
    return recorded


def _play_or_tell(script, step, connection, captured):
    """While recording, a wrong line is told and the rest still recorded."""
    try:
        _play_step(script, step, connection, captured)
    except (Mismatch, OSError) as error:
        print(error)
        _drain(connection)


def _drain(connection) -> list:
    lines = []
    while connection.is_readable():  # a closed connection is readable too
        lines.append(escaped(connection.line()))
        if lines[-1] == "(closed)":
            break
    return lines or ["(nothing)"]


def _play_step(script, step, connection, captured):
    deadline = time.monotonic() + SETTLE_S
    while True:
        try:
            return _play_once(script, step, connection, captured)
        except Mismatch:
            if step[1] != "until" or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _play_once(script, step, connection, captured):
    number, kind, _, text, expected = step
    connection.send(unescaped(text, captured) + (b"" if kind == "raw" else b"\r\n"))
    if not expected:
        return
    got = []
    for want in expected:
        if want == "(nothing)":
            if connection.is_readable():
                raise Mismatch(f"{script.path}:{number}: {text[:80]}: nothing expected, got {connection.line()!r}")
            continue
        try:
            got.append(connection.line())
        except TimeoutError:
            raise Mismatch(f"{script.path}:{number}: {text[:80]}: no reply; expected {want}") from None
        if not _fits(want, got[-1], captured):
            if kind == "until":
                _drain(connection)
            raise Mismatch(f"{script.path}:{number}: {text[:80]}\n  expected {want}\n  got      {escaped(got[-1])}")


def _fits(want: str, got: bytes, captured: dict) -> bool:
    if want.startswith("/") and want.endswith("/"):
        return re.fullmatch(want[1:-1].encode(), got) is not None
    if want == "(empty)":
        return not got
    name = re.search(r"@\{(\w+)\}", want)
    if name and name[1] not in captured:
        before, after = want[:name.start()].encode(), want[name.end():].encode()
        fits = got.startswith(before) and got.endswith(after)
        captured[name[1]] = got[len(before):len(got) - len(after)]
        return fits
    return unescaped(want, captured) == got


def play_file(path, kind):
    script = Steps(path)
    with kind(*script.options) as server:
        play(script, server)


def record_file(path):
    script = Steps(path)
    with SERVERS["memcached"](*script.options) as server:
        recorded = play(script, server, record=True)
    lines = script.path.read_text().split("\n")
    for number, replies in sorted(recorded.items(), reverse=True):
        lines[number:number] = replies
    script.path.write_text("\n".join(lines))


def script_files(paths) -> list:
    found = []
    for path in map(pathlib.Path, paths):
        found += sorted(path.rglob("*.mc")) if path.is_dir() else [path]
    return found


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("paths", nargs="+")
    options.add_argument("--against", default="both", choices=("memcached", "kiln", "both"))
    options.add_argument("--record", action="store_true")
    chosen = options.parse_args()
    files, failed = script_files(chosen.paths), 0
    if chosen.record:
        for path in files:
            record_file(path)
        return 0
    names = {"memcached": ["memcached"], "kiln": ["kiln-memcached"], "both": ["memcached", "kiln-memcached"]}
    for name in names[chosen.against]:
        for path in files:
            try:
                play_file(path, SERVERS[name])
            except (Mismatch, OSError) as error:
                failed += 1
                print(f"FAIL {name} {error}")
    print(f"{len(files)} scripts, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
