"""docs/benchmarks.md: the last outcome of each table, the machine, and how to repeat it."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

import peers

PATH = peers.ROOT / "docs" / "benchmarks.md"
INTRODUCTION = """\
# Benchmarks

Written by `./dev bench`; run it to repeat them, `./dev bench --list` for the tables, `./dev bench --quick` to
try it out. Each table sets Kiln beside its peers in one run, rounds taking turns: the server on core 0, the load on
core 1, over loopback TCP, without persistence, Kiln with one worker unless said. A ratio is the median of its
rounds, with the smallest and the largest in brackets. The machine should have nothing else to do.
"""


def _output(*command) -> str:
    return subprocess.run(command, capture_output=True, text=True, cwd=peers.ROOT).stdout.strip()


def machine() -> str:
    """The machine in words; no host name, no path."""
    cpu = re.search(r"(?m)^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text())
    memory_kb = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    system = re.search(r'(?m)^PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())
    redis = re.search(r"v=(\S+)", _output("redis-server", "--version"))
    memcached = re.search(r"memcached (\S+)", _output("memcached", "--version"))
    return (f"{cpu[1].strip() if cpu else platform.machine()}, {os.cpu_count()} cores, "
            f"{int(memory_kb[1]) / 2**20:.0f} GiB, Linux {platform.release().split('-')[0]}, "
            f"{system[1] if system else ''}; redis-server {redis[1]}, memcached {memcached[1]}")


def section(table, markdown: str, seconds: float) -> str:
    commit = _output("git", "rev-parse", "--short", "HEAD") or "unknown"
    changed = ", changed" if _output("git", "status", "--porcelain", "--", "src", "bench") else ""
    day = datetime.date.today().isoformat()
    return (f"## {table.name}\n\n{table.what}\n\nTarget: {table.target}.\n\n{markdown}\n\n"
            f"Measured {day} at {commit}{changed} in {seconds:.0f} s on: {machine()}.\n")


def merged(text: str, sections: dict, order) -> str:
    """The document with fresh sections in place of those of the same name; unknown ones go."""
    kept = {part.split("\n", 1)[0]: "## " + part for part in re.split(r"(?m)^## ", text)[1:]}
    kept.update(sections)
    return "\n".join([INTRODUCTION, *(kept[name].rstrip("\n") + "\n" for name in order if name in kept)])


def write(sections: dict, order):
    text = PATH.read_text() if PATH.exists() else ""
    PATH.write_text(merged(text, sections, order))
