"""Killed at each step of a save, of a rewrite and of the change of manifests, a server loses nothing it acknowledged.

A step is a call that changes a file or syncs it; the server is killed before it, in the middle of what it writes, or
after it. KILN_SEEDS (20): so many times while others write, at a step and with options that the seed chooses.
"""

import os
import random

import pytest

from persist.faults import FaultyKiln
from persist.node import Writer, digest, fill, info, kill
from resp.wire import Closed
from servers import wait_until

SEEDS = int(os.environ.get("KILN_SEEDS", "20"))
FIELDS = {"BGREWRITEAOF": "aof_rewrite_in_progress", "BGSAVE": "rdb_bgsave_in_progress"}


def begin(server, command):
    """True when the server lived through it."""
    try:
        with server.connect() as client:
            client.call(command)
            wait_until(lambda: info(client, FIELDS[command]) == "0")
            return True
    except (Closed, OSError):
        return False


def start_again(server):
    server.process.wait()
    kill(server)
    server.faults.clear()
    server.start()


@pytest.mark.parametrize("halfway", [0, 1, 2])
@pytest.mark.parametrize("command", list(FIELDS))
def test_killed_at_each_step_the_state_before_and_what_follows_are_there(command, halfway):
    options = ["--appendonly", "yes" if command == "BGREWRITEAOF" else "no", "--io-threads", "1"]
    with FaultyKiln(*options) as server:
        with server.connect() as client:
            fill(client, 3)
            before = digest(client)
            client.call("SAVE")
        server.stop()
        server.start()
        for step in range(1, 1000):
            server.faults.set(kill_at_step=server.faults.get("steps") + step, kill_halfway=halfway)
            lived = begin(server, command)
            if not lived:
                start_again(server)
            with server.connect() as client:
                assert digest(client) == before, (step, server.log_tail())
                if lived:
                    assert step > 10
                    break
                if command == "BGREWRITEAOF":
                    client.call("INCR", "counter")
                    before = digest(client)
            if not lived:
                kill(server)
                server.start()


def options_of(chance, tmp_path):
    options = ["--appendonly", "yes", "--io-threads", "2", "--appendfsync", chance.choice(["always", "everysec", "no"]),
               "--rdb-key-save-delay", str(chance.choice([0, 0, 20, 200]))]
    if chance.random() < 0.3:
        key = tmp_path / "key"
        key.write_text("5e" * 32)
        key.chmod(0o600)
        options += ["--at-rest-key-file", str(key)]
    return options


def run_until_killed(server, chance):
    writers = [Writer(server, number) for number in range(3)]
    for writer in writers:
        writer.start()
    wait_until(lambda: all(writer.told > 20 for writer in writers))
    steps = server.faults.get("steps")
    server.faults.set(kill_at_step=steps + chance.randint(1, 250), kill_halfway=chance.randint(0, 2))
    while server.is_alive():
        if not begin(server, chance.choice(list(FIELDS))):
            break
    server.process.wait()
    for writer in writers:
        writer.join()
    return writers


@pytest.mark.parametrize("seed", range(SEEDS))
def test_killed_while_others_write_what_they_were_told_is_there(seed, tmp_path):
    chance = random.Random(seed)
    with FaultyKiln(*options_of(chance, tmp_path)) as server:
        with server.connect() as client:
            fill(client, 20)
        for _ in range(3):
            writers = run_until_killed(server, chance)
            start_again(server)
            with server.connect() as client:
                for writer in writers:
                    names = [f"first{writer.number}", f"second{writer.number}"]
                    first, second = (int(client.call("GET", name)[1]) for name in names)
                    assert first >= second >= writer.told and first - second <= 1, server.log_tail()
                    client.pipeline([["DEL", name] for name in names])
                assert client.call("GET", "counter")[1] == b"20"
                assert client.call("HLEN", "hash1") == (":", 3)
            folder = server.directory / "appendonlydir"
            assert not [*server.directory.glob("temp-*"), *folder.glob("temp-*"), *folder.glob("*manifest.*")]
