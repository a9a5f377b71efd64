#!/usr/bin/python3
"""Measures Kiln beside its peers: ./dev bench [table ...] [--quick] [--rounds N] [--list] [--check] [--record].

Without names all tables run, in about 25 minutes. Tables go to the standard output as Markdown and, at full size,
into docs/benchmarks.md; progress to the standard error.
"""

import argparse
import atexit
import os
import pathlib
import resource
import signal
import sys
import time
from typing import Callable, NamedTuple

import baseline
import cpu
import expiry
import failover
import fairness
import hit_ratio
import idle
import instructions
import load
import memory
import peers
import persistence
import replicas
import report
import service
import stalls


class Table(NamedTuple):
    name: str
    what: str
    target: str
    run: Callable


TABLES = (
    Table("instructions",
          "User-space instructions for each request (callgrind; 10 connections, pipeline 20, 100 k keys, 32 B values).",
          "GET 700, SET 900, in both protocols", instructions.table),
    Table("cpu-get", "Server CPU time for each GET (64 B values, 1 M keys, 50 connections).",
          "1.08, 1.35 and 1.5 times the no-op responder at pipeline 1, 16 and 64", cpu.table_get),
    Table("cpu-commands", "Server CPU time for each command (50 connections, pipeline 16, 64 B values).",
          "0.6 times the peer, scripts 0.5 times", cpu.table_commands),
    Table("memory",
          "Resident bytes beyond key and value (5 M keys of 16 B, values of 32 B; one round, as it does not vary), "
          "all bytes of elements (members of 20 B with scores; fields of 8 B, values of 12 B), and those of 1,000 idle "
          "connections.",
          "26 bytes a key, 60 bytes a member, a hash as in Redis, 1,024 bytes a connection", memory.table),
    Table("hit-ratio",
          "Misses at -m 64: gets of 1.6 M keys of 16 B with values of 100 B, each miss followed by a set; shares are "
          "of the misses among popular keys. Then items held after the values' size has shifted.",
          "0.9 times memcached's misses, 0.75 times with scans; 1.25 times its items", hit_ratio.table),
    Table("stalls",
          "The longest round trip of a serial probe while the keyspace grows from nothing to 10 M keys, and around "
          "the deletion of a sorted set of 2 M members.",
          "2 ms", stalls.table),
    Table("expiry", "How late keys expire: 1 M come due within 10 s among 1 M that do not.",
          "p50 50 ms, p99 1 s", expiry.table),
    Table("idle", "CPU time and wake-ups of idle servers, with two workers each, over 20 s.",
          "at most 10 wake-ups a second for each worker", idle.table),
    Table("fairness", "Round trips of 5 serial clients beside 45 clients at pipeline 64.",
          "p99.9 1 ms", fairness.table),
    Table("save", "BGSAVE of 2 M keys of 16 B with values of 64 B, and what clients and memory feel of it.",
          "0.5 times redis-server's time and CPU, p99 1.2 times that without, 3% of memory", persistence.table_save),
    Table("load", "Reading 2 M keys of 16 B with values of 64 B at the start, on two cores.",
          "2.5 times redis-server's keys a second from a snapshot, 2 times from an append-only file",
          persistence.table_load),
    Table("log", "Writing an append-only file: 64 B values, synced before each reply, and once a second.",
          "redis-server's rate under always, 1.15 times the CPU of no file under everysec", persistence.table_log),
    Table("replicas", "Server CPU time for each SET, with and without a replica (pipeline 16, 64 B values).",
          "1.15 times without", replicas.table_replicas),
    Table("sync", "A full sync of 3 M keys of 16 B with 64 B values beside writes, and how late changes arrive then.",
          "0.6 times redis-server's time, p99 1.3 times that without, 64 MB kept, 10 ms", replicas.table_sync),
    Table("failover",
          "The primary is killed while programs with different libraries append: writes acknowledged and lost, and the "
          "longest time without an acknowledgement (median and worst of 3). Three nodes each; Sentinel with a "
          "down-after-milliseconds of 1,500 (its default is 30,000), kilnd as it comes.",
          "nothing lost in mode sync, 3 s", failover.table),
    Table("service",
          "kilnd, called with boto3: caches of one node come and go, 100 are idle for 20 s, 1,000 (simulated) are "
          "listed. The worst of the values is what must reach a target.",
          "500 ms to the first PONG, 1 s to be gone, 60 s for 100 caches, 2 % of a core idle, 100 ms a page",
          service.table),
)


class Session:
    """What tables ask of a run: its sizes, its rounds, and a place for progress."""

    def __init__(self, is_quick: bool, rounds: int):
        self.is_quick, self.rounds = is_quick, rounds

    def size(self, full, quick):
        return quick if self.is_quick else full

    def say(self, text: str):
        print(f"  {text}", file=sys.stderr, flush=True)


def prepare():
    """This process, and the clients it starts, stay off the server's core; nothing else gets in their way."""
    if os.cpu_count() < 2:
        sys.exit("bench: needs two cores, one for the server and one for the load")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers are stopped on the way out
    os.sched_setaffinity(0, {int(peers.LOAD_CORE)})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -20)
        raise_session()
    except OSError:
        print("bench: not allowed to raise the priority; expect noise", file=sys.stderr)


def raise_session():
    """Where sessions share the cores evenly, a priority counts within its session only: raise this one too."""
    group = pathlib.Path("/proc/self/autogroup")
    if group.exists():
        atexit.register(group.write_text, group.read_text().split()[-1])
        group.write_text("-20")


def chosen(names) -> list:
    known = [table.name for table in TABLES]
    if unknown := set(names) - set(known):
        sys.exit(f"bench: no table {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return [table for table in TABLES if not names or table.name in names]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="table")
    parser.add_argument("--quick", action="store_true", help="small sizes, to try it out; writes no document")
    parser.add_argument("--rounds", type=int, help="how often servers take turns (5; 2 with --quick)")
    parser.add_argument("--list", action="store_true", help="name the tables")
    parser.add_argument("--check", action="store_true", help="count instructions against bench/baseline.json")
    parser.add_argument("--record", action="store_true", help="write bench/baseline.json anew")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{table.name:14}{table.what}" for table in TABLES))
        return 0
    tables = chosen(options.tables)
    prepare()
    session = Session(options.quick, options.rounds or (2 if options.quick else 5))
    if options.check or options.record:
        return (baseline.check if options.check else baseline.record)(session)
    failed = 0
    for table in tables:
        print(f"{table.name}:", file=sys.stderr, flush=True)
        started = time.monotonic()
        try:
            markdown = table.run(session)
        except (load.Failed, RuntimeError, OSError) as failure:
            print(f"bench: {table.name}: {failure}", file=sys.stderr, flush=True)
            failed += 1
            continue
        section = report.section(table, markdown, time.monotonic() - started)
        print(section, flush=True)
        if not options.quick:
            report.write({table.name: section}, [table.name for table in TABLES])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
