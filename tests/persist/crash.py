"""What a folder may look like after the power fails, from a trace of what was done to it (faults.py).

The model is the least that file systems promise: what was written is there for certain once the file was synced,
and a name once its folder was; until then any beginning of what was done to a file, or to the names of a folder,
may be there, each file and folder on its own. A process that is killed loses nothing that was done.
"""

import os
import posixpath


class File:
    """The bytes of a file: as they were synced, and what was done since."""

    def __init__(self):
        self.synced = b""
        self.pending = []

    def content(self, kept, half=False):
        """With the first `kept` of what is pending; half: and half of the next write."""
        data = bytearray(self.synced)
        for i, (op, where, what) in enumerate(self.pending[:kept + half]):
            if op == "t":
                del data[where:]
                continue
            if i == kept:
                what = what[:len(what) // 2]
            where = len(data) if where is None else where
            data[where:where + len(what)] = what
        return bytes(data)

    def sync(self, count):
        self.synced = self.content(count)
        del self.pending[:count]


class Folder:
    """The names of a folder, as they were synced, and what was done since: ("set", name, file), ("move", from, to) or
    ("drop", name)."""

    def __init__(self):
        self.synced = {}
        self.pending = []

    def names(self, kept):
        names = dict(self.synced)
        for change in self.pending[:kept]:
            if change[0] == "set":
                names[change[1]] = change[2]
            elif change[0] == "move":
                names[change[2]] = names.pop(change[1])
            else:
                names.pop(change[1], None)
        return names

    def sync(self, count):
        self.synced = self.names(count)
        del self.pending[:count]


class Disk:
    """Follows a trace. A name is a path within the traced folder, which is the folder ""."""

    def __init__(self):
        self.folders = {"": Folder()}
        self.open = {}     # descriptor: a File, or a Folder
        self.syncing = {}  # descriptor: how much was pending when its sync began

    def add(self, name, content):
        """A file of the outermost folder that was there before."""
        file = File()
        file.synced = content
        self.folders[""].synced[name] = file

    def names_now(self, folder):
        return self.folders[folder].names(len(self.folders[folder].pending))

    def _open(self, fd, flags, name):
        if name in self.folders:
            self.open[fd] = self.folders[name]
            return
        folder, base = posixpath.split(name)
        file = self.names_now(folder).get(base)
        if file is None:
            file = File()
            self.folders[folder].pending.append(("set", base, file))
        elif flags & os.O_TRUNC:
            file.pending.append(("t", 0, b""))
        self.open[fd] = file

    def apply(self, op, fd, number, name, data):
        folder, base = posixpath.split(name)
        if op == "o":
            self._open(fd, number, name)
        elif op == "d":
            self.open[number] = self.open[fd]
        elif op == "c":
            self.open.pop(fd)
        elif op in "wp":
            self.open[fd].pending.append((op, number if op == "p" else None, data))
        elif op == "t":
            self.open[fd].pending.append(("t", number, b""))
        elif op == "s":
            self.syncing[fd] = self.open[fd], len(self.open[fd].pending)
        elif op == "S":
            synced, count = self.syncing.pop(fd)
            synced.sync(count)
        elif op == "r":
            new_folder, new_base = posixpath.split(data.decode())
            if new_folder == folder:
                self.folders[folder].pending.append(("move", base, new_base))
            else:
                self.folders[new_folder].pending.append(("set", new_base, self.names_now(folder)[base]))
                self.folders[folder].pending.append(("drop", base))
        elif op == "u":
            self.folders[folder].pending.append(("drop", base))
        elif op == "m":
            self.folders[name] = Folder()
            self.folders[folder].pending.append(("set", base, self.folders[name]))

    def state(self, names_kept, bytes_kept):
        """{path: content}. `names_kept`: of a Folder, how much of what is pending; `bytes_kept`: a File's content."""
        files = {}

        def add(path, folder):
            for name, what in folder.names(names_kept(folder)).items():
                if isinstance(what, Folder):
                    add(f"{path}{name}/", what)
                else:
                    files[path + name] = bytes_kept(what)
        add("", self.folders[""])
        return files

    def as_it_is(self):
        """What a killed process leaves."""
        return self.state(lambda folder: len(folder.pending), lambda file: file.content(len(file.pending)))

    def half_written(self, fd):
        """The same in the middle of the last write, which was to this descriptor."""
        written = self.open[fd]
        return self.state(lambda folder: len(folder.pending),
                          lambda file: self._half(file) if file is written else file.content(len(file.pending)))

    @staticmethod
    def _half(file):
        return file.content(len(file.pending) - 1, True) if file.pending else file.content(0)

    def after_power_loss(self):
        """What may be there: any beginning of the names' changes, with all, none, or half of the last of the bytes."""
        most = max(len(folder.pending) for folder in self.folders.values())
        contents = (lambda file: file.synced, lambda file: file.content(len(file.pending)), self._half)
        for kept in range(most + 1):
            for content in contents:
                yield self.state(lambda folder, kept=kept: min(kept, len(folder.pending)), content)
