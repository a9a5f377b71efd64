"""A seeded differential fuzzer for memcached's text protocol.

  python3 tests/memcache/fuzzer.py --seed 1 --count 20 --commands 2000
  python3 tests/memcache/fuzzer.py --ours memcached        the judge against itself

Requests go one batch at a time, each batch ended by "mn"; everything read until its MN must be equal on both sides.
CAS numbers are taken from the server's own last reply, and compared by equality only.
"""

import argparse
import pathlib
import random
import re
import sys
import time

if __package__ in (None, ""):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
    __package__ = "memcache"

from servers import SERVERS, Memcached  # noqa: E402

KEYS = [b"k%d" % number for number in range(8)] + [b"k" * 250]
HOSTILE = [b"k" * 251, b"", b"-1", b"0", b"abc", b"18446744073709551615", b"18446744073709551616", b"4294967295",
           b"2147483648", b"1.5", b" ", b"noreply", b"\x01", b"\xff"]
VALUES = [b"abc", b"", b"-", b"x" * 100, b"\x00\r\n", b"y" * 5000]
# Counters are of their own and never change their length: memcached pads a shortened number with spaces, but only when
# none of its threads holds the item just then. They stay below 2^63: above, it looks for a '-' beyond the value's end.
COUNTERS, COUNT = [b"n0", b"n1", b"n2"], b"5000000000000000000"
FLAGS = [b"0", b"1", b"42", b"65535", b"4294967295"]
BATCH = 10
LEFT = re.compile(rb" t\d+")
CAS = re.compile(rb"(VALUE \S+ \d+ \d+|(?:HD|VA \d+)(?: [^c ]\S*)* c)( ?)([1-9]\d*)")


class Difference(Exception):
    """The servers disagree."""


def exptime(rng) -> bytes:
    """Never soon: what expires while we look would differ by luck."""
    return rng.choice([b"0", b"0", b"-1", b"1000", b"2592000", b"4000000000", b"2592001"])


def request(rng, has_meta=True) -> bytes:
    key = rng.choice(KEYS)
    quiet = b" noreply" if rng.random() < 0.15 else b""
    kind = rng.random()
    if kind < 0.4:
        return _store(rng, key, quiet)
    if kind < 0.6:
        keys = b" ".join(rng.choice(KEYS) for _ in range(rng.randint(1, 4)))
        return rng.choice([b"get ", b"gets ", b"gat 1000 ", b"gats 0 "]) + keys + b"\r\n"
    if kind < 0.75:
        return _count(rng, key, quiet, has_meta)
    if kind < 0.85:
        return b"delete " + key + quiet + b"\r\n"
    if kind < 0.92:
        return b"touch " + key + b" " + exptime(rng) + quiet + b"\r\n"
    if kind < 0.98 and has_meta:
        return _meta(rng, key)
    return rng.choice([b"flush_all\r\n", b"foo\r\n", b"verbosity 1\r\n", b"\r\n", b"flush_all 1000\r\nflush_all\r\n",
                       b"lru mode segmented\r\n", b"slabs automove 1\r\n", b"lru_crawler tocrawl 0\r\n",
                       b"cache_memlimit 3\r\n", b"stats cachedump 1\r\n", b"me\r\n"])


def _count(rng, key, quiet, has_meta) -> bytes:
    counter = rng.choice([*COUNTERS, *COUNTERS, key])
    kind = rng.random()
    if kind < 0.1:
        return b"set " + rng.choice(COUNTERS) + b" 3 0 19\r\n" + COUNT + b"\r\n"
    if kind < 0.2:
        return b"get " + b" ".join(COUNTERS) + b"\r\n"
    if kind < 0.4 and has_meta:
        how = rng.choice([b"", b" v", b" D5 v", b" MD v", b" MD D7", b" N0 J" + COUNT + b" v", b" t v", b" q"])
        return b"ma " + counter + how + b"\r\n"
    return rng.choice([b"incr ", b"decr "]) + counter + b" " + rng.choice([b"0", b"1", b"5", b"100"]) + quiet + b"\r\n"


def _store(rng, key, quiet) -> bytes:
    verb = rng.choice([b"set", b"set", b"set", b"add", b"replace", b"append", b"prepend", b"cas"])
    value = rng.choice(VALUES)
    words = [verb, key, rng.choice(FLAGS), exptime(rng), b"%d" % len(value)]
    if verb == b"cas":
        words.append(rng.choice([b"@CAS@", b"@CAS@", b"1"]))
    return b" ".join(words) + quiet + b"\r\n" + value + b"\r\n"


def _meta(rng, key) -> bytes:
    value = rng.choice(VALUES)
    some = b"".join(b" " + flag for flag in (b"q", b"k", b"O7") if rng.random() < 0.3)
    return rng.choice([
        b"mg " + key + rng.choice([b"", b" v", b" v f s t", b" f k", b" k", b" v N100", b" T1000 v", b" R3000 v", b" h",
                                   b" u h v", b" T0 t", b" N0 R10 v t", b" s f v c"]) + some,
        b"mg " + _base64(rng) + rng.choice([b" b v", b" b", b" s b f v", b" v b T100 h"]) + some,
        b"md " + key + rng.choice([b"", b" I", b" I T500", b" C@CAS@", b" C1", b" C@CAS@ I"]) + some,
        b"md " + _base64(rng) + b" b" + some,
        b"ms " + _base64(rng) + b" %d" % len(value) + rng.choice([b" b", b" F9 b T900", b" ME b c", b" C@CAS@ b"])
        + some + b"\r\n" + value,
        b"ms " + key + b" %d" % len(value) + rng.choice([b" C@CAS@", b" C1 I", b" C1 I T900 c", b" C@CAS@ MR", b" C0",
                                                        b" C@CAS@ MA", b" C1 MP", b" ME c", b" MS c T60"])
        + some + b"\r\n" + value,
        b"ms " + key + b" %d" % len(value) + rng.choice([b"", b" F3", b" ME", b" MR", b" MA", b" MP", b" T1000"])
        + some + b"\r\n" + value,
    ]) + b"\r\n"


# Keys of bytes that no line could hold; no classic key is one of them.
BINARY = [b"AAEC", b"DQog", b"/wA=", b"!A+EC"]


def _base64(rng) -> bytes:
    """A key in base64, in one case of ten none."""
    return rng.choice([*BINARY[:3], *BINARY[:3], *BINARY[:3], BINARY[3]])


def disturbed(rng, said: bytes) -> bytes:
    """Now and then a hostile word in the first line."""
    if rng.random() > 0.05:
        return said
    line, rest = said.split(b"\r\n", 1)
    words = line.split(b" ")
    at = rng.randrange(len(words))
    if words[0] in (b"set", b"cas", b"add", b"replace", b"append", b"prepend", b"ms") and at in (0, 4, 2):
        return said  # a changed length turns the value into commands; the scripts look at that
    if words[0] in (b"touch", b"gat", b"gats") or at == 3:
        return said  # a changed expiry may fall due while we look
    hostile = HOSTILE
    if words[0] in (b"get", b"gets"):
        hostile = HOSTILE[1:]  # after a key too long memcached forgets the replies before it in the pipeline
    changed = words[:at] + [rng.choice(hostile)] + words[at + 1:]
    if words[0] in (b"incr", b"decr", b"ma") and at > 1:
        return said
    return b" ".join(changed) + b"\r\n" + rest


class Side:
    """One server and its last CAS number."""

    def __init__(self, server):
        self.server, self.client, self.cas = server, server.connect(), b"1"

    def ask(self, batch) -> bytes:
        said = b"".join(batch).replace(b"@CAS@", self.cas) + b"mn\r\n"
        self.client.socket.sendall(said)
        data = b""
        while not data.endswith(b"MN\r\n"):
            fresh = self.client.socket.recv(1 << 16)
            if not fresh:
                raise Difference(f"{self.server.name} closed the connection after {batch[-3:]!r}")
            data += fresh
        found = CAS.findall(data)
        self.cas = found[-1][2] if found else self.cas
        return LEFT.sub(rb" t(left)", CAS.sub(rb"\1\2(cas)", data))


def session(ours, peer, seed: int, commands: int, has_meta=True):
    """Runs one seed; returns None or a report."""
    rng = random.Random(seed)
    sides, history = [Side(ours), Side(peer)], []
    for side in sides:
        side.ask([b"flush_all\r\n"])
    for _ in range(commands // BATCH):
        batch = [disturbed(rng, request(rng, has_meta)) for _ in range(BATCH)]
        history += batch
        try:
            mine, theirs = (side.ask(batch) for side in sides)
        except (Difference, OSError) as error:
            return f"seed {seed}: {error!r}\nlast batch {batch!r}"
        if mine != theirs:
            return _report(seed, history[-20:], mine, theirs)
    return None


def _report(seed, history, mine, theirs) -> str:
    ours, peers = mine.split(b"\r\n"), theirs.split(b"\r\n")
    pairs = list(zip(ours + [b"(none)"], peers + [b"(none)"]))
    at = next(index for index, (one, other) in enumerate(pairs) if one != other)
    said = "\n".join(f"  {line[:100]!r}" for line in history)
    return f"seed {seed}: reply line {at}: ours {pairs[at][0][:200]!r}, peer {pairs[at][1][:200]!r}; after\n{said}"


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
