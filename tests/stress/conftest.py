"""The server that crowds meet."""

import pytest


@pytest.fixture
def server(server_kind):
    with server_kind("--io-threads", "4") as running:
        yield running
