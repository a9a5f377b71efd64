"""A node as a supervisor runs it: started from a file, steered through the admin socket, closed to its clients."""

import os
import pathlib
import signal
import socket
import stat
import subprocess

import pytest

from conftest import require
from resp.wire import Closed, Connection, UnixConnection, info_fields
from servers import HOST, Kiln, KilnMemcached, free_port, kiln_binary, wait_until

OK = ("+", b"OK")
WHOLE = "BGREWRITEAOF BGSAVE DEBUG MIGRATE REPLICAOF SAVE SHUTDOWN SLAVEOF".split()
PARTS = {
    "ACL": "SETUSER LOAD SAVE DELUSER",
    "CLUSTER": "ADDSLOTS ADDSLOTSRANGE BUMPEPOCH DELSLOTS DELSLOTSRANGE FAILOVER FLUSHSLOTS FORGET LINKS MEET SETSLOT "
               "RESET REPLICATE SAVECONFIG SET-CONFIG-EPOCH",
    "CONFIG": "SET REWRITE RESETSTAT",
    "KILN": "HOLD LEASE",
}


class Node(Kiln):
    """kiln-server with a file of parameters; `lines` are added to it."""

    name = "node"

    def __init__(self, *lines):
        super().__init__()
        self.lines = list(lines)

    def argv(self):
        base = [f"bind {HOST}", f"port {self.port}", "maxmemory 100mb", "maxmemory-policy allkeys-lru", "io-threads 2",
                f"logfile {self.directory}/log", f"dir {self.directory}", f"admin-socket {self.admin_path()}",
                "managed-node yes", 'save ""']
        (self.directory / "node.conf").write_text("\n".join(base + self.lines) + "\n")
        return [self.binary(), str(self.directory / "node.conf")]

    def admin_path(self):
        return self.directory / "admin.sock"

    def admin(self):
        return UnixConnection(self.admin_path())


@pytest.fixture
def node():
    with require(Node)() as server:
        yield server


def error(text):
    return ("-", text.encode())


# ---- The admin socket ----

def test_the_admin_socket_is_private_and_goes_with_the_server(node):
    mode = os.lstat(node.admin_path()).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    node.stop()
    assert not node.admin_path().exists()


def test_a_killed_server_leaves_a_socket_that_the_next_replaces(node):
    node.process.send_signal(signal.SIGKILL)
    node.process.wait()
    assert node.admin_path().exists()
    node.start()
    with node.admin() as admin:
        assert admin.call("PING") == ("+", b"PONG")


def test_a_second_server_does_not_take_a_socket_that_is_in_use(node):
    done = subprocess.run([node.binary(), "--port", "0", "--admin-socket", str(node.admin_path())],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert f"Could not create admin socket {node.admin_path()}: Address already in use" in done.stdout.splitlines()[-1]
    with node.admin() as admin:
        assert admin.call("PING") == ("+", b"PONG")


def test_the_admin_socket_asks_for_no_password():
    with require(Node)("requirepass secret") as server, server.admin() as admin, server.connect() as client:
        assert client.call("PING")[0] == "-"
        assert admin.call("SET", "k", "v") == OK
        assert admin.call("HELLO", "3")[0] == "%"
        assert admin.call("RESET") == ("+", b"RESET")
        assert admin.call("GET", "k") == ("$", b"v")


def test_the_admin_socket_is_open_when_no_other_client_is_taken():
    with require(Node)("maxclients 1") as server, server.connect() as only:
        assert only.call("PING") == ("+", b"PONG")
        with server.connect() as refused:
            assert refused.read() == error("ERR max number of clients reached")
        with server.admin() as one, server.admin() as two:
            assert one.call("PING") == two.call("PING") == ("+", b"PONG")


def test_admin_connections_do_not_count(node):
    with node.connect() as client:
        before = info_fields(client.call("INFO"))
        with node.admin() as one, node.admin() as two:
            assert one.call("PING") == two.call("PING") == ("+", b"PONG")
            listed = client.call("CLIENT", "LIST")[1].decode()
            assert listed.count(f"addr={node.admin_path()}:0 ") == 2
            now = info_fields(client.call("INFO"))
        for name in ("connected_clients", "total_connections_received"):
            assert now[name] == before[name]
        assert now["connected_clients"] == "1"


def test_clients_cannot_close_admin_connections(node):
    with node.admin() as admin, node.connect() as client, node.connect() as other:
        assert admin.call("PING") == other.call("PING") == ("+", b"PONG")
        assert client.call("CLIENT", "KILL", "TYPE", "normal") == (":", 1)
        assert client.call("CLIENT", "KILL", f"{node.admin_path()}:0") == error("ERR No such client")
        assert admin.call("PING") == ("+", b"PONG")
        assert admin.call("CLIENT", "KILL", "TYPE", "normal") == (":", 1)
        with pytest.raises(Closed):
            client.read()


def test_a_pause_does_not_hold_the_admin_socket_back(node):
    with node.admin() as admin, node.connect() as client:
        assert admin.call("CLIENT", "PAUSE", "100000") == OK
        client.send("SET", "k", "client")
        assert admin.call("SET", "k", "admin") == OK
        assert admin.call("GET", "k") == ("$", b"admin")
        assert admin.call("CLIENT", "UNPAUSE") == OK
        assert client.read() == OK


# ---- Restricted commands ----

def test_what_the_service_keeps_to_itself_is_unknown_to_clients(node):
    with node.connect() as client:
        for name in WHOLE:
            assert client.call(name) == error(f"ERR unknown command '{name}', with args beginning with: ")
        for words in (("PSYNC", "?", "-1"), ("SYNC",)):  # for the nodes of a group alone, by its secret
            assert client.call(*words) == error(f"ERR unknown command '{words[0]}', with args beginning with: ")
        assert client.call("debug", "X") == error("ERR unknown command 'debug', with args beginning with: 'X' ")
        for name, parts in PARTS.items():
            for part in parts.split():
                assert client.call(name, part, "a") == error(f"ERR unknown subcommand '{part}'. Try {name} HELP.")
        assert client.call("config", "set", "timeout", "7") == error("ERR unknown subcommand 'set'. Try CONFIG HELP.")
        assert client.call("CONFIG", "GET", "timeout") == ("*", [("$", b"timeout"), ("$", b"0")])
        assert client.call("CLIENT", "LIST")[0] == "$"
        assert client.call("COMMAND", "INFO", "DEBUG", "CONFIG|SET") == ("*", [("$", None), ("$", None)])
    assert node.is_alive()


def test_they_are_unknown_within_a_transaction(node):
    with node.connect() as client:
        for command in (("DEBUG", "SLEEP", "0"), ("CONFIG", "RESETSTAT"), ("SHUTDOWN", "NOSAVE")):
            assert client.call("MULTI") == OK
            assert client.call(*command)[1].startswith(b"ERR unknown ")
            assert client.call("EXEC")[1].startswith(b"EXECABORT")


def test_they_are_unknown_to_scripts(node):
    script = "return redis.pcall(unpack(ARGV))"
    unknown = b"ERR Unknown Redis command called from script"
    with node.connect() as client, node.admin() as admin:
        for command in (("DEBUG", "SLEEP", "0"), ("CONFIG", "SET", "timeout", "7"), ("CLUSTER", "MEET", "a", "1")):
            assert client.call("EVAL", script, "0", *command)[1].startswith(unknown)
            assert not admin.call("EVAL", script, "0", *command)[1].startswith(unknown)
        assert client.call("EVAL", script, "0", "SET", "k", "v") == OK


def test_the_admin_socket_runs_all_of_them(node):
    with node.admin() as admin:
        assert admin.call("CONFIG", "SET", "timeout", "7") == OK
        assert admin.call("CONFIG", "GET", "timeout")[1][1] == ("$", b"7")
        assert admin.call("CONFIG", "SET", "maxclients", "5000", "enable-protected-configs", "no")[0] == "-"
        assert admin.call("CONFIG", "SET", "dbfilename", "other.rdb") == OK  # a protected parameter
        assert admin.call("CONFIG", "RESETSTAT") == admin.call("CONFIG", "REWRITE") == OK
        assert admin.call("DEBUG", "SLEEP", "0") == OK
        assert admin.call("MULTI") == OK
        assert admin.call("CONFIG", "SET", "timeout", "8") == ("+", b"QUEUED")
        assert admin.call("EXEC") == ("*", [OK])
        assert b"cluster support disabled" in admin.call("CLUSTER", "MEET", "127.0.0.1", "1")[1]
        admin.send("SHUTDOWN", "NOSAVE")
        wait_until(lambda: node.process.poll() is not None, what="the server has ended")
    assert node.process.returncode == 0 and not node.admin_path().exists()
    text = (node.directory / "node.conf").read_text()
    assert "timeout 7" in text and "managed-node yes" in text and "dbfilename" in text


def test_secrets_are_masked_for_clients():
    with require(Node)("requirepass secret", "masterauth other") as server, server.admin() as admin, \
            server.connect() as client:
        assert client.call("AUTH", "secret") == OK
        for name in ("requirepass", "masterauth", "REQUIREPASS"):
            assert client.call("CONFIG", "GET", name)[1][1] == ("$", b"********")
        assert b"secret" not in str(client.call("CONFIG", "GET", "*")).encode()
        assert client.call("CONFIG", "GET", "tls-key-file-pass")[1][1] == ("$", b"")
        assert admin.call("CONFIG", "GET", "requirepass")[1][1] == ("$", b"secret")
        assert admin.call("CONFIG", "SET", "slowlog-log-slower-than", "0", "requirepass", "newer") == OK
        assert b"newer" not in str(client.call("SLOWLOG", "GET", "10")).encode()


def test_an_unmanaged_server_restricts_nothing(tmp_path):
    path = tmp_path / "admin.sock"
    with require(Kiln)("--admin-socket", str(path), "--requirepass", "secret") as server, \
            UnixConnection(path) as admin, server.connect() as client:
        assert client.call("CONFIG", "SET", "timeout", "7")[1].startswith(b"NOAUTH")
        assert client.call("AUTH", "secret") == client.call("CONFIG", "SET", "timeout", "7") == OK
        assert client.call("CONFIG", "GET", "requirepass")[1][1] == ("$", b"secret")
        assert client.call("CONFIG", "SET", "dir", str(tmp_path))[1].endswith(b"can't set protected config")
        assert admin.call("CONFIG", "SET", "dir", str(tmp_path)) == OK
        assert client.call("CONFIG", "SET", "admin-socket", "x")[1].endswith(b"can't set immutable config")


# ---- Endpoints ----

def answers(port, host=HOST):
    try:
        with Connection(host, port) as client:
            return client.call("PING") == ("+", b"PONG")
    except ConnectionRefusedError:
        return False


def run_id(port):
    with Connection(HOST, port) as client:
        return info_fields(client.call("INFO", "server"))["run_id"]


def test_endpoints_open_and_close_while_the_server_runs(node):
    first, second = free_port(), free_port()
    with node.admin() as admin:
        assert admin.call("CONFIG", "SET", "endpoints", f"{HOST}:{first} 127.0.0.2:{second}") == OK
        assert answers(first) and answers(second, "127.0.0.2") and answers(node.port)
        assert not answers(second)
        with Connection(HOST, first) as kept:
            assert kept.call("PING") == ("+", b"PONG")
            assert admin.call("CONFIG", "SET", "endpoints", f"127.0.0.2:{second}") == OK
            assert not answers(first) and answers(second, "127.0.0.2")
            assert kept.call("PING") == ("+", b"PONG")
        assert admin.call("CONFIG", "SET", "endpoints", "") == OK
        assert not answers(second, "127.0.0.2") and answers(node.port)
        assert admin.call("CONFIG", "SET", "endpoints", f"{HOST}:{first}") == OK
        assert answers(first)


def test_a_connection_that_was_made_before_its_endpoint_closed_is_served(node):
    port = free_port()
    with node.admin() as admin:
        assert admin.call("CONFIG", "SET", "endpoints", f"{HOST}:{port}") == OK
        for _ in range(20):
            clients = [Connection(HOST, port) for _ in range(20)]
            assert admin.call("CONFIG", "SET", "endpoints", "") == OK
            assert [client.call("PING") for client in clients] == [("+", b"PONG")] * 20
            for client in clients:
                client.close()
            assert admin.call("CONFIG", "SET", "endpoints", f"{HOST}:{port}") == OK


def test_several_servers_share_an_endpoint():
    port = free_port()
    with require(Node)(f"endpoints {HOST}:{port}") as one, Node(f"endpoints {HOST}:{port}") as two:
        own = {run_id(one.port), run_id(two.port)}
        assert len(own) == 2
        seen = set()
        wait_until(lambda: seen.add(run_id(port)) or seen == own, what="both serve the endpoint")
        with one.admin() as admin:
            assert admin.call("CONFIG", "SET", "endpoints", "") == OK
        assert {run_id(port) for _ in range(20)} == {run_id(two.port)}


def test_an_endpoint_may_have_an_ipv6_address(node):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return  # a machine without IPv6 has nothing to listen on
    port = free_port()
    with node.admin() as admin:
        assert admin.call("CONFIG", "SET", "endpoints", f"[::1]:{port}") == OK
        assert answers(port, "::1") and not answers(port)


def test_an_endpoint_that_cannot_be_opened_is_named_and_nothing_changes(node):
    good = free_port()
    failed = "ERR CONFIG SET failed (possibly related to argument 'endpoints') - "
    with node.admin() as admin, socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        bad = f"{HOST}:{taken.getsockname()[1]}"
        assert admin.call("CONFIG", "SET", "endpoints", f"{HOST}:{good}") == OK
        assert admin.call("CONFIG", "SET", "endpoints", f"{HOST}:{free_port()} {bad}") == error(
            f"{failed}Could not listen on endpoint {bad}: Address already in use")
        assert admin.call("CONFIG", "SET", "endpoints", "6379") == error(
            f"{failed}'6379' is no endpoint (address:port)")
        assert admin.call("CONFIG", "GET", "endpoints")[1][1] == ("$", f"{HOST}:{good}".encode())
        assert answers(good)


def test_endpoints_are_undone_with_the_other_changes_of_a_command(node):
    first, second = free_port(), free_port()
    with node.admin() as admin, socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        assert admin.call("CONFIG", "SET", "endpoints", f"{HOST}:{first}") == OK
        assert admin.call("CONFIG", "SET", "endpoints", f"{HOST}:{second}", "port",
                          str(taken.getsockname()[1]))[0] == "-"
        assert answers(first) and not answers(second) and answers(node.port)


# ---- Starting ----

def start_and_fail(directory, *options, binary="kiln-server"):
    """The exit code and the last line of the log."""
    log = pathlib.Path(directory) / "log"
    with log.open("wb") as out:
        done = subprocess.run([kiln_binary(binary), *options], stdout=out, stderr=out, timeout=30, cwd=directory)
    return done.returncode, log.read_text().splitlines()[-1]


def test_an_address_that_is_taken_ends_the_start_and_is_named(tmp_path):
    require(Kiln)
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        place = f"{HOST}:{taken.getsockname()[1]}"
        port = str(taken.getsockname()[1])
        code, line = start_and_fail(tmp_path, "--bind", HOST, "--port", port)
        assert code == 1 and place in line and "Address already in use" in line
        log = tmp_path / "own.log"
        done = subprocess.run([kiln_binary(), "--bind", HOST, "--port", port, "--logfile", str(log)], timeout=30)
        assert done.returncode == 1 and place in log.read_text().splitlines()[-1]
        code, line = start_and_fail(tmp_path, "--port", "0", "--endpoints", place)
        assert code == 1 and line.endswith(f"Could not listen on endpoint {place}: Address already in use")
        code, line = start_and_fail(tmp_path, "-l", HOST, "-p", str(free_port()), "-u", "root",
                                    f"--endpoints={place}", binary="kiln-memcached")
        assert code == os.EX_OSERR and place in line  # as memcached says it
    code, line = start_and_fail(tmp_path, "--bind", "192.0.2.1", "--port", "7000")
    assert code == 1 and "192.0.2.1:7000" in line
    code, line = start_and_fail(tmp_path, "--port", "0", "--admin-socket", "/nowhere/at/all.sock")
    assert code == 1 and "/nowhere/at/all.sock" in line


def test_the_limit_of_open_files_is_raised_for_the_clients(tmp_path):
    class Limited(Node):
        def argv(self):
            return ["sh", "-c", 'ulimit -S -n 256; exec "$0" "$@"', *super().argv()]

    with require(Limited)("maxclients 4000") as server:
        limits = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text()
        soft = next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3]
        assert int(soft) >= 4000


# ---- memcached ----

def test_a_memcached_node_has_an_admin_socket_and_endpoints(tmp_path):
    path, port = tmp_path / "admin.sock", free_port()
    with require(KilnMemcached)("-c", "1", f"--admin-socket={path}", f"--endpoints={HOST}:{port}", "-F",
                                "-u", "root") as server, Connection(HOST, port) as only, UnixConnection(path) as admin:
        assert stat.S_IMODE(os.lstat(path).st_mode) == 0o600
        only.send_raw(b"version\r\n")
        assert only.socket.recv(100).startswith(b"VERSION ")
        with server.connect() as refused:
            assert refused.socket.recv(100) == b"ERROR Too many open connections\r\n"
        only.send_raw(b"shutdown\r\nflush_all\r\n")
        assert only.reader._line() == b"ERROR: shutdown not enabled"
        assert only.reader._line() == b"CLIENT_ERROR flush_all not allowed"
        admin.send_raw(b"flush_all\r\nstats\r\n")
        assert admin.reader._line() == b"OK"
        lines = iter(admin.reader._line, b"END")
        stats = dict(line.split()[1:3] for line in lines if line.startswith(b"STAT"))
        assert stats[b"curr_connections"] == b"1" and stats[b"max_connections"] == b"1"
        admin.send_raw(b"shutdown\r\n")
        wait_until(lambda: server.process.poll() is not None, what="the server has ended")
    assert not path.exists()
