"""kilnd, started once for all tests of the API, and a boto3 client that talks to it.

Each test makes the names that it uses, with `name`, and needs no other to be there or not.
"""

import itertools

import pytest

from .kilnd import Kilnd


@pytest.fixture(scope="session")
def kilnd():
    if not Kilnd.is_available():
        pytest.skip(f"{Kilnd.binary()} is not there")
    with Kilnd() as server:
        yield server


@pytest.fixture(scope="session")
def aws(kilnd):
    return kilnd.client()


@pytest.fixture
def never_ready(tmp_path):
    """A client of a kilnd whose nodes start for ever, so that its clusters stay `creating`."""
    program = tmp_path / "sleeper"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    with Kilnd("--kiln-server", str(program)) as server:
        yield server.client()


NUMBERS = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"test-{next(NUMBERS)}"
