"""The configuration file on disk, as a server that is started with it finds and rewrites it."""

import pytest

from conftest import require
from servers import SERVERS


@pytest.fixture
def kind(server_name):
    if ":" in server_name:
        pytest.skip("needs a server of its own")
    return require(SERVERS[server_name])


def test_rewrite_finds_a_relative_file_after_leaving_its_directory(kind):
    class FromFile(kind):
        def argv(self):
            (self.directory / "data").mkdir(exist_ok=True)
            if not (self.directory / "node.conf").exists():
                (self.directory / "node.conf").write_text("bind 127.0.0.1\ndir ./data\nsave \"\"\n"
                                                          "rename-command FLUSHDB badger\n")
            return [self.binary(), "node.conf", "--port", str(self.port), "--enable-debug-command", "yes"]

    with FromFile() as server:
        with server.connect() as client:
            assert client.call("CONFIG", "SET", "slowlog-max-len", "77") == ("+", b"OK")
            assert client.call("CONFIG", "REWRITE") == ("+", b"OK")
        text = (server.directory / "node.conf").read_text()
        assert "slowlog-max-len 77" in text and "rename-command FLUSHDB badger" in text
        assert "timeout 0" not in text

        with server.connect() as client:
            assert client.call("DEBUG", "CONFIG-REWRITE-FORCE-ALL") == ("+", b"OK")
        assert "timeout 0" in (server.directory / "node.conf").read_text()

        server.stop()
        server.start()
        with server.connect() as client:
            assert client.call("CONFIG", "GET", "slowlog-max-len")[1][1] == ("$", b"77")
            assert client.call("BADGER") == ("+", b"OK")
