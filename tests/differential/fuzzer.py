"""A seeded differential fuzzer for RESP servers.

  python3 tests/differential/fuzzer.py --seed 1 --count 50 --commands 2000
  python3 tests/differential/fuzzer.py --ours redis        redis-server against itself, to test the fuzzer

Each seed is one session of so many commands to Kiln and to redis-server; replies must be equivalent, and so must the
keyspaces now and then. A difference is printed with its seed and the shortest command list that still shows it.
"""

import argparse
import collections
import contextlib
import pathlib
import sys
import time

if __package__ in (None, ""):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
    __package__ = "differential"

from differential import comparison, server_grammar  # noqa: E402
from differential.grammar import Dialogue, Speaker  # noqa: E402
from resp import patterns  # noqa: E402
from resp.quoting import quote  # noqa: E402
from resp.wire import Broken, Closed, encode, info_fields  # noqa: E402
from servers import SERVERS, Redis  # noqa: E402

BATCH = 60  # commands in flight
SNAPSHOT_EVERY = 600  # commands between comparisons of the whole keyspace
DATABASES = (0, 1)
MINIMISE_S = 30.0
TIMEOUT_S = 4.0  # silence of that length is a difference
ADMIN = ["AUTH", "default", ""]  # who may PING
END = "the replies end here"
# What a session may have changed.
SETTINGS = {"hash-max-listpack-entries": 128, "set-max-intset-entries": 512, "zset-max-listpack-value": 64,
            "slowlog-max-len": 128}
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
        self.clients = self.observers = None
        self.known = {}
        self.connect()
        fields = info_fields(self.observers[1].call("INFO", "server"))
        self.is_old = not fields["redis_version"].startswith("7.2")
        self.reset()

    def connect(self):
        self.close()
        self.clients = [server.connect(TIMEOUT_S) for server in self.servers]
        self.observers = [server.connect(TIMEOUT_S) for server in self.servers]

    def close(self):
        for client in (self.clients or []) + (self.observers or []):
            client.close()

    def reset(self):
        """Empty databases, connections as new."""
        for client in self.observers:
            client.call("SELECT", 0)
            client.call("FLUSHALL")
            client.call("FUNCTION", "FLUSH")
            client.call("SCRIPT", "FLUSH")
            users = [user for _, user in client.call("ACL", "USERS")[1] if user != b"default"]
            client.call("ACL", "DELUSER", "nobody", *users)
            client.call("CONFIG", "SET", *(word for setting in SETTINGS.items() for word in setting))
        for client in self.clients:
            client.call("RESET")
            client.call("HELLO", "3" if self.resp3 else "2")

    def knows(self, name: str) -> bool:
        """Whether both servers have the command, NAME or NAME|SUBCOMMAND; any word may follow what is no container."""
        if name not in self.known:
            self.known[name] = all(self._has(client, name) for client in self.observers)
        return self.known[name]

    @staticmethod
    def _has(client, name: str) -> bool:
        def info(words):
            reply = client.call("COMMAND", "INFO", words)[1]
            return reply[0][1] if reply else None
        command, _, subcommand = name.partition("|")
        if name == "NOSUCHCOMMAND" or not subcommand:
            return name == "NOSUCHCOMMAND" or info(command) is not None
        row = info(command)
        return row is not None and (not row[9][1] or info(name) is not None)

    def run(self, commands: list, clients=None):
        """Sends all; raises Difference at the first pair of replies that is not equivalent."""
        ours, peers = (self._replies(client, commands, server)
                       for client, server in zip(clients or self.clients, self.servers))
        queued = []
        for command, mine, theirs in zip(commands, ours, peers):
            name = comparison.name_of(command)
            if name == "EXEC" and mine[0] == theirs[0] == "*" and mine[1] and theirs[1]:
                self._check_all(queued, mine[1], theirs[1])
            else:
                self._check(command, mine, theirs)
            queued = [] if name == "MULTI" else queued + [command] * (mine == ("+", b"QUEUED"))

    def _replies(self, client, commands, server):
        with self._blaming(server, commands):
            client.send_raw(b"".join(map(encode, commands)))
            return [self._reply(client) for _ in commands]

    def _up_to_end(self, client, commands, server):
        with self._blaming(server, commands):
            client.send_raw(b"".join(map(encode, [ADMIN, *commands, ["PING", END]])))
            answers = [client.read()]
            while END not in repr(answers[-1]):
                answers.append(client.read())
            return answers

    @staticmethod
    @contextlib.contextmanager
    def _blaming(server, commands):
        """Silence, the end and nonsense are differences too."""
        try:
            yield
        except (Closed, Broken, TimeoutError) as error:
            said = "; ".join(map(show_command, commands[-3:]))
            alive = "runs" if server.is_alive() else f"has died:\n{server.log_tail()}"
            raise Difference(f"{server.name}: {error!r} in a batch ending in {said}", f"{server.name} {alive}",
                             "") from error

    @staticmethod
    def _reply(client):
        """The next reply; what is pushed in between belongs to no command."""
        while True:
            reply = client.read()
            if reply[0] != ">":
                return reply

    def converse(self, commands: list):
        """Sends all, each with any number of replies, and a PING: what comes before its reply must agree."""
        answers = [self._up_to_end(client, commands, server) for client, server in zip(self.clients, self.servers)]
        kinds = [[comparison.canonical(["DIALOGUE"], reply, self.is_old) for reply in replies] for replies in answers]
        if self.is_old:  # it sends a client what that itself publishes ahead of PUBLISH's reply
            kinds = [sorted(map(repr, replies)) for replies in kinds]
        if kinds[0] != kinds[1]:
            raise Difference("; ".join(map(show_command, commands)), *(patterns.show(("*", one)) for one in answers))

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
            for client in self.observers:
                client.call("SELECT", database)
            self.run([["KEYS", "*"]], self.observers)  # not DBSIZE: it counts what is due but not yet gone
            keys = [key for _, key in self.observers[1].call("KEYS", "*")[1]]
            for key in keys:
                kind = self.observers[1].call("TYPE", key)[1]
                checks = [["TYPE", key], ["PTTL", key], ["OBJECT", "ENCODING", key]]
                if kind in READERS:
                    name, *rest = READERS[kind]
                    checks.append([name, key, *rest])
                self.run(checks, self.observers)


def play(pair: Pair, items: list):
    """One session from empty databases; raises Difference."""
    pair.reset()
    batch, since_snapshot = [], 0
    for item in items:
        is_dialogue = isinstance(item, Dialogue)
        batch += [] if is_dialogue else item
        if len(batch) >= BATCH or is_dialogue:
            pair.run(batch)
            since_snapshot += len(batch)
            batch = []
        if is_dialogue:
            pair.converse(item)
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
    speaker = Speaker(seed, pair.knows, server_grammar.payloads(peer))
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
