"""Runs .resp scripts against a server, and records replies for scripts that do not have them yet.

  python3 tests/resp/runner.py tests/commands                       against kiln-server and redis-server
  python3 tests/resp/runner.py --against redis FILE...              one of them; or HOST:PORT, a running one
  python3 tests/resp/runner.py --record [--newer BINARY] FILE... fills in missing replies from redis-server
Recorded replies are a draft: read each one before it is committed.
"""

import argparse
import pathlib
import sys
import time

if __package__ in (None, ""):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
    __package__ = "resp"

from resp import patterns, script as scripts  # noqa: E402
from resp.quoting import split_words, with_captures  # noqa: E402
from resp.wire import CLOSED, Closed, Connection, info_fields  # noqa: E402
from servers import HOST, SERVERS  # noqa: E402

SETTLE_S = 5.0  # until a blocked client must be seen as blocked, a repeated command must give its reply
QUIET_S = 0.03  # how long (nothing) listens
SHOWN = 2000  # characters of a wrong reply that a failure prints


class Mismatch(AssertionError):
    """A reply is not the expected one."""


class Target:
    """A server scripts run on: where it is, what it calls itself, how it is cleaned between scripts."""

    def __init__(self, host: str, port: int, is_kiln: bool):
        self.host, self.port, self.is_kiln = host, port, is_kiln
        with self.connect() as client:
            fields = info_fields(client.call("INFO", "server"))
            self.can_be_cleaned = client.call("FLUSHALL")[0] == "+"
        self.version = tuple(map(int, fields.get("redis_version", "7.0.0").split(".")))
        if is_kiln:
            self.version = (7, 2) + self.version[2:]

    def connect(self) -> Connection:
        return Connection(self.host, self.port, timeout_s=10.0)

    def clean(self):
        with self.connect() as client:
            for command in ("FLUSHALL", "SCRIPT FLUSH", "FUNCTION FLUSH", "CONFIG RESETSTAT",
                            "SLOWLOG RESET", "ACL LOG RESET"):
                client.call(*command.split())


class Run:
    """One script on one target."""

    def __init__(self, script, target: Target):
        self.script, self.target = script, target
        self.connections, self.captured, self.waiting = {}, {}, set()
        self.watcher = target.connect()

    def connection(self, number: int) -> Connection:
        if number not in self.connections:
            self.connections[number] = self.target.connect()
        return self.connections[number]

    def close(self):
        for connection in [self.watcher, *self.connections.values()]:
            connection.close()

    def play(self):
        for step in self.script.steps:
            if step.kiln_only and not self.target.is_kiln or self.target.version < step.since:
                continue
            self._play_step(step)

    def _play_step(self, step):
        if not step.expected:
            raise Mismatch(f"{self.script.path}:{step.line}: no expected reply (record it first)")
        deadline = time.monotonic() + SETTLE_S
        while True:
            try:
                return self._play_once(step)
            except Mismatch:
                if not step.repeat or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _play_once(self, step):
        connection = self.connection(step.connection)
        if step.command is not None:
            words = [with_captures(word, self.captured) for word in split_words(step.command)]
            connection.send(*words)
        else:
            self.waiting.discard(step.connection)
        for pattern in step.patterns(self.target.version):
            self._expect(step, connection, pattern)

    def _expect(self, step, connection, pattern):
        if pattern == "blocks":
            self.waiting.add(step.connection)
            self._wait_for_blocked(step)
        elif pattern == "nothing":
            self.watcher.call("PING")
            if connection.is_readable(QUIET_S):
                self._fail(step, "(nothing)", self._read(step, connection))
        else:
            reply = self._read(step, connection)
            wanted = CLOSED if pattern == "closed" else None
            if reply != wanted and (wanted or reply == CLOSED
                                    or not patterns.matches(pattern, reply, self.captured)):
                self._fail(step, "\n".join([*step.expected, *map(str, step.variants.items())]), reply)

    def _read(self, step, connection):
        try:
            return connection.read()
        except Closed:
            return CLOSED
        except TimeoutError:
            raise Mismatch(f"{self._place(step)}: no reply; expected {step.expected}") from None

    def _wait_for_blocked(self, step):
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline:
            fields = info_fields(self.watcher.call("INFO", "clients"))
            if int(fields.get("blocked_clients", -1)) >= len(self.waiting):
                break
            if self.connections[step.connection].is_readable():
                self._fail(step, "(blocks)", self._read(step, self.connections[step.connection]))
            time.sleep(0.002)
        else:
            raise Mismatch(f"{self._place(step)}: the client is not counted as blocked")

    def _place(self, step) -> str:
        return f"{self.script.path}:{step.line}: {step.command or '(late reply)'}"

    def _fail(self, step, expected: str, reply):
        raise Mismatch(f"{self._place(step)}\n  expected {expected}\n  got      {patterns.show(reply)[:SHOWN]}")


def play(script, target: Target):
    """Runs the script on a clean server; raises Mismatch."""
    target.clean()
    run = Run(script, target)
    try:
        run.play()
    finally:
        run.close()


def play_file(path, target: Target, server_kind=None):
    """As play, but a script gets a server of its own if it asks for one, or FLUSHALL does not work yet."""
    script = scripts.load(path)
    first = script.steps[0] if script.steps else None
    if first and (first.kiln_only and not target.is_kiln or target.version < first.since):
        return False
    if not script.options and (target.can_be_cleaned or not server_kind):
        play(script, target)
    elif server_kind:
        with server_kind(*script.options) as server:
            play(script, Target(HOST, server.port, target.is_kiln))
    return True


def script_files(paths) -> list:
    found = []
    for path in map(pathlib.Path, paths):
        found += sorted(path.rglob("*.resp")) if path.is_dir() else [path]
    return found


def run_all(files, target: Target, server_kind) -> int:
    failures = 0
    for path in files:
        try:
            play_file(path, target, server_kind)
        except (Mismatch, scripts.ScriptError, OSError, Closed) as error:
            failures += 1
            print(f"FAIL {path}\n{error!r}" if not isinstance(error, Mismatch) else f"FAIL {error}")
    return failures


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("paths", nargs="+")
    options.add_argument("--against", default="both", help="kiln, redis, both or HOST:PORT")
    options.add_argument("--record", action="store_true")
    options.add_argument("--newer", help="binary of a newer judge to record from as well")
    chosen = options.parse_args()
    files = script_files(chosen.paths)
    if chosen.record:
        from resp.record import record_all
        return record_all(files, chosen.newer)
    if ":" in chosen.against:
        host, port = chosen.against.rsplit(":", 1)
        return 1 if run_all(files, Target(host, int(port), is_kiln=True), None) else 0
    failures = 0
    for name in ("redis", "kiln") if chosen.against == "both" else (chosen.against,):
        with SERVERS[name]() as server:
            failed = run_all(files, Target(HOST, server.port, name == "kiln"), SERVERS[name])
        print(f"{name}: {len(files)} scripts, {failed} failed")
        failures += failed
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
