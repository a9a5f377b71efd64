"""Users on disk: in an ACL file, or as lines of the configuration file."""

import subprocess

import pytest

from conftest import require
from resp.wire import Closed, UnixConnection
from servers import HOST, SERVERS, Kiln, free_port

OK = ("+", b"OK")


@pytest.fixture
def kind(server_name):
    if ":" in server_name:
        pytest.skip("needs a server of its own")
    return require(SERVERS[server_name])


def with_file(kind, users=None, conf=""):
    """A server started from a folder that holds node.conf, and users.acl if there are such users."""

    class FromFiles(kind):
        def argv(self):
            conf_path, users_path = self.directory / "node.conf", self.directory / "users.acl"
            if not conf_path.exists():
                lines = [f"bind {HOST}", f"dir {self.directory}", 'save ""', conf]
                conf_path.write_text("\n".join(lines) + "\n" + ("aclfile users.acl\n" if users is not None else ""))
                if users is not None:
                    users_path.write_text(users)
            return [self.binary(), str(conf_path), "--port", str(self.port)]

        def is_answering(self):
            with self.connect() as client:
                return client.call("HELLO")[0] in "*-"

    return FromFiles()


def names(client):
    return [name.decode() for _, name in client.call("ACL", "USERS")[1]]


def test_save_and_load_keep_users_and_close_the_clients_of_all_but_the_default_one(kind):
    with with_file(kind, "user alice on >a ~* &* +@all\n") as server:
        with server.connect() as client, server.connect() as alice, server.connect() as bystander:
            assert alice.call("AUTH", "alice", "a") == OK
            assert bystander.call("PING") == ("+", b"PONG")
            assert client.call("ACL", "SETUSER", "bob", "on", ">b", "%R~r*", "+get", "(~x +set)") == OK
            assert client.call("ACL", "SAVE") == OK
            lines = client.call("ACL", "LIST")[1]
            text = (server.directory / "users.acl").read_text()
            assert text == "".join(line.decode() + "\n" for _, line in lines)
            assert client.call("ACL", "SETUSER", "carol") == OK
            assert client.call("ACL", "LOAD") == OK
            assert names(client) == ["alice", "bob", "default"]
            assert client.call("ACL", "LIST")[1] == lines
            assert bystander.call("PING") == ("+", b"PONG")
            with pytest.raises(Closed):
                alice.call("PING")
        server.stop()
        server.start()
        with server.connect() as client:
            assert client.call("AUTH", "bob", "b") == OK
            assert client.call("GET", "r1") == ("$", None)
            assert client.call("GET", "w1")[1].startswith(b"NOPERM")


def test_a_load_that_fails_changes_nothing(kind):
    with with_file(kind, "user alice on >a +@all\n") as server, server.connect() as client:
        before = client.call("ACL", "LIST")
        (server.directory / "users.acl").write_text("user alice on\nuser alice off\nuser bob nosuch\n")
        sigil, text = client.call("ACL", "LOAD")
        assert sigil == "-" and text.decode() == (
            "ERR WARNING: Duplicate user 'alice' found on line 2. users.acl:3: Syntax error. WARNING: ACL errors "
            "detected, no change to the previously active ACL rules was performed")
        assert client.call("ACL", "LIST") == before
        (server.directory / "users.acl").unlink()
        text = client.call("ACL", "LOAD")[1].decode()
        assert text == "ERR Error loading ACLs, opening file 'users.acl': No such file or directory"


def test_config_rewrite_writes_users_and_a_restart_reads_them(kind):
    users = "user default on nopass ~* +@all -flushdb\nuser gone on\nuser kept on >k +get ~*"
    with with_file(kind, conf=users) as server:
        with server.connect() as client:
            assert client.call("FLUSHDB")[1].startswith(b"NOPERM")
            assert client.call("SUBSCRIBE", "c")[1].startswith(b"NOPERM")
            assert client.call("ACL", "DELUSER", "gone") == (":", 1)
            assert client.call("ACL", "SETUSER", "new", "on", "nopass", "(+set ~s*)") == OK
            assert client.call("CONFIG", "REWRITE") == OK
            lines = client.call("ACL", "LIST")[1]
        text = (server.directory / "node.conf").read_text()
        assert [line for line in text.splitlines() if line.startswith("user ")] == [line.decode() for _, line in lines]
        server.stop()
        server.start()
        with server.connect() as client:
            assert client.call("ACL", "LIST")[1] == lines
            assert client.call("FLUSHDB")[1].startswith(b"NOPERM")


def test_without_a_file_there_is_nothing_to_load_or_save(kind):
    with with_file(kind) as server, server.connect() as client:
        for word in ("LOAD", "SAVE"):
            assert b"not configured to use an ACL file" in client.call("ACL", word)[1]


@pytest.mark.parametrize("users, conf, expected", [
    ("user a on\nuser a on\n", "", "Duplicate user 'a' found on line 2"),
    ("user a on\n", "user b on", "one or the other"),
    (None, "user a on\nuser a on", "Duplicate user found"),
    (None, "user a +nosuch", "Unknown command or category name in ACL"),
    (None, "aclfile nowhere.acl", "No such file or directory"),
])
def test_wrong_users_keep_the_server_from_starting(tmp_path, users, conf, expected):
    lines = [f"port {free_port()}", f"dir {tmp_path}", conf] + ([] if users is None else ["aclfile users.acl"])
    (tmp_path / "node.conf").write_text("\n".join(lines) + "\n")
    if users is not None:
        (tmp_path / "users.acl").write_text(users)
    done = subprocess.run([require(Kiln).binary(), str(tmp_path / "node.conf")], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 1
    assert expected in done.stdout + done.stderr


def test_who_comes_through_the_admin_socket_may_do_everything():
    with require(Kiln)("--admin-socket", "admin.sock") as server:
        with UnixConnection(server.directory / "admin.sock") as admin, server.connect() as client:
            assert client.call("ACL", "SETUSER", "default", "off", "-@all", "resetkeys") == OK
            assert client.call("PING")[1].startswith(b"NOPERM")
            assert admin.call("SET", "k", "v") == OK
            assert admin.call("EVAL", "return redis.call('GET', 'k')", "0") == ("$", b"v")
            assert admin.call("ACL", "SETUSER", "default", "on", "+@all") == OK
            assert client.call("PING") == ("+", b"PONG")
