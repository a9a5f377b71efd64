"""Fills in the replies a script lacks with redis-server's own. A draft for a human to check.

Replies whose order or exact number Redis does not promise are written in the loose form.
"""

import pathlib
import textwrap

from . import patterns, script as scripts
from .quoting import split_words, with_captures
from .runner import Run, Target
from servers import HOST, Redis

UNORDERED = {b"SMEMBERS", b"SINTER", b"SUNION", b"SDIFF", b"HKEYS", b"HVALS", b"KEYS", b"HGETALL"}
FLAT_PAIRS = {b"HGETALL"}


class Recording(Run):
    """Plays a script; remembers a text for each step without expectation."""

    def __init__(self, script, target):
        super().__init__(script, target)
        self.texts = {}

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
        self.texts[step.line] = loosened(words, self._read(step, connection))
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


def record_all(files) -> int:
    with Redis() as server:
        for path in files:
            shared = Target(HOST, server.port, is_kiln=False)
            script = scripts.load(path)
            if not script.options:
                record(path, script, shared)
                continue
            with Redis(*script.options) as own:
                record(path, script, Target(HOST, own.port, is_kiln=False))
    return 0


def record(path: pathlib.Path, script, target: Target):
    if all(step.expected for step in script.steps):
        return
    target.clean()
    recording = Recording(script, target)
    try:
        recording.play()
    except Exception as error:  # what was recorded so far is still worth having
        print(f"{path}: stopped at {error!r}")
    finally:
        recording.close()
    lines = path.read_text().split("\n")
    for line, text in sorted(recording.texts.items(), reverse=True):
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
