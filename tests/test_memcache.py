"""memcached's text protocol: scripts on both servers, and random requests.

MEMCACHE_SESSIONS (100) of them from MEMCACHE_SEED (1) on: fixed, so that a red run means a change of ours.
"""

import os
import pathlib

import pytest

from conftest import require
from memcache.fuzzer import session
from memcache.runner import play_file, script_files
from servers import SERVERS, Memcached

FOLDER = pathlib.Path(__file__).resolve().parent / "memcache" / "scripts"


@pytest.mark.parametrize("path", script_files([FOLDER]), ids=lambda path: path.name)
def test_script(path, cache_name):
    if cache_name not in SERVERS:
        pytest.skip("needs a server of its own")
    play_file(path, require(SERVERS[cache_name]))


def test_memcached_agrees_with_itself():
    with require(Memcached)() as one, Memcached() as other:
        report = session(one, other, 1, 2000)
        assert not report, report


def test_kiln_answers_as_memcached(memcached_pair):
    peer, ours = memcached_pair
    first = int(os.environ.get("MEMCACHE_SEED", 1))
    sessions = int(os.environ.get("MEMCACHE_SESSIONS", 100))
    for seed in range(first, first + sessions):
        report = session(ours, peer, seed, 1000)
        assert not report, report
