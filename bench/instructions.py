"""User-space instructions for each request, counted by callgrind.

Counts do not depend on what else the machine does. The server starts with counting off, is filled,
and then counts one short and one long run of the same requests: their difference holds neither the
start nor the connections, only requests.
"""

import os
import pathlib
import re
import subprocess

import cpu
import load
import peers
import summary

# valgrind keeps 12 descriptors, and lets memcached have exactly the others: its -c 2048.
CALLGRIND = ("prlimit", "--nofile=2060:2060", "valgrind", "--tool=callgrind", "--instr-atstart=no",
             "--callgrind-out-file=counts")
SHORT, LONG = 2_000, 22_000
LIMITS = {"GET": 700, "SET": 900}
PATTERNS = {"GET": cpu.GET, "SET": {"resp": cpu.SET["resp"], "memcache": "set key:{key} 0 0 32|{value}"}}


def control(server, *words):
    command = ["callgrind_control", *words, str(server.process.pid)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        raise load.Failed(f"{' '.join(command)}: no answer") from None
    if done.returncode != 0:
        raise load.Failed(f"{' '.join(command)}: {done.stdout}{done.stderr}")


def dumped(server) -> int:
    """Writes the counts since the last dump and returns their sum."""
    control(server, "-d")
    newest = max(pathlib.Path(server.directory).glob("counts.*"), key=lambda path: int(path.suffix[1:]))
    return int(re.search(r"(?m)^(?:summary|totals): (\d+)", newest.read_text())[1])


def counted(server, pattern: str, keys: int) -> float:
    """The median of three differences: memcached's own threads work for a while after it was filled."""
    def total(requests: int) -> int:
        load.run(server, pattern, requests=requests, keys=keys, connections=10, pipeline=20, value_bytes=32)
        return dumped(server)

    total(SHORT)
    return summary.median([(total(LONG) - total(SHORT)) / (LONG - SHORT) for _ in range(3)])


def table(session) -> str:
    keys = session.size(100_000, 5_000)
    rows = []
    for kind, label in ((peers.Noop, "no-op"), (peers.Redis, "redis"), (peers.Kiln, "Kiln"),
                        (peers.Memcached, "memcached"), (peers.KilnMemcached, "Kiln, memcached text")):
        session.say(f"counting {label}")
        # A process that has become another user does not answer callgrind_control.
        user = ("-u", "root") if kind.protocol == "memcache" and os.geteuid() == 0 else ()
        with kind(*user, label=label, under=CALLGRIND) as server:
            cpu.fill(server, keys, value_bytes=32)
            control(server, "-i", "on")
            found = {name: counted(server, PATTERNS[name][server.protocol], keys) for name in LIMITS}
        targets = [summary.verdict(found[name], LIMITS[name]) if label.startswith("Kiln") else "" for name in LIMITS]
        rows.append([label, *(f"{found[name]:,.0f}" for name in LIMITS), *targets])
    return summary.markdown(["server", "GET", "SET", "target GET", "target SET"], rows)
