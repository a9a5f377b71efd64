"""Every script under tests/commands, on Kiln and on redis-server. A script that differs is wrong on one side."""

import pathlib

import pytest

from resp.runner import Target, play_file, script_files
from servers import HOST, SERVERS

FOLDER = pathlib.Path(__file__).resolve().parent / "commands"
NOT_YET = {
    line.split()[0] for line in (FOLDER / "not_yet.txt").read_text().splitlines() if line and not line.startswith("#")
}


@pytest.fixture
def target(server_name, shared_servers):
    if ":" in server_name:
        host, port = server_name.rsplit(":", 1)
        return Target(host, int(port), is_kiln=True)
    return Target(HOST, shared_servers(server_name).port, server_name == "kiln")


@pytest.mark.parametrize("path", script_files([FOLDER]), ids=lambda path: str(path.relative_to(FOLDER)))
def test_script(path, target, server_name):
    not_yet = target.is_kiln and str(path.relative_to(FOLDER)) in NOT_YET
    try:
        played = play_file(path, target, SERVERS.get(server_name))
    except Exception as mismatch:
        if not_yet:
            pytest.skip(f"not built yet: {mismatch}")
        raise
    assert not not_yet, "passes: take it off not_yet.txt"
    if not played:
        pytest.skip("newer than this server")
