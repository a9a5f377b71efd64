"""A kiln-server whose disk fails, dawdles or remembers, and whose clock jumps, through the library of faults.cc.

  with FaultyKiln("--appendonly", "yes") as server:
      server.faults.set(sync_error=errno.EIO)
"""

import mmap
import os
import pathlib
import struct
import tempfile

import pytest

from servers import Kiln, kiln_binary

FIELDS = ("sync_error", "sync_delay_us", "write_error", "room_bytes", "max_write", "change_error", "truncate_error",
          "kill_at_step", "kill_halfway", "steps", "syncs", "syncs_done", "clock_offset_s")
NAME_BYTES = 64
RECORD = struct.Struct("=c3xiqII")
MARK = b"!"


def library():
    path = kiln_binary("libkiln-faults.so")
    if not os.path.exists(path):
        pytest.skip(f"{path} is not built")
    return path


class Faults:
    """The Control of faults.cc: what fails from now on, and how many calls there were."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(8 * len(FIELDS) + NAME_BYTES))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 0)

    def set(self, only=None, **fields):
        """`only`: what the name of a file must contain to be meant; later opens count."""
        if only is not None:
            self.map[8 * len(FIELDS):] = only.encode().ljust(NAME_BYTES, b"\0")
        for name, value in fields.items():
            struct.pack_into("=q", self.map, 8 * FIELDS.index(name), value)

    def get(self, name):
        return struct.unpack_from("=q", self.map, 8 * FIELDS.index(name))[0]

    def clear(self):
        self.set(**{name: 0 for name in FIELDS[:9]})


class FaultyKiln(Kiln):
    """With `traces`, all that its disk was told is in trace()."""

    def __init__(self, *options, traces=False, only=""):
        super().__init__(*options)
        self.traces = traces
        self.own = pathlib.Path(tempfile.mkdtemp(prefix="kiln-faults-"))
        self.faults = Faults(self.own / "control")
        self.faults.set(only=only)

    def argv(self):
        words = [f"LD_PRELOAD={library()}", f"KILN_FAULTS_DIR={self.directory}",
                 f"KILN_FAULTS_CONTROL={self.faults.path}"]
        if self.traces:
            words.append(f"KILN_FAULTS_TRACE={self.own / 'trace'}")
        return ["env", *words, *super().argv()]

    def __exit__(self, *exception):
        try:
            super().__exit__(*exception)
        finally:
            for path in self.own.iterdir():
                path.unlink()
            self.own.rmdir()

    def mark(self, text):
        """Puts a mark into the trace: what the disk was told before this stands before it."""
        data = text.encode()
        with open(self.own / "trace", "ab", buffering=0) as file:
            file.write(RECORD.pack(MARK, -1, 0, 0, len(data)) + data)

    def trace(self):
        """(op, fd, number, name, data) of each record."""
        content = (self.own / "trace").read_bytes()
        at = 0
        while at < len(content):
            op, fd, number, name_bytes, data_bytes = RECORD.unpack_from(content, at)
            at += RECORD.size
            name = content[at:at + name_bytes].decode()
            at += name_bytes
            yield op.decode(), fd, number, name, content[at:at + data_bytes]
            at += data_bytes
