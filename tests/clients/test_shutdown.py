"""The end of a server, as its clients see it."""

import pytest

from conftest import require
from servers import SERVERS


def test_no_connection_is_taken_once_clients_see_theirs_end(server_name):
    if ":" in server_name:
        pytest.skip("needs a server of its own")
    with require(SERVERS[server_name])() as server:
        with server.connect() as client:
            client.send_raw(b"SHUTDOWN NOSAVE\r\n")
            assert client.socket.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            server.connect()
