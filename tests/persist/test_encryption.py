"""Snapshots and append-only files at rest: nothing of them can be read without the key, all with it."""

import os
import pathlib
import signal
import subprocess

import pytest

from servers import Kiln, kiln_binary, wait_until

SECRET = "plaintext-that-nobody-is-to-read"
OLD_KEY = "0f" * 32
NEW_KEY = "a5" * 32


@pytest.fixture
def keys(tmp_path):
    """Key files by name."""
    paths = {}
    for name, digits in (("old", OLD_KEY), ("new", NEW_KEY)):
        paths[name] = tmp_path / f"{name}.key"
        paths[name].write_text(digits + "\n")
        paths[name].chmod(0o600)
    return {name: str(path) for name, path in paths.items()}


def kill(server):
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.log.close()


def fill(client, count=200):
    for i in range(count):
        client.pipeline([["SET", f"key-{SECRET}-{i}", f"value-{SECRET}-{i}"], ["RPUSH", "list", f"{SECRET}{i}"],
                         ["INCR", "counter"]])


def digest(server):
    with server.connect() as client:
        return client.call("DEBUG", "DIGEST")[1]


def is_over(client, field):
    text = client.call("INFO", "persistence")[1].decode()
    return f"{field}:0\r\n" in text


def data_files(server):
    """The snapshot, and all append-only files but the manifest, that hold anything."""
    folder = pathlib.Path(server.directory)
    files = [*folder.glob("*.rdb"), *folder.glob("appendonlydir/*.rdb"), *folder.glob("appendonlydir/*.aof")]
    return [path for path in files if path.stat().st_size > 0]


def assert_encrypted(server):
    files = data_files(server)
    assert files
    for path in files:
        content = path.read_bytes()
        assert content.startswith(b"KILNSEC1"), path
        for text in (SECRET, "RPUSH", "REDIS", "redis-ver", OLD_KEY):
            assert text.encode() not in content, (path, text)
        assert bytes.fromhex(OLD_KEY) not in content


def refusal(server):
    """What the log says of a start that is refused."""
    start = (pathlib.Path(server.directory) / "log").stat().st_size
    with pytest.raises(RuntimeError):
        server.start()
    return (pathlib.Path(server.directory) / "log").read_text()[start:]


def test_snapshots_come_back_with_the_key_alone(keys):
    with Kiln("--at-rest-key-file", keys["old"]) as server:
        with server.connect() as client:
            fill(client)
            before = digest(server)
            assert client.call("BGSAVE")[0] == "+"
            wait_until(lambda: is_over(client, "rdb_bgsave_in_progress"))
            assert client.call("DEBUG", "RELOAD")[0] == "+"
            assert digest(server) == before
        assert_encrypted(server)
        kill(server)
        server.start()
        assert digest(server) == before
        kill(server)
        server.options = ["--at-rest-key-file", keys["new"]]
        assert "Wrong key" in refusal(server)
        server.options = []
        assert "no key was given" in refusal(server)
        server.options = ["--at-rest-key-command", f"cat '{keys['old']}'"]
        server.start()
        assert digest(server) == before


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_append_only_files_come_back_with_the_key_alone(keys, policy):
    options = ["--appendonly", "yes", "--appendfsync", policy]
    with Kiln(*options, "--at-rest-key-file", keys["old"]) as server:
        for turn in range(3):
            with server.connect() as client:
                fill(client)
                if turn == 1:
                    assert client.call("BGREWRITEAOF")[0] == "+"
                    fill(client)
                    wait_until(lambda: is_over(client, "aof_rewrite_in_progress"))
            before = digest(server)
            assert_encrypted(server)
            kill(server)
            server.start()
            assert digest(server) == before, server.log_tail()
        kill(server)
        server.options = [*options, "--at-rest-key-file", keys["new"]]
        assert "Wrong key" in refusal(server)
        server.options = options
        assert "no key was given" in refusal(server)


@pytest.mark.parametrize("size", [1, 300_000])  # in one chunk, or in several: half a command is left
def test_what_was_cut_off_is_the_end_alone(keys, size):
    with Kiln("--appendonly", "yes", "--at-rest-key-file", keys["old"]) as server:
        with server.connect() as client:
            fill(client, 50)
            whole = digest(server)
            client.call("SET", "last", "x" * size)
        kill(server)
        path = next(path for path in data_files(server) if ".incr." in path.name)
        os.truncate(path, path.stat().st_size - 1)
        server.start()
        assert digest(server) == whole, server.log_tail()
        with server.connect() as client:
            client.call("SET", "last", "y")
        before = digest(server)
        kill(server)
        server.start()
        assert digest(server) == before
        kill(server)
        content = bytearray(path.read_bytes())
        content[len(content) // 2 + 4096] ^= 1
        path.write_bytes(content)
        assert "damaged" in refusal(server)


def test_a_damaged_snapshot_is_refused(keys):
    with Kiln("--at-rest-key-file", keys["old"]) as server:
        with server.connect() as client:
            fill(client)
            assert client.call("SAVE")[0] == "+"
        kill(server)
        path = pathlib.Path(server.directory) / "dump.rdb"
        content = path.read_bytes()
        for damaged in (content[:-1], content[:-30] + bytes([content[-30] ^ 4]) + content[-29:]):
            path.write_bytes(damaged)
            assert "The encrypted file is" in refusal(server)
        path.write_bytes(content)
        server.start()


@pytest.mark.parametrize("appendonly", ["no", "yes"])
def test_a_new_key_wraps_the_data_keys_at_the_start(keys, appendonly):
    options = ["--appendonly", appendonly]
    with Kiln(*options, "--at-rest-key-file", keys["old"]) as server:
        with server.connect() as client:
            fill(client)
            client.call("SAVE")
        before = digest(server)
        kill(server)
        contents = {path: path.read_bytes()[8192:] for path in data_files(server)}
        server.options = [*options, "--at-rest-key-file", keys["new"], "--at-rest-old-key-file", keys["old"]]
        server.start()
        kill(server)
        assert {path: path.read_bytes()[8192:] for path in contents} == contents
        server.options = [*options, "--at-rest-key-file", keys["new"]]
        server.start()
        assert digest(server) == before
        kill(server)
        server.options = [*options, "--at-rest-key-file", keys["old"]]
        assert "Wrong key" in refusal(server)


def test_plain_files_are_read_and_written_encrypted(keys):
    with Kiln("--appendonly", "yes") as server:
        with server.connect() as client:
            fill(client)
        before = digest(server)
        kill(server)
        server.options += ["--at-rest-key-file", keys["old"]]
        server.start()
        assert digest(server) == before
        with server.connect() as client:
            wait_until(lambda: all(path.read_bytes().startswith(b"KILNSEC1") for path in data_files(server)))
            fill(client)
        before = digest(server)
        assert_encrypted(server)
        kill(server)
        server.start()
        assert digest(server) == before


def test_keys_that_cannot_be_used_refuse_the_start(keys):
    os.chmod(keys["old"], 0o644)
    with Kiln() as server:
        kill(server)
        for option, value, message in (("--at-rest-key-file", keys["old"], "others may read"),
                                       ("--at-rest-key-file", "/no/such/key", "No such file"),
                                       ("--at-rest-key-command", "false", "status 1"),
                                       ("--at-rest-key-command", "echo short", "64 hexadecimal digits")):
            server.options = [option, value]
            assert message in refusal(server)
        server.options = []
        server.start()


def test_kiln_check_reads_with_the_key_and_changes_it(keys):
    with Kiln("--at-rest-key-file", keys["old"]) as server:
        with server.connect() as client:
            fill(client)
            client.call("SAVE")
        path = str(pathlib.Path(server.directory) / "dump.rdb")

        def check(*words):
            return subprocess.run([kiln_binary("kiln-check"), *words], capture_output=True, text=True, check=False)

        assert check("--key-file", keys["old"], path).returncode == 0
        assert "no key was given" in check(path).stdout
        assert "Wrong key" in check("--key-file", keys["new"], path).stdout
        assert check("--rewrap", keys["old"], keys["new"], path).returncode == 0
        assert check("--key-file", keys["new"], path).returncode == 0
        wrong = check("--key-file", keys["old"], path)
        assert wrong.returncode == 1 and "Wrong key" in wrong.stdout
