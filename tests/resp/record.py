"""Fills in the replies a script lacks with redis-server's own. A draft for a human to check.

Replies whose order or exact number Redis does not promise are written in the loose form.
"""

import os
import pathlib
import textwrap

from . import patterns, script as scripts
from .quoting import split_words, with_captures
from .runner import Run, Target
from servers import HOST, Kiln, Redis

UNORDERED = {b"SMEMBERS", b"SINTER", b"SUNION", b"SDIFF", b"HKEYS", b"HVALS", b"KEYS", b"HGETALL"}
FLAT_PAIRS = {b"HGETALL"}


class Recording(Run):
    """Plays a script; remembers the reply, and a text for it, of each step without expectation."""

    def __init__(self, script, target):
        super().__init__(script, target)
        self.texts, self.replies = {}, {}

    def _play_step(self, step):
        if step.expected:
            return super()._play_step(step)
        connection = self.connection(step.connection)
        words = []
        if step.command is not None:
            words = [with_captures(word, self.captured) for word in split_words(step.command)]
            connection.send(*words)
        else:
            self.waiting.discard(step.connection)
        self.replies[step.line] = self._read(step, connection)
        self.texts[step.line] = loosened(words, self.replies[step.line])
        return None


def loosened(words: list, reply) -> str:
    """The reply as an expectation."""
    name = words[0].upper() if words else b""
    if name in FLAT_PAIRS and reply[0] == "*" and reply[1]:
        pairs = zip(reply[1][::2], reply[1][1::2])
        return "?" + patterns.show(("%", list(pairs)))
    if name in UNORDERED and reply[0] == "*" and reply[1] and len(reply[1]) > 1:
        return "?" + patterns.show(reply)
    if name == b"TTL" and reply[1] and reply[0] == ":" and reply[1] > 0:
        return f":{reply[1] - 1}..{reply[1]}"
    if name == b"PTTL" and reply[0] == ":" and reply[1] > 0:
        return f":{max(1, reply[1] - 1500)}..{reply[1] + 20}"
    return patterns.show(reply)


def record_all(files, newer: str) -> int:
    """Records from redis-server; from the binary `newer` where it answers otherwise."""
    for path in files:
        script = scripts.load(path)
        if all(step.expected for step in script.steps):
            continue
        texts, replies, version = played(path, script, Redis)
        versions = {}
        if newer:
            os.environ["KILN_SERVER"] = newer
            newer_texts, _, _ = played(path, script, Kiln)
            for line, text in newer_texts.items():
                if line in replies and not _fits(text, replies[line]):
                    versions[line] = f"({version}) {texts[line]}"
            texts = {**texts, **newer_texts}
        write(path, texts, versions)
    return 0


def _fits(text: str, reply) -> bool:
    return patterns.matches(patterns.parse(text), reply, {})


def played(path, script, server_kind):
    """Texts and replies by line of what the script lacks, and the judge's version."""
    with server_kind(*script.options) as server:
        target = Target(HOST, server.port, is_kiln=False)
        recording = Recording(script, target)
        try:
            recording.play()
        except Exception as error:  # what was recorded so far is still worth having
            print(f"{path}: stopped at {error!r}")
        finally:
            recording.close()
    return recording.texts, recording.replies, ".".join(map(str, target.version[:2]))


def write(path: pathlib.Path, texts: dict, versions: dict):
    lines = path.read_text().split("\n")
    for line, text in sorted(texts.items(), reverse=True):
        if line in versions:
            lines[line:line] = [versions[line]]
        if lines[line - 1].endswith("<"):
            lines[line - 1] += " " + text
        else:
            lines[line:line] = wrapped(text)
    path.write_text("\n".join(lines))


def wrapped(text: str) -> list:
    """Long replies on several lines."""
    if len(text) <= 100 or '"' in text or text[0] in "+-":
        return [text]
    return textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)
