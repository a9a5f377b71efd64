"""The words of .resp scripts: shell-like quoting, \\x escapes, "x"*1000 repetition, @{name} captures."""

import re

ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "a": b"\a", "b": b"\b", "\\": b"\\", '"': b'"'}
NAMES = {value: name for name, value in ESCAPES.items()}
BARE = re.compile(rb"(?!_\Z)[A-Za-z0-9_*][A-Za-z0-9_.*/=|$+<>!?,-]*\Z")
CAPTURE = re.compile(rb"@\{(\w+)\}")


class ScriptError(Exception):
    """The script itself is wrong."""


class Cursor:
    """A place in a text. Spaces and newlines separate words."""

    def __init__(self, text: str):
        self.text = text
        self.at = 0

    def skip_spaces(self):
        while self.at < len(self.text) and self.text[self.at] in " \t\n":
            self.at += 1

    def is_done(self) -> bool:
        self.skip_spaces()
        return self.at >= len(self.text)

    def sees(self, prefix: str) -> bool:
        return self.text.startswith(prefix, self.at)

    def take(self, prefix: str) -> bool:
        if not self.sees(prefix):
            return False
        self.at += len(prefix)
        return True

    def bare(self, stop: str = "") -> bytes:
        """Bytes up to a space or one of `stop`."""
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in " \t\n" + stop:
            self.at += 1
        return self.text[start:self.at].encode()

    def rest_of_line(self) -> str:
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        line, self.at = self.text[self.at:end], end
        return line

    def until(self, close: str) -> str:
        end = self.text.find(close, self.at)
        if end < 0:
            raise ScriptError(f"no closing {close} in {self.text!r}")
        inside, self.at = self.text[self.at:end], end + len(close)
        return inside

    def quoted(self) -> bytes:
        """A word in double or single quotes, perhaps repeated: "ab"*3."""
        quote = self.text[self.at]
        self.at += 1
        out = bytearray()
        while not self.take(quote):
            if self.at >= len(self.text):
                raise ScriptError(f"unbalanced quotes in {self.text!r}")
            out += self._escaped(quote)
        if re.match(r"\*\d", self.text[self.at:]):
            self.at += 1
            out = out * int(self.bare("]}"))
        return bytes(out)

    def _escaped(self, quote: str) -> bytes:
        char = self.text[self.at]
        self.at += 1
        if char != "\\":
            return char.encode()
        following = self.text[self.at]
        if quote == "'":
            if following == "'":
                self.at += 1
                return b"'"
            return b"\\"
        self.at += 1
        if following == "x":
            self.at += 2
            return bytes([int(self.text[self.at - 2:self.at], 16)])
        return ESCAPES.get(following, following.encode())


def split_words(line: str) -> list:
    """A command line as its arguments."""
    cursor, words = Cursor(line), []
    while not cursor.is_done():
        if cursor.text[cursor.at] in "\"'":
            words.append(cursor.quoted())
            if cursor.at < len(line) and line[cursor.at] != " ":
                raise ScriptError(f"no space after the closing quote in {line!r}")
        else:
            words.append(cursor.bare())
    return words


def with_captures(word: bytes, captured: dict) -> bytes:
    """Replaces each @{name} by the value captured under it."""
    if b"@{" not in word:
        return word
    return CAPTURE.sub(lambda found: captured[found.group(1).decode()], word)


def quote(value: bytes) -> str:
    """The shortest way to write `value` so that it reads back as the same bytes."""
    if len(value) > 32 and len(set(value)) == 1:
        return f"{quote_always(value[:1])}*{len(value)}"
    if BARE.match(value):
        return value.decode()
    return quote_always(value)


def quote_always(value: bytes) -> str:
    out = []
    for byte in value:
        char = bytes([byte])
        if char in NAMES:
            out.append("\\" + NAMES[char])
        elif 32 <= byte < 127:
            out.append(chr(byte))
        else:
            out.append(f"\\x{byte:02x}")
    return '"' + "".join(out) + '"'
