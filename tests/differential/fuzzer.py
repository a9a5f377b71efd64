"""A seeded differential fuzzer for RESP servers.

  python3 tests/differential/fuzzer.py --seed 1 --count 50 --commands 2000
  python3 tests/differential/fuzzer.py --ours redis        redis-server against itself, to test the fuzzer

Each seed is one session of so many commands to Kiln and to redis-server; replies must be equivalent, and so must the
keyspaces now and then. A difference is printed with its seed and the shortest command list that still shows it.
"""

import argparse
import collections
import pathlib
import sys
import time

if __package__ in (None, ""):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
    __package__ = "differential"

from differential import comparison  # noqa: E402
from differential.grammar import Speaker  # noqa: E402
from resp import patterns  # noqa: E402
from resp.quoting import quote  # noqa: E402
from resp.wire import Broken, Closed, info_fields  # noqa: E402
from servers import SERVERS, Redis  # noqa: E402

BATCH = 60  # commands in flight
SNAPSHOT_EVERY = 600  # commands between comparisons of the whole keyspace
DATABASES = (0, 1)
MINIMISE_S = 30.0
READERS = {b"string": ["GET"], b"list": ["LRANGE", 0, -1], b"hash": ["HGETALL"], b"set": ["SMEMBERS"],
           b"zset": ["ZRANGE", 0, -1, "WITHSCORES"], b"stream": ["XRANGE", "-", "+"]}


class Difference(Exception):
    """The servers disagree. `where` is the command, or what part of the keyspace."""

    def __init__(self, where: str, ours: str, peers: str):
        super().__init__(f"{where}\n  ours   {ours}\n  peer   {peers}")
        self.where = where


def show_command(command) -> str:
    return " ".join(quote(word if isinstance(word, bytes) else str(word).encode()) for word in command)


class Pair:
    """Two servers that are told the same."""

    def __init__(self, ours, peer, resp3: bool = False, encodings: bool = True):
        self.servers = (ours, peer)
        self.resp3, self.encodings = resp3, encodings
        self.warnings = collections.Counter()
        self.clients = None
        self.connect()
        fields = info_fields(self.clients[1].call("INFO", "server"))
        self.is_old = not fields["redis_version"].startswith("7.2")
        self.reset()

    def connect(self):
        self.close()
        self.clients = [server.connect() for server in self.servers]

    def close(self):
        for client in self.clients or ():
            client.close()

    def reset(self):
        """Empty databases, connections as new."""
        for client in self.clients:
            client.call("RESET")
            client.call("FLUSHALL")
            client.call("HELLO", "3" if self.resp3 else "2")

    def knows(self, name: str) -> bool:
        reply = self.clients[0].call("COMMAND", "INFO", name)
        return reply[0] == "*" and bool(reply[1]) and reply[1][0][1] is not None

    def run(self, commands: list):
        """Sends all; raises Difference at the first pair of replies that is not equivalent."""
        ours, peers = (self._replies(client, commands, server)
                       for client, server in zip(self.clients, self.servers))
        queued = []
        for command, mine, theirs in zip(commands, ours, peers):
            name = comparison.name_of(command)
            if name == "EXEC" and mine[0] == theirs[0] == "*" and mine[1] and theirs[1]:
                self._check_all(queued, mine[1], theirs[1])
            else:
                self._check(command, mine, theirs)
            queued = [] if name == "MULTI" else queued + [command] * (mine == ("+", b"QUEUED"))

    def _replies(self, client, commands, server):
        try:
            return client.pipeline(commands)
        except (Closed, Broken, TimeoutError) as error:
            said = "; ".join(map(show_command, commands[-3:]))
            alive = "runs" if server.is_alive() else f"has died:\n{server.log_tail()}"
            raise Difference(f"{server.name}: {error!r} in a batch ending in {said}", f"{server.name} {alive}",
                             "") from error

    def _check_all(self, commands, ours, peers):
        if len(ours) != len(peers):
            raise Difference("EXEC", patterns.show(("*", ours)), patterns.show(("*", peers)))
        for command, mine, theirs in zip(commands, ours, peers):
            self._check(command, mine, theirs)

    def _check(self, command, mine, theirs):
        if not comparison.is_same(command, mine, theirs, self.is_old):
            if not self.encodings and comparison.name_of(command) == "OBJECT":
                return
            raise Difference(show_command(command), patterns.show(mine)[:1500], patterns.show(theirs)[:1500])
        if comparison.texts_differ(mine, theirs):
            self.warnings[(comparison.name_of(command), mine[1][:100], theirs[1][:100])] += 1

    def compare_keyspaces(self):
        for database in DATABASES:
            for client in self.clients:
                client.call("SELECT", database)
            self.run([["KEYS", "*"]])  # not DBSIZE: it counts what is due but not yet gone
            keys = [key for _, key in self.clients[1].call("KEYS", "*")[1]]
            for key in keys:
                kind = self.clients[1].call("TYPE", key)[1]
                checks = [["TYPE", key], ["PTTL", key], ["OBJECT", "ENCODING", key]]
                if kind in READERS:
                    name, *rest = READERS[kind]
                    checks.append([name, key, *rest])
                self.run(checks)
        for client in self.clients:
            client.call("SELECT", 0)


def play(pair: Pair, items: list):
    """One session from empty databases; raises Difference."""
    pair.reset()
    batch, since_snapshot = [], 0
    for item in items:
        batch += item
        if len(batch) >= BATCH:
            pair.run(batch)
            since_snapshot += len(batch)
            batch = []
        if since_snapshot >= SNAPSHOT_EVERY:
            pair.compare_keyspaces()
            since_snapshot = 0
    pair.run(batch)
    pair.compare_keyspaces()


def difference_of(pair: Pair, items: list):
    try:
        pair.connect()
        play(pair, items)
    except Difference as difference:
        return difference
    return None


def minimised(pair: Pair, items: list, difference: Difference):
    """Leaves out ever smaller runs of items while a difference remains."""
    deadline = time.monotonic() + MINIMISE_S
    size = max(1, len(items) // 2)
    while size and time.monotonic() < deadline:
        at = 0
        while at < len(items) and time.monotonic() < deadline:
            shorter = items[:at] + items[at + size:]
            found = difference_of(pair, shorter)
            if found and all(server.is_alive() for server in pair.servers):
                items, difference = shorter, found
            else:
                at += size
        size //= 2
    return items, difference


def session(ours, peer, seed: int, commands: int, encodings: bool = True):
    """Runs one seed. Returns None or a report of the difference, and the warnings."""
    pair = Pair(ours, peer, resp3=seed % 2 == 1, encodings=encodings)
    speaker = Speaker(seed, pair.knows)
    items = [speaker.item() for _ in range(commands)]
    report = None
    difference = difference_of(pair, items)
    if difference:
        if ours.is_alive() and peer.is_alive():
            items, difference = minimised(pair, items, difference)
        lines = [show_command(command) for item in items[-200:] for command in item]
        report = "\n".join([f"seed {seed} ({'RESP3' if pair.resp3 else 'RESP2'}): {difference}", "after", *lines])
    pair.close()
    return report, pair.warnings


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=20, help="sessions, each with the next seed")
    options.add_argument("--commands", type=int, default=2000, help="commands in a session")
    options.add_argument("--ours", default="kiln", choices=("kiln", "redis"))
    options.add_argument("--no-encodings", action="store_true", help="OBJECT ENCODING may differ")
    options.add_argument("--keep-going", action="store_true", help="do not stop at the first difference")
    chosen = options.parse_args()
    warnings, failed, started = collections.Counter(), 0, time.monotonic()
    with SERVERS[chosen.ours]() as ours, Redis() as peer:
        for seed in range(chosen.seed, chosen.seed + chosen.count):
            report, found = session(ours, peer, seed, chosen.commands, not chosen.no_encodings)
            warnings += found
            if report:
                failed += 1
                print(report)
                if not chosen.keep_going or not ours.is_alive():
                    break
    for (name, mine, theirs), times in warnings.most_common(50):
        print(f"warning: {name}: {times} times ours {mine!r}, peer {theirs!r}")
    print(f"{chosen.count} sessions of {chosen.commands} from seed {chosen.seed}, {failed} differ, "
          f"{time.monotonic() - started:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
