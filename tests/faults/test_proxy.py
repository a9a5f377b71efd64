"""The proxy itself: each fault is what it says, and heals."""

import contextlib
import socket
import threading

import pytest

from faults.proxy import TO_CLIENT, TO_SERVER, FaultProxy
from servers import HOST, wait_until


class Echo(threading.Thread):
    """Sends back what comes, and remembers how much that was."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        self.received = 0

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.echo, args=(self.listener.accept()[0],), daemon=True).start()

    def echo(self, connection):
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(1 << 16):
                self.received += len(data)
                connection.sendall(data)


@pytest.fixture
def echo():
    server = Echo()
    server.start()
    yield server
    server.listener.close()


@pytest.fixture
def proxy(echo):
    with FaultProxy(HOST, echo.port) as running:
        yield running


@pytest.fixture
def client(proxy):
    with socket.create_connection((HOST, proxy.port), timeout=10) as connection:
        yield connection


def ask(client, word=b"hello"):
    client.sendall(word)
    got = b""
    while len(got) < len(word):
        data = client.recv(100)
        if not data:
            raise ConnectionResetError
        got += data
    return got


def is_silent(client, seconds=0.1) -> bool:
    client.settimeout(seconds)
    try:
        return not client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(10)


def test_it_passes_what_it_gets(client):
    assert ask(client) == b"hello" and ask(client, b"x" * 300_000) == b"x" * 300_000


def test_what_is_cut_is_reset_and_refused_until_it_heals(proxy, client):
    ask(client)
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        ask(client)
    with pytest.raises(ConnectionResetError), socket.create_connection((HOST, proxy.port), timeout=10) as other:
        ask(other)
    proxy.heal()
    with socket.create_connection((HOST, proxy.port), timeout=10) as other:
        assert ask(other) == b"hello"


def test_connections_can_be_reset_once(proxy, client):
    ask(client)
    proxy.reset_once()
    with pytest.raises(ConnectionResetError):
        ask(client)
    with socket.create_connection((HOST, proxy.port), timeout=10) as other:
        assert ask(other) == b"hello"


@pytest.mark.parametrize("way,arrives", [(TO_SERVER, 5), (TO_CLIENT, 10)])
def test_one_way_is_held_and_the_other_is_not(proxy, echo, client, way, arrives):
    ask(client)
    proxy.hold(way)
    client.sendall(b"later")
    assert is_silent(client)
    # The piece that was being waited for stays with the proxy.
    wait_until(lambda: echo.received == arrives, what="what goes the other way arrives")
    proxy.heal()
    assert client.recv(100) == b"later"


def test_a_connection_ends_in_the_middle_of_what_it_carries(proxy, echo, client):
    proxy.reset_after(7, TO_SERVER)
    with pytest.raises(ConnectionResetError):
        ask(client, b"0123456789")
    assert echo.received == 7


def test_bytes_come_slowly(proxy, echo, client):
    proxy.drip(1, 0.02, TO_SERVER)
    client.sendall(b"0123456789")
    assert client.recv(100) == b"0"  # the others are still under way
    wait_until(lambda: echo.received == 10, what="all arrive")


def test_a_server_that_is_not_there_is_a_reset():
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    with FaultProxy(HOST, port) as proxy, pytest.raises(ConnectionResetError), \
            socket.create_connection((HOST, proxy.port), timeout=10) as client:
        ask(client)
