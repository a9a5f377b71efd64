"""Options and fixtures that all judge tests share."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from servers import SERVERS, Kiln, KilnMemcached, Memcached, Redis  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--against", default="both",
                     help="what to test: kiln, redis (also memcached), both, or HOST:PORT of a running server")


def judged_names(config, ours: str, peer: str) -> list:
    """Which of the two server names this run tests."""
    against = config.getoption("--against")
    chosen = {"kiln": [ours], "redis": [peer], "memcached": [peer], "both": [peer, ours]}
    return chosen.get(against, [against])


def pytest_generate_tests(metafunc):
    """A test that takes `server_name` runs once per chosen RESP server, `cache_name` per memcached one."""
    if "server_name" in metafunc.fixturenames:
        metafunc.parametrize("server_name", judged_names(metafunc.config, "kiln", "redis"), scope="session")
    if "cache_name" in metafunc.fixturenames:
        names = judged_names(metafunc.config, "kiln-memcached", "memcached")
        metafunc.parametrize("cache_name", names, scope="session")


def require(kind):
    """Skips the test where the server is not installed or not built."""
    if not kind.is_available():
        pytest.skip(f"{kind.binary()} is not there")
    return kind


@pytest.fixture
def server_kind(server_name):
    """The class of the RESP server under test, for tests that start their own with options."""
    if ":" in server_name:
        pytest.skip("needs a server of its own")
    return require(SERVERS[server_name])


@pytest.fixture(scope="session")
def shared_servers():
    """Servers started once and stopped at the end, by name."""
    running = {}

    def get(name):
        if name not in running:
            running[name] = require(SERVERS[name])().__enter__()
        return running[name]

    yield get
    for server in running.values():
        server.__exit__(None, None, None)


@pytest.fixture
def redis_server():
    with require(Redis)() as server:
        yield server


@pytest.fixture
def kiln_server():
    with require(Kiln)() as server:
        yield server


@pytest.fixture
def memcached_pair():
    """The judge and ours, both empty."""
    with require(Memcached)() as peer, require(KilnMemcached)() as ours:
        yield peer, ours
