"""A seeded differential fuzzer for memcached's binary protocol.

  python3 tests/memcache/binary_fuzzer.py --seed 1 --count 20 --commands 2000
  python3 tests/memcache/binary_fuzzer.py --ours memcached        the judge against itself

Requests go one batch at a time, each ended by a noop; every reply before it must be equal on both sides, and so must
the end of a connection. CAS numbers are taken from the server's own last reply, and compared by equality only.
"""

import argparse
import pathlib
import random
import struct
import sys
import time

if __package__ in (None, ""):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
    __package__ = "memcache"

from memcache import packets  # noqa: E402
from memcache.fuzzer import COUNT, COUNTERS, KEYS, VALUES  # noqa: E402
from memcache.packets import Binary, Closed, count, packet, store, touch  # noqa: E402
from servers import SERVERS, Memcached  # noqa: E402

BATCH = 10
# Never soon: what expires while we look would differ by luck. 0xffffffff is no sign here, but a time far away.
EXPTIMES = [0, 0, 1000, 2592000, 2592001, 4000000000, 0xffffffff]
LAST = "last"  # stands for the CAS number of the reply before
TOO_LARGE = b"z" * ((1 << 20) + 1)


def request(rng) -> tuple:
    """A function that makes a request, and its arguments; the CAS number is put in when it is sent."""
    key, opaque = rng.choice(KEYS), rng.choice([0, 0, 7, 0xfffffff0])
    more = {"opaque": opaque, "cas": rng.choice([0] * 8 + [LAST, LAST, 1])}
    quiet = "q" if rng.random() < 0.3 else ""
    kind = rng.random()
    if kind < 0.3:
        return _store(rng, key, quiet, more)
    if kind < 0.5:
        return packet, (rng.choice(["get", "getk"]) + quiet, key), {"opaque": opaque}
    if kind < 0.6:
        return touch, (rng.choice(["touch", "gat" + quiet, "gatk" + quiet]), key, rng.choice(EXPTIMES)), more
    if kind < 0.75:
        return _count(rng, key, quiet, more)
    if kind < 0.85:
        return packet, ("delete" + quiet, key), more
    if kind < 0.98:
        return packet, (rng.choice(["append", "prepend"]) + quiet, key), {**more, "value": rng.choice(VALUES)}
    return _other(rng, quiet, more)


def _store(rng, key, quiet, more) -> tuple:
    what = rng.choice(["set", "set", "add", "replace"]) + quiet
    value = rng.choice(VALUES) if rng.random() < 0.98 else TOO_LARGE
    return store, (what, key, value, rng.choice([0, 1, 0xffffffff]), rng.choice(EXPTIMES)), more


def _count(rng, key, quiet, more) -> tuple:
    """Counters never change their length, which memcached may pad or not; see fuzzer.py."""
    if rng.random() < 0.1:
        return store, ("set" + quiet, rng.choice(COUNTERS), COUNT), more
    if rng.random() < 0.1:
        return packet, ("delete" + quiet, rng.choice(COUNTERS)), more
    counter = rng.choice([*COUNTERS, *COUNTERS, key])
    exptime = rng.choice([*EXPTIMES, 0xffffffff, 0xffffffff])
    return count, (rng.choice(["incr", "decr"]) + quiet, counter, rng.choice([0, 1, 5, 100]), int(COUNT), exptime), more


def _other(rng, quiet, more) -> tuple:
    return rng.choice([
        (packet, ("flush" + quiet,), more),
        (packet, ("flush" + quiet,), {**more, "extras": struct.pack("!I", 0)}),
        (packet, ("version",), more),
        (packet, ("noop",), more),
        (packet, ("stat", rng.choice([b"bogus", b"reset", b"detail", b"detail of"])), more),
        (packet, (rng.choice([0x1b, 0x1f, 0x25, 0x30, 0x3c, 0x7f, 0xff]),), more),
        (packet, ("sasl_list",), more),
        (packet, ("sasl_start", b"PLAIN"), {**more, "value": b""}),
    ])


def disturbed(rng, made: bytes) -> bytes:
    """Now and then a request whose lengths do not fit; it is the end of the connection."""
    if rng.random() > 0.004:
        return made
    head = bytearray(made[:packets.HEADER.size])
    at, value = rng.choice([(0, 0x81), (0, 0), (2, 1), (3, 251), (4, 9), (4, 255), (11, 0), (2, 255)])
    head[at] = value
    return bytes(head) + made[len(head):] + b"\0" * 70000  # memcached looks at nothing before key and extras are there


class Side:
    """One server and its last CAS number."""

    def __init__(self, server):
        self.server, self.binary, self.cas = server, Binary(server), 1

    def made(self, call) -> bytes:
        make, arguments, more = call
        return make(*arguments, **{name: self.cas if value == LAST else value for name, value in more.items()})

    def ask(self, calls, seed: int) -> list:
        rng, told = random.Random(seed), []
        said = b"".join(disturbed(rng, self.made(call)) for call in calls)
        try:
            self.binary.send(said + packet("noop", opaque=1))
            while True:
                reply = self.binary.reply()
                if reply.opcode == packets.OPCODES["noop"] and reply.opaque == 1:
                    return told
                self.cas = reply.cas or self.cas
                told.append(reply.told())
        except (Closed, ConnectionError):
            self.binary.connection.close()
            self.binary, self.cas = Binary(self.server), 1
            return ["closed"]  # what was answered before may be lost with the connection


def session(ours, peer, seed: int, commands: int):
    """Runs one seed; returns None or a report."""
    rng, sides, history = random.Random(seed), [Side(ours), Side(peer)], []
    for side in sides:
        side.binary.ask(packet("flush"))
    for _ in range(commands // BATCH):
        calls, disturb = [request(rng) for _ in range(BATCH)], rng.getrandbits(32)
        history = (history + calls)[-2 * BATCH:]
        try:
            mine, theirs = (side.ask(calls, disturb) for side in sides)
        except OSError as error:
            return f"seed {seed}: {error!r} after {history!r}"
        if mine != theirs:
            return _report(seed, history, mine, theirs)
    return None


def _report(seed, history, mine, theirs) -> str:
    pairs = list(zip([*mine, "none"], [*theirs, "none"]))
    at = next(index for index, (one, other) in enumerate(pairs) if one != other)
    said = "\n".join(f"  {make.__name__} {str(arguments)[:80]} {str(more)[:60]}" for make, arguments, more in history)
    return f"seed {seed}: reply {at}: ours {str(pairs[at][0])[:200]}, peer {str(pairs[at][1])[:200]}; after\n{said}"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=20)
    options.add_argument("--commands", type=int, default=2000)
    options.add_argument("--ours", default="kiln-memcached", choices=("kiln-memcached", "memcached"))
    chosen = options.parse_args()
    failed, started = 0, time.monotonic()
    with SERVERS[chosen.ours]() as ours, Memcached() as peer:
        for seed in range(chosen.seed, chosen.seed + chosen.count):
            report = session(ours, peer, seed, chosen.commands)
            if report:
                failed += 1
                print(report)
    print(f"{chosen.count} sessions of {chosen.commands}, {failed} differ, {time.monotonic() - started:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
