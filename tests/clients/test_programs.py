"""Programs in wide use, each with servers of its own; docs/clients.md says what each does."""

import json

import pytest

from programs import FOLDER, KILN_ONLY, NODE, install_node_packages, is_of_memcached, programs, run_program
from servers import ROOT, SERVERS


@pytest.fixture(scope="module")
def node_packages():
    install_node_packages()


@pytest.mark.parametrize("program", [name for name in programs() if not is_of_memcached(name)])
def test_program(program, server_kind, request):
    if program.endswith(".mjs"):
        request.getfixturevalue("node_packages")
    run_program(program, server_kind)


@pytest.mark.parametrize("program", filter(is_of_memcached, programs()))
def test_program_of_memcached(program, cache_name, request):
    if cache_name not in SERVERS or (program in KILN_ONLY and cache_name != "kiln-memcached"):
        return
    if program.endswith(".mjs"):
        request.getfixturevalue("node_packages")
    run_program(program, SERVERS[cache_name])


def test_every_program_is_in_the_documentation():
    rows = (ROOT / "docs/clients.md").read_text().splitlines()
    told = {row.split("|")[-2].strip(): row for row in rows if row.startswith("| ") and "/" in row.split("|")[-2]}
    assert set(programs()) <= set(told)
    assert all((FOLDER / name).exists() for name in told)
    for name, version in json.loads((NODE / "package.json").read_text())["dependencies"].items():
        if name != "socket.io-client":
            assert any(version.rpartition("@")[2] in row for row in told.values()), f"{name} {version}"
