"""Client libraries that log in to memcached's binary protocol by SASL."""

import os

import pytest

from memcache.logins import Sasl, users_file
from programs import FOLDER, install_node_packages, run_to_the_end
from servers import HOST


@pytest.fixture
def sasl(monkeypatch):
    with users_file() as path:
        monkeypatch.setenv("MEMCACHED_SASL_PWDB", str(path))
        with Sasl("-S") as server:
            yield server


def run_memjs(server, directory, password: str) -> tuple:
    install_node_packages()
    environment = dict(os.environ, MEMJS_USER="ann", MEMJS_PASSWORD=password, SERVER_PIDS=str(server.process.pid))
    return run_to_the_end(["node", str(FOLDER / "node/memcached_memjs.mjs"), str(server.port)], directory, environment)


def test_memjs_logs_in(sasl, tmp_path):
    output, status = run_memjs(sasl, tmp_path, "one")
    assert status == 0 and output.endswith("done\n"), output
    output, status = run_memjs(sasl, tmp_path, "two")
    assert status == 1, output


def test_pylibmc_logs_in(sasl):
    pylibmc = pytest.importorskip("pylibmc")
    client = pylibmc.Client([f"{HOST}:{sasl.port}"], binary=True, username="ann", password="one")
    assert client.set("k", "v") and client.get("k") == "v"
    assert client.set_multi({"a": 1, "b": 2}) == [] and client.get_multi(["a", "b", "c"]) == {"a": 1, "b": 2}
    assert client.add("n", "1") and client.incr("n", 5) == 6 and client.delete("n")
    client.set("log", "1")
    assert client.append("log", "2") and client.get("log") == "12"
    assert client.get_stats()[0][1]["curr_items"] == b"4"
    stranger = pylibmc.Client([f"{HOST}:{sasl.port}"], binary=True, username="ann", password="two")
    with pytest.raises(pylibmc.Error):
        stranger.set("k", "v")


def test_python_binary_memcached_logs_in(sasl):
    bmemcached = pytest.importorskip("bmemcached")
    client = bmemcached.Client((f"{HOST}:{sasl.port}",), "ann", "one")
    assert client.set("k", {"a": [1, 2]}) and client.get("k") == {"a": [1, 2]}
    value, cas = client.gets("k")
    assert client.cas("k", "new", cas) and not client.cas("k", "newer", cas)
    assert client.set_multi({"a": "1", "b": "2"}) == [] and client.get_multi(["a", "b", "c"]) == {"a": "1", "b": "2"}
    assert client.incr("n", 3, default=40) == 40 and client.incr("n", 3) == 43 and client.decr("n", 50) == 0
    assert client.delete("k") and client.get("k") is None
    assert int(next(iter(client.stats().values()))["auth_errors"]) == 0
    client.disconnect_all()
