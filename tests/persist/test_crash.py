"""After every call that a server makes on its disk, the power fails: what is there then is a moment of its history.

A session is recorded with all that the disk was told. From each moment of it the folders are made that may be there
after the process was killed, or after the power failed (crash.py), and a server is started with each.
KILN_SEEDS=200: with each as a whole; otherwise with each that differs in the files that are read.
"""

import concurrent.futures
import os

import pytest

from persist.crash import Disk
from persist.faults import FaultyKiln
from persist.node import info, kill
from resp.wire import encode
from servers import Kiln, wait_until

FOLDER = "appendonlydir/"
MANIFEST = FOLDER + "appendonly.aof.manifest"
IS_THOROUGH = int(os.environ.get("KILN_SEEDS", "0")) >= 200


def change(client, i):
    """The i-th change of the session, as one; no two states of it are the same."""
    kinds = [lambda: client.call("SET", f"key{i}", "v" * (i * 7 % 50)),
             lambda: client.call("RPUSH", "list", i, "x" * i),
             lambda: client.pipeline([["MULTI"], ["INCR", "n"], ["HSET", "hash", f"f{i}", i], ["EXEC"]]),
             lambda: client.pipeline([["MULTI"], ["DEL", f"key{i - 3}"], ["SADD", "set", i], ["EXEC"]])]
    kinds[i % len(kinds)]()


class Session:
    """Records one; `digests` are those of its states, from before the first change on."""

    def __init__(self, policy, count, own, is_on_at_first=True):
        self.policy, self.own, self.is_on_at_first = policy, own, is_on_at_first
        options = ["--appendonly", "yes" if is_on_at_first else "no"]
        options += ["--appendfsync", policy, "--io-threads", "1", *own]
        options += ["--rdb-key-save-delay", "400"]
        with FaultyKiln(*options, traces=True) as server, server.connect() as client:
            self.server, self.client = server, client
            self.digests = [self.digest()]
            server.mark("done 0")
            for i in range(1, count + 1):
                syncs = server.faults.get("syncs")
                self.change(i)
                if i == count // 3:
                    begin = ["BGREWRITEAOF"] if is_on_at_first else ["CONFIG", "SET", "appendonly", "yes"]
                    self.during(begin, "aof_rewrite_in_progress", range(count + 1, count + 6))
                if i == count * 2 // 3:
                    self.during(["BGSAVE"], "rdb_bgsave_in_progress", range(count + 6, count + 9))
                if policy == "everysec" and (is_on_at_first or i > count // 3) and i % (count // 3) == 3:
                    self.wait_for_sync(syncs)
            kill(server)
            self.trace = list(server.trace())
        assert len(set(self.digests)) == len(self.digests)

    def digest(self):
        return self.client.call("DEBUG", "DIGEST")[1]

    def change(self, i):
        change(self.client, i)
        self.digests.append(self.digest())
        self.server.mark(f"done {len(self.digests) - 1}")

    def during(self, command, field, changes):
        begun = len(self.digests) - 1
        assert self.client.call(*command)[0] == "+"
        for i in changes:
            self.change(i)
        wait_until(lambda: info(self.client, field) == "0")
        self.server.mark(f"{command[0]} {begun}")

    def wait_for_sync(self, count):
        faults = self.server.faults
        wait_until(lambda: faults.get("syncs") > count and faults.get("syncs_done") == faults.get("syncs"))

    def moments(self):
        """(the disk, changes acknowledged, changes that are safe, the snapshot's, the descriptor written to)."""
        disk = Disk()
        told = safe = saved = -1
        counts = self.is_on_at_first
        safe_soon = {}
        increments = []  # the files
        for op, fd, number, name, data in self.trace:
            if op == "!":
                word, value = data.decode().split()
                if word == "done":
                    told = int(value)
                elif word == "BGSAVE":
                    saved = int(value)
                elif word == "CONFIG":
                    counts = True
                continue
            disk.apply(op, fd, number, name, data)
            if op == "o" and ".incr." in name:
                increments.append(disk.open[fd])
            elif op == "s":
                synced = disk.open[fd]
                is_all = synced in increments and not any(file.pending for file in increments if file is not synced)
                safe_soon[fd] = told if is_all else -1
            elif op == "S":
                safe = max(safe, safe_soon[fd])
            after_loss = told if self.policy == "always" else safe
            yield disk, told if counts else -1, after_loss if counts else -1, saved, fd if op in "wp" else None


def files_read(state, names):
    if names == "rdb":
        return {name: content for name, content in state.items() if name == "dump.rdb"}
    wanted = {FOLDER + line.split()[1] for line in state.get(MANIFEST, b"").decode().splitlines()} | {MANIFEST}
    return {name: content for name, content in state.items() if name in wanted}


class States:
    """The different folders, and which change at least each must have."""

    def __init__(self, names):
        self.names = names
        self.least = {}

    def add(self, state, least):
        files = state if IS_THOROUGH else files_read(state, self.names)
        key = tuple(sorted(files.items()))
        self.least[key] = max(self.least.get(key, -1), least)


def states_of(session, names):
    states = States(names)
    for disk, told, safe, saved, written in session.moments():
        after_kill, after_loss = (saved, saved) if names == "rdb" else (told, safe)
        states.add(disk.as_it_is(), after_kill)
        if written is not None:
            states.add(disk.half_written(written), after_kill)
        for state in disk.after_power_loss():
            states.add(state, after_loss)
    return states.least


def digest_of(server):
    with server.connect() as client:
        return client.call("DEBUG", "DIGEST")[1]


def load(files, appendonly, own, goes_on):
    """The digest after a start with these files. `goes_on`: what is changed then is there after the next start."""
    with Kiln("--appendonly", "no", "--io-threads", "1") as server:
        kill(server)
        server.options = ["--appendonly", appendonly, "--io-threads", "1", *own]
        for name, content in files:
            path = server.directory / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        try:
            server.start()
        except RuntimeError as error:
            return str(error)
        digest = digest_of(server)
        if goes_on:
            with server.connect() as client:
                client.pipeline([["SET", "after", "1"], ["BGREWRITEAOF"], ["SET", "after", "2"]])
            before = digest_of(server)
            kill(server)
            server.start()
            assert digest_of(server) == before, (files, server.log_tail())
        kill(server)
        return digest


def check(session, names, appendonly):
    states = states_of(session, names)
    empty = b"0" * 40
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        goes_on = [appendonly == "yes" and (IS_THOROUGH or i % 5 == 0) for i in range(len(states))]
        found = pool.map(load, states, [appendonly] * len(states), [session.own] * len(states), goes_on)
        for (files, least), digest in zip(states.items(), found):
            listing = {name: len(content) for name, content in files}
            assert digest in session.digests or digest == empty, (listing, least, digest)
            index = session.digests.index(digest) if digest in session.digests else -1
            assert index >= least, (listing, least, index)
    return len(states)


@pytest.mark.parametrize("kind", ["plain", "encrypted"])
@pytest.mark.parametrize("policy, count", [("always", 24), ("everysec", 24)])
def test_whenever_it_ends_the_files_are_a_moment_of_history_with_all_that_was_promised(policy, count, kind, tmp_path):
    key = tmp_path / "key"
    key.write_text("3c" * 32)
    key.chmod(0o600)
    session = Session(policy, count, ["--at-rest-key-file", str(key)] if kind == "encrypted" else [])
    assert check(session, "aof", "yes") > count
    assert check(session, "rdb", "no") > 1


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_turned_on_at_run_time_all_is_there_from_the_first_base_on(policy):
    session = Session(policy, 12, [], is_on_at_first=False)
    assert check(session, "aof", "yes") > 12


def test_the_single_file_of_older_versions_is_not_lost_while_it_is_adopted():
    old = b"".join(encode(["SET", f"key{i}", i]) for i in range(5))
    with FaultyKiln("--appendonly", "no", traces=True) as server:
        kill(server)
        (server.own / "trace").write_bytes(b"")
        (server.directory / "appendonly.aof").write_bytes(old)
        server.options[1] = "yes"
        server.start()
        expected = digest_of(server)
        kill(server)
        trace = list(server.trace())
    disk = Disk()
    disk.add("appendonly.aof", old)
    states = set()
    for record in trace:
        disk.apply(*record)
        for state in [disk.as_it_is(), *disk.after_power_loss()]:
            states.add(tuple(sorted(state.items())))
    for files in states:
        assert load(files, "yes", [], False) == expected, {name: len(content) for name, content in files}
