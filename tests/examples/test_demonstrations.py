"""Each example is a program that shows what it does, and has a row in the list of examples."""

import subprocess
import sys

import pytest

from .conftest import EXAMPLES

PROGRAMS = {path.stem: path.read_text() for path in sorted(EXAMPLES.glob("*.py")) if "def main(" in path.read_text()}
WITH_DATABASE = [name for name, text in PROGRAMS.items() if "database=True" in text]


def run(name, address, *options):
    host, port = address
    done = subprocess.run([sys.executable, EXAMPLES / f"{name}.py", "--host", host, "--port", str(port), *options],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout and not done.stderr


@pytest.mark.parametrize("name", WITH_DATABASE)
def test_a_program_with_a_database_runs(name, redis_address, database_url):
    run(name, redis_address, "--database", database_url)


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - set(WITH_DATABASE)))
def test_a_program_runs(name, request):
    run(name, request.getfixturevalue("memcached_address" if "memcached" in name else "redis_address"))


def test_the_list_of_examples_names_each_program():
    listed = (EXAMPLES / "README.md").read_text()
    assert PROGRAMS and [name for name in PROGRAMS if f"{name}.py" not in listed] == []
