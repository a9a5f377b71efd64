"""Servers that ask for passwords, and what a client says to get in."""

import contextlib
import pathlib
import shutil
import tempfile

from memcache.packets import OK, Binary, packet, plain
from servers import KilnMemcached

USERS = "ann:one\nbob:two:three\r\n"
GOOD, BAD = plain("ann", "one"), plain("ann", "two")


@contextlib.contextmanager
def users_file(content=USERS):
    """A file that also a server can read which has become another user."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="kiln-users-"))
    try:
        folder.chmod(0o755)
        (folder / "users").write_bytes(content.encode() if isinstance(content, str) else content)
        yield folder / "users"
    finally:
        shutil.rmtree(folder)


def start(message: bytes, mechanism: bytes = b"PLAIN") -> bytes:
    return packet("sasl_start", mechanism, value=message)


def step(message: bytes) -> bytes:
    return packet("sasl_step", b"PLAIN", value=message)


class Sasl(KilnMemcached):
    """With -S; asked for its version, which needs no login."""

    def is_answering(self):
        with Binary(self, 1.0) as client:
            return client.ask(packet("version")).status == OK


def with_text_login(kind):
    """This kind of server, with -Y."""
    class Here(kind):
        def is_answering(self):
            with self.connect(timeout_s=1.0) as client:
                client.send_raw(b"version\r\n")
                return client.socket.recv(100).startswith(b"CLIENT_ERROR unauthenticated")
    return Here
