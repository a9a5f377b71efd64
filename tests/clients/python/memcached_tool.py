"""memcached-tool of the memcached package: every mode of it; and memcstat, memccat and friends of libmemcached."""

import os
import pathlib
import socket
import subprocess
import sys

from lib.steps import run

SERVER = f"127.0.0.1:{sys.argv[1]}"
TOOL = "/usr/share/memcached/scripts/memcached-tool"


def say(*command: str, status: int = 0) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == status, (command, done.returncode, done.stdout, done.stderr)
    return done.stdout


def ask(text: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as client:
        client.sendall(text + b"mn\r\n")
        data = b""
        while not data.endswith(b"MN\r\n"):
            data += client.recv(1 << 16)
    return data[:-4]


def statistics():
    ask(b"".join(b"set key%d 5 0 10\r\n0123456789\r\n" % n for n in range(100)))
    stats = dict(line.split()[:2] for line in say(TOOL, SERVER, "stats").splitlines()[1:])
    assert stats["curr_items"] == "100" and stats["version"] == "1.6.18"
    settings = dict(line.split()[:2] for line in say(TOOL, SERVER, "settings").splitlines()[1:])
    assert settings["maxbytes"] == "67108864" and settings["item_size_max"] == "1048576"


def slabs():
    lines = say(TOOL, SERVER, "display").splitlines()
    assert lines[0].split()[:2] == ["#", "Item_Size"] and len(lines) == 2
    assert int(lines[1].split()[4]) == 100
    assert say(TOOL, SERVER).splitlines()[0] == lines[0]
    assert "disabled" in say(TOOL, SERVER, "sizes") or say(TOOL, SERVER, "sizes")


def dumps():
    lines = say(TOOL, SERVER, "dump").splitlines()
    added = [line for line in lines if line.startswith("add ")]
    assert len(added) == 100 and all(line.split()[2] == "5" for line in added)
    keys = say(TOOL, SERVER, "keys").splitlines()
    assert len([line for line in keys if "key" in line]) == 100


def programs_of_libmemcached():
    pathlib.Path("file").write_bytes(b"of a file")
    assert say("memccp", f"--servers={SERVER}", "file") == ""
    assert say("memccat", f"--servers={SERVER}", "file").rstrip("\n") == "of a file"
    say("memcexist", f"--servers={SERVER}", "file")
    say("memctouch", f"--servers={SERVER}", "--expire=100", "file")
    assert "curr_items: 101" in say("memcstat", f"--servers={SERVER}")
    say("memcping", f"--servers={SERVER}")
    say("memcrm", f"--servers={SERVER}", "file")
    say("memcexist", f"--servers={SERVER}", "file", status=1)
    say("memcflush", f"--servers={SERVER}")
    assert ask(b"get key1\r\n") == b"END\r\n"
    os.remove("file")


run(statistics, slabs, dumps, programs_of_libmemcached)
