"""redis-cli as a replica: it asks for a snapshot, or listens to all changes."""

import shutil
import subprocess

import pytest

from conftest import require
from replication.pair import client_of
from servers import HOST, Kiln, Redis, wait_until

LIBRARY = "#!lua name=words\nredis.register_function('say', function(keys, arguments) return arguments[1] end)"


@pytest.fixture
def kiln():
    if not shutil.which("redis-cli"):
        pytest.skip("redis-cli is not there")
    with Kiln("--repl-diskless-sync-delay", "0") as server, client_of(server) as client:
        for number in range(2000):
            client.set(f"key{number}", "v" * 100)
        client.rpush("list", 1, 2, 3)
        client.execute_command("FUNCTION", "LOAD", LIBRARY)
        yield server


def cli(server, *options):
    return subprocess.run(["redis-cli", "-h", HOST, "-p", str(server.port), *options], capture_output=True, text=True,
                          timeout=60, check=False)


def loaded(kind, path):
    """A server that starts from this file."""
    server = require(kind)("--dbfilename", "dump.rdb", "--rdb-version", "10") if kind is Kiln else require(kind)()
    enter, directory = server.start, path

    def start():
        shutil.copy(directory, server.directory / "dump.rdb")
        enter()

    server.start = start
    return server


def test_a_snapshot_can_be_fetched(kiln, tmp_path):
    with client_of(kiln) as client:
        client.config_set("rdb-version", "10")  # for redis-server 7.0
    done = cli(kiln, "--rdb", str(tmp_path / "dump"))
    assert done.returncode == 0, done
    for kind in (Kiln, Redis):
        with loaded(kind, tmp_path / "dump") as server, client_of(server) as client:
            assert client.dbsize() == 2001 and client.lrange("list", 0, -1) == [b"1", b"2", b"3"]
            assert client.fcall("say", 0, "hello") == b"hello"


def test_functions_alone_can_be_fetched(kiln, tmp_path):
    done = cli(kiln, "--functions-rdb", str(tmp_path / "dump"))
    assert done.returncode == 0, done
    assert (tmp_path / "dump").stat().st_size < 5000
    with loaded(Kiln, tmp_path / "dump") as server, client_of(server) as client:
        assert client.dbsize() == 0 and client.fcall("say", 0, "hello") == b"hello"


def test_changes_can_be_listened_to(kiln, tmp_path):
    with open(tmp_path / "said", "wb") as said:
        listener = subprocess.Popen(["redis-cli", "-h", HOST, "-p", str(kiln.port), "--replica"], stdout=said,
                                    stderr=subprocess.STDOUT)
    try:
        with client_of(kiln) as client:
            wait_until(lambda: client.info("replication")["connected_slaves"] == 1, 20, "it is a replica")
            wait_until(lambda: client.info("replication").get("slave0", {}).get("state") == "online", 20, "it listens")
            client.set("later", "value")
            client.rpush("list", 4)

            def has_heard():
                text = (tmp_path / "said").read_text()
                return '"later","value"' in text.replace('"SET",', "").replace('"set",', "") and '"list","4"' in text

            wait_until(has_heard, 20, "both changes")
    finally:
        listener.terminate()
        listener.wait()
