"""What the system shows of the process: its title, and its score for when memory runs out."""

import os
import pathlib

from conftest import require
from servers import HOST, Kiln


def title_of(server):
    return pathlib.Path(f"/proc/{server.process.pid}/cmdline").read_bytes().rstrip(b"\0").decode().rstrip()


def score_of(server):
    return int(pathlib.Path(f"/proc/{server.process.pid}/oom_score_adj").read_text())


def test_the_title_follows_the_template():
    with require(Kiln)() as server, server.connect() as client:
        assert title_of(server) == f"{server.binary()} {HOST}:{server.port}"
        assert client.call("CONFIG", "SET", "proc-title-template", "cache {port} {{x} {config-file}") == ("+", b"OK")
        assert title_of(server) == f"cache {server.port} {{x}} -"
        refused = client.call("CONFIG", "SET", "proc-title-template", "{nobody}")
        assert refused[1].endswith(b"template format is invalid or contains unknown variables")
        assert title_of(server) == f"cache {server.port} {{x}} -"


def test_the_title_stays_when_it_is_not_wanted():
    with require(Kiln)("--set-proc-title", "no") as server:
        assert "--set-proc-title" in title_of(server)


def test_the_score_is_relative_or_absolute_and_comes_back():
    with require(Kiln)() as server, server.connect() as client:
        found = score_of(server)
        assert found == int(pathlib.Path(f"/proc/{os.getpid()}/oom_score_adj").read_text())
        client.call("CONFIG", "SET", "oom-score-adj-values", "5 200 800", "oom-score-adj", "relative")
        assert score_of(server) == min(found + 5, 1000)
        if found <= 900:  # Only the privileged may go below what they started with.
            client.call("CONFIG", "SET", "oom-score-adj-values", "900 900 900", "oom-score-adj", "absolute")
            assert score_of(server) == 900
        client.call("CONFIG", "SET", "oom-score-adj", "no")
        assert score_of(server) == found
