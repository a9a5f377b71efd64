"""kiln-check finds what is damaged, says where, and cuts off what can be cut off."""

import random
import shutil
import subprocess

import pytest

from persist.node import fill, info, kill
from resp.wire import encode
from servers import Kiln, kiln_binary, wait_until

MANIFEST = "appendonly.aof.manifest"


def check(*words, answer=None):
    """(exit status, what it said)."""
    done = subprocess.run([kiln_binary("kiln-check"), *map(str, words)], capture_output=True, text=True, input=answer,
                          errors="replace", check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module", params=["plain", "encrypted"])
def original(request, tmp_path_factory):
    """(options of kiln-check, a folder of append-only files with two increments and a snapshot beside it)."""
    home = tmp_path_factory.mktemp("node")
    key = home / "key"
    key.write_text("7a" * 32)
    key.chmod(0o600)
    own = ["--at-rest-key-file", str(key)] if request.param == "encrypted" else []
    with Kiln("--appendonly", "yes", "--io-threads", "1", *own) as server:
        with server.connect() as client:
            fill(client, 5)
            client.call("BGREWRITEAOF")
            wait_until(lambda: info(client, "aof_rewrite_in_progress") == "0")
            fill(client, 20)
            client.call("CONFIG", "SET", "rdb-key-save-delay", "10000000")
            client.call("BGREWRITEAOF")
            client.call("CONFIG", "SET", "rdb-key-save-delay", "0")
            for word in ("one", "two", "three"):
                client.pipeline([["MULTI"], ["SET", word, "x" * 100], ["INCR", "counter"], ["EXEC"]])
            kill(server)  # in the middle of the rewrite
        server.options[1] = "no"
        server.start()
        with server.connect() as client:
            fill(client, 20)
            client.call("SAVE")
        kill(server)
        shutil.copytree(server.directory / "appendonlydir", home / "appendonlydir")
        shutil.copy(server.directory / "dump.rdb", home)
    return (["--key-file", key] if own else []), home


@pytest.fixture
def node(original, tmp_path):
    """The same, to be damaged."""
    options, home = original
    shutil.copytree(home, tmp_path / "node")
    return options, tmp_path / "node"


def increments(folder):
    paths = [folder / line.split()[1] for line in (folder / MANIFEST).read_text().splitlines() if " type i" in line]
    assert len(paths) == 2
    return paths


def is_accepted(options, folder):
    """Whether a server starts with the files as they are."""
    own = ["--at-rest-key-file", str(options[1])] if options else []
    with Kiln("--appendonly", "no", *own) as server:
        kill(server)
        shutil.copytree(folder, server.directory / "appendonlydir")
        server.options[1:2] = ["yes", "--aof-load-truncated", "no"]
        try:
            server.start()
        except RuntimeError:
            server.log.close()
            return False
        return True


@pytest.mark.parametrize("name", ["appendonlydir", "appendonlydir/" + MANIFEST, "dump.rdb"])
def test_whole_files_are_fine(node, name):
    options, home = node
    status, text = check(*options, home / name)
    assert status == 0 and "fine" in text or "looks OK" in text, text
    if options:
        status, text = check(home / name)
        assert status == 1 and "no key was given" in text


def test_each_append_only_file_can_be_looked_at_alone(node):
    options, home = node
    for line in (home / "appendonlydir" / MANIFEST).read_text().splitlines():
        assert check(*options, home / "appendonlydir" / line.split()[1])[0] == 0
    assert "commands read" in check(*options, increments(home / "appendonlydir")[1])[1]


def test_the_end_is_cut_off_when_that_is_wanted(node):
    options, home = node
    last = increments(home / "appendonlydir")[1]
    whole = last.read_bytes()
    last.write_bytes(whole[:-10])
    assert not is_accepted(options, home / "appendonlydir")
    status, text = check(*options, home / "appendonlydir")
    assert status == 1 and "The file ends" in text and "--fix" in text, text
    assert check(*options, "--fix", home / "appendonlydir", answer="n\n")[0] == 1
    assert last.read_bytes() == whole[:-10]
    status, text = check(*options, "--fix", home / "appendonlydir", answer="y\n")
    assert status == 0 and "was cut off" in text, text
    assert check(*options, home / "appendonlydir")[0] == 0
    assert is_accepted(options, home / "appendonlydir")


def test_damage_is_cut_off_with_all_that_comes_behind_it(node):
    options, home = node
    last = increments(home / "appendonlydir")[1]
    content = bytearray(last.read_bytes())
    at = content.index(b"two") - 40 if not options else len(content) - 300
    content[at:at + 20] = b"?" * 20
    last.write_bytes(content)
    status, text = check(*options, home / "appendonlydir")
    assert status == 1 and "all that comes behind it" in text, text
    assert not is_accepted(options, home / "appendonlydir")
    assert check(*options, "--fix", "--yes", home / "appendonlydir")[0] == 0
    assert 0 < last.stat().st_size < len(content)
    assert is_accepted(options, home / "appendonlydir")


def test_only_the_last_file_is_cut_off(node):
    options, home = node
    first, last = increments(home / "appendonlydir")
    first.write_bytes(first.read_bytes()[:-10])
    last.write_bytes(last.read_bytes()[:-10])
    contents = first.read_bytes(), last.read_bytes()
    status, text = check(*options, "--fix", "--yes", home / "appendonlydir")
    assert status == 1 and "other files follow on it" in text
    assert (first.read_bytes(), last.read_bytes()) == contents


def test_what_cannot_be_repaired_is_left_alone(node):
    options, home = node
    path = home / "dump.rdb"
    path.write_bytes(path.read_bytes()[:-1])
    status, text = check(*options, "--fix", "--yes", path)
    assert status == 1 and "cannot be repaired" in text
    path = home / "appendonlydir" / MANIFEST
    path.write_text(path.read_text() + "nonsense\n")
    status, text = check(*options, "--fix", "--yes", home / "appendonlydir")
    assert status == 1 and "[line 4]" in text and "cannot be repaired" in text
    path.unlink()
    assert "no manifest" in check(home / "appendonlydir")[1]
    assert check(home / "nothing")[0] == 1


def test_every_flipped_bit_is_found(node):
    options, home = node
    chance = random.Random(1)
    header = 8192 if options else 0  # of which one of two copies is enough
    paths = [home / "dump.rdb", *(home / "appendonlydir").glob("*.base.rdb")]
    if options:
        paths += increments(home / "appendonlydir")
    for path in paths:
        content = path.read_bytes()
        for at in chance.sample(range(header, len(content)), min(60, len(content) - header)):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1:])
            assert check(*options, path)[0] == 1, (path.name, at)
        path.write_bytes(content)
        assert check(*options, path)[0] == 0


def test_commands_behind_a_snapshot_are_looked_at(tmp_path):
    with Kiln() as server, server.connect() as client:
        client.call("SET", "a", "1")
        client.call("SAVE")
        snapshot = (server.directory / "dump.rdb").read_bytes()
    path = tmp_path / "appendonly.aof"
    commands = encode(["SELECT", "0"]) + encode(["SET", "b", "2"])
    path.write_bytes(snapshot + commands)
    status, text = check(path)
    assert status == 0 and "2 commands read" in text
    path.write_bytes(snapshot + commands[:-1])
    assert check(path)[0] == 1
    assert check("--fix", "--yes", path)[0] == 0
    assert path.read_bytes() == snapshot + encode(["SELECT", "0"])
    with Kiln("--appendonly", "no") as server:
        kill(server)
        shutil.copy(path, server.directory)
        server.options[1] = "yes"
        server.start()
        with server.connect() as client:
            assert client.call("GET", "a") == ("$", b"1")


def test_what_came_after_a_time_is_cut_off(tmp_path):
    path = tmp_path / "log.aof"
    parts = [f"#TS:{100 + i}\r\n".encode() + encode(["SET", f"key{i}", i]) for i in range(5)]
    path.write_bytes(b"".join(parts))
    assert check("--until", "104", path)[0] == 0
    assert check("--until", "102", path, answer="n\n")[0] == 1
    assert path.read_bytes() == b"".join(parts)
    assert check("--until", "102", "--yes", path)[0] == 0
    assert path.read_bytes() == b"".join(parts[:3])


def test_a_server_writes_the_time_and_reads_over_it():
    with Kiln("--appendonly", "yes", "--aof-timestamp-enabled", "yes") as server:
        with server.connect() as client:
            fill(client, 3)
        kill(server)
        path = server.directory / "appendonlydir" / "appendonly.aof.1.incr.aof"
        assert path.read_bytes().startswith(b"#TS:")
        assert check(path)[0] == 0
        server.start()
        with server.connect() as client:
            assert client.call("GET", "counter") == ("$", b"3")


@pytest.mark.parametrize("words", [[], ["--fix"], ["--until", "soon", "x"], ["--nonsense", "x"], ["--rewrap", "x"]])
def test_a_command_line_that_makes_no_sense_is_answered_with_the_usage(words):
    status, text = check(*words)
    assert status == 2 and "Usage: kiln-check" in text
