"""Auto Discovery: what ElastiCache's memcached clients ask to find the nodes of a cluster."""

import re
import socket

import pytest

from conftest import require
from servers import HOST, KilnMemcached, wait_until

TEXT = b"12\nnode1.cluster.local|127.0.0.1|11211 node2.cluster.local|127.0.0.2|11211\n"
ANSWER = b"CONFIG cluster 0 %d\r\n%s\r\nEND\r\n" % (len(TEXT), TEXT)
ITEM = b"VALUE AmazonElastiCache:cluster 0 %d\r\n%s\r\nEND\r\n" % (len(TEXT), TEXT)


class Cache(KilnMemcached):
    name = "discovery"

    def argv(self):
        return super().argv() + ["-u", "root", f"--admin-socket={self.directory}/admin.sock"]

    def admin(self):
        admin = socket.socket(socket.AF_UNIX)
        admin.settimeout(20)
        admin.connect(str(self.directory / "admin.sock"))
        return admin


@pytest.fixture(scope="module")
def cache():
    with require(Cache)("-t", "2") as server:
        yield server


@pytest.fixture
def admin(cache):
    """A connection to the admin socket; what it set is gone at the end."""
    with cache.admin() as connection:
        yield connection
        assert ask(connection, b"config delete cluster\r\n", b"\r\n") in (b"DELETED\r\n", b"NOT_FOUND\r\n")


@pytest.fixture
def client(cache):
    with socket.create_connection((HOST, cache.port), timeout=20) as connection:
        yield connection


def receive(connection, end):
    data = b""
    while not data.endswith(end):
        piece = connection.recv(1 << 20)
        assert piece, data
        data += piece
    return data


def ask(connection, request, end):
    connection.sendall(request)
    return receive(connection, end)


def set_text(admin, text, key=b"cluster", flags=0):
    return ask(admin, b"config set %s %d %d\r\n%s\r\n" % (key, flags, len(text), text), b"\r\n")


def test_the_text_comes_as_it_was_set(client, admin):
    assert ask(client, b"config get cluster\r\n", b"END\r\n") == b"END\r\n"
    assert set_text(admin, TEXT) == b"STORED\r\n"
    assert ask(client, b"config get cluster\r\n", b"END\r\n") == ANSWER
    assert ask(client, b"config get other\r\n", b"END\r\n") == b"END\r\n"
    assert set_text(admin, b"", flags=7) == b"STORED\r\n"
    assert ask(client, b"config get cluster\r\n", b"END\r\n") == b"CONFIG cluster 7 0\r\n\r\nEND\r\n"
    assert ask(admin, b"config delete cluster\r\n", b"\r\n") == b"DELETED\r\n"
    assert ask(admin, b"config delete cluster\r\n", b"\r\n") == b"NOT_FOUND\r\n"
    assert ask(client, b"config get cluster\r\n", b"END\r\n") == b"END\r\n"


@pytest.mark.parametrize("line", [b"config get cluster\n", b"config get cluster \r\n", b"CONFIG get cluster\r\n",
                                  b"  Config  get  cluster\r\n"])
def test_lines_are_read_as_clients_write_them(client, admin, line):
    set_text(admin, TEXT)
    assert ask(client, line, b"END\r\n") == ANSWER
    for byte in line:
        client.sendall(bytes([byte]))
    assert receive(client, b"END\r\n") == ANSWER


def test_only_the_admin_socket_changes_it(client, admin):
    set_text(admin, TEXT)
    for request in (b"config set cluster 0 3\r\nabc\r\n", b"config delete cluster\r\n", b"config\r\n", b"config x\r\n",
                    b"config get\r\n", b"config get a b\r\n", b"config GET cluster\r\n", b"config set\r\n"):
        assert ask(client, request + b"mn\r\n", b"MN\r\n") == b"ERROR\r\nMN\r\n", request
    assert ask(client, b"config get cluster\r\n", b"END\r\n") == ANSWER


def test_what_does_not_fit_is_refused_and_the_connection_goes_on(admin):
    assert set_text(admin, b"x" * 65536) == b"STORED\r\n"
    assert set_text(admin, b"x" * 65537) == b"SERVER_ERROR object too large for cache\r\n"
    assert ask(admin, b"config set cluster 0 3\r\nabcde", b"\r\n") == b"CLIENT_ERROR bad data chunk\r\n"
    assert ask(admin, b"config set cluster 0 nine\r\n", b"\r\n") == b"ERROR\r\n"
    assert len(ask(admin, b"config get cluster\r\n", b"END\r\n")) > 65536
    for number in range(15):
        assert set_text(admin, TEXT, b"key%d" % number) == b"STORED\r\n"
    assert set_text(admin, TEXT, b"key15") == b"SERVER_ERROR too many configs\r\n"
    assert set_text(admin, b"new", b"key14") == b"STORED\r\n"
    for number in range(15):
        assert ask(admin, b"config delete key%d\r\n" % number, b"\r\n") == b"DELETED\r\n"


def test_noreply_is_quiet(admin):
    admin.sendall(b"config set cluster 0 %d noreply\r\n%s\r\n" % (len(TEXT), TEXT))
    assert ask(admin, b"config get cluster\r\n", b"END\r\n") == ANSWER


def test_the_old_item_holds_the_text_too(client, admin):
    key = b"AmazonElastiCache:cluster"
    assert ask(client, b"get %s\r\n" % key, b"END\r\n") == b"END\r\n"
    set_text(admin, TEXT)
    assert ask(client, b"get %s\r\n" % key, b"END\r\n") == ITEM
    assert ask(client, b"get nothing %s nothing\r\n" % key, b"END\r\n") == ITEM
    assert ask(client, b"gets %s\r\n" % key, b"END\r\n") == ITEM.replace(b"%d\r\n" % len(TEXT), b"%d 0\r\n" % len(TEXT))
    assert ask(client, b"gat 10 %s\r\n" % key, b"END\r\n") == ITEM
    assert ask(client, b"flush_all\r\n", b"\r\n") == b"OK\r\n"
    assert ask(client, b"get %s\r\n" % key, b"END\r\n") == ITEM
    # A client may store something else there; the text comes back.
    assert ask(client, b"set %s 0 0 5\r\nother\r\n" % key, b"\r\n") == b"STORED\r\n"
    wait_until(lambda: ask(client, b"get %s\r\n" % key, b"END\r\n") == ITEM, what="the text is back")


def statistics(connection):
    lines = ask(connection, b"stats\r\n", b"END\r\n").split(b"\r\n")
    return {line.split()[1].decode(): line.split()[2] for line in lines if line.startswith(b"STAT")}


def test_it_may_be_told_at_the_start():
    with require(Cache)(f"--auto-discovery={TEXT.decode()}") as server, server.admin() as admin:
        with socket.create_connection((HOST, server.port), timeout=20) as connection:
            assert ask(connection, b"config get cluster\r\n", b"END\r\n") == ANSWER
            assert ask(connection, b"get AmazonElastiCache:cluster\r\n", b"END\r\n") == ITEM
            assert set_text(admin, b"new") == b"STORED\r\n"
            assert ask(connection, b"config get cluster\r\n", b"END\r\n") == b"CONFIG cluster 0 3\r\nnew\r\nEND\r\n"


def test_it_is_counted(client, admin):
    ask(admin, b"stats reset\r\n", b"RESET\r\n")
    set_text(admin, TEXT)
    ask(client, b"config get cluster\r\n", b"END\r\n")
    ask(client, b"config get other\r\n", b"END\r\n")
    ask(client, b"get AmazonElastiCache:cluster\r\n", b"END\r\n")
    ask(client, b"get nothing\r\n", b"END\r\n")
    ask(client, b"gat 1 AmazonElastiCache:cluster\r\n", b"END\r\n")
    stats = statistics(client)
    assert (stats["cmd_config_get"], stats["cmd_config_set"], stats["curr_config"]) == (b"2", b"1", b"1")
    assert (stats["get_hits"], stats["get_misses"], stats["curr_items"]) == (b"1", b"1", b"0")
    ask(admin, b"config delete cluster\r\n", b"\r\n")
    assert statistics(client)["curr_config"] == b"0"


def test_a_client_library_finds_the_nodes(client, admin):
    """As pymemcache's and Amazon's clients read the answer: up to its end, then three fields a node."""
    set_text(admin, TEXT)
    answer = ask(client, b"config get cluster\r\n", b"\n\r\nEND\r\n")
    head, version, nodes = re.fullmatch(rb"(CONFIG cluster \d+ \d+)\r\n(\d+)\n(.*)\n\r\nEND\r\n", answer).groups()
    assert head.split()[-1] == b"%d" % len(TEXT) and version == b"12"
    assert [node.split(b"|") for node in nodes.split(b" ")] == [
        [b"node1.cluster.local", b"127.0.0.1", b"11211"], [b"node2.cluster.local", b"127.0.0.2", b"11211"]]
