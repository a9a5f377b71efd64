"""A .resp file as steps.

  # text                    comment; the first line says what the script pins
  # since: 7.2              from here on, judges older than this version are not asked
  # kiln-only               from here on, no judge is asked
  # server: --option value  the script gets a server of its own with these options (first lines only)
  > COMMAND words           sent on connection 1; 2> on connection 2, and so on
  until> COMMAND words      repeated until the reply is the expected one
  2< reply                  connection 2 is sent something that it did not just ask for
  reply                     expected, in the syntax of patterns.py; several lines while brackets are open
  (7.0) reply               expected instead of the line above by judges of this version
  (blocks)                  instead of a reply: the client waits
  (nothing)                 instead of a reply: none comes and none is pending
  (closed)                  instead of a reply: the server closes the connection
"""

import dataclasses
import re

from . import patterns
from .quoting import ScriptError

COMMAND = re.compile(r"(until|\d*)> (.*)")
LATE = re.compile(r"(\d+)<(?: (.*))?\Z")
DIRECTIVE = re.compile(r"# (since|kiln-only|server)(?::\s*(.*))?\Z")
VARIANT = re.compile(r"\((\d+\.\d+)\) (.*)", re.DOTALL)
SPECIAL = {"(blocks)": "blocks", "(nothing)": "nothing", "(closed)": "closed"}


@dataclasses.dataclass
class Step:
    """One command or one late reply, and what must come back."""

    line: int
    connection: int = 1
    command: str = None
    repeat: bool = False
    since: tuple = (0,)
    kiln_only: bool = False
    expected: list = dataclasses.field(default_factory=list)  # texts, then patterns or special words
    variants: dict = dataclasses.field(default_factory=dict)  # version text -> the last of expected

    def patterns(self, version: tuple) -> list:
        chosen = list(self.expected)
        for name, text in self.variants.items():
            if tuple(map(int, name.split("."))) == version[:2]:
                chosen[-1] = text
        return [SPECIAL.get(text) or patterns.parse(text) for text in chosen]


@dataclasses.dataclass
class Script:
    path: str
    steps: list
    options: list


def load(path) -> Script:
    with open(path, encoding="utf-8") as file:
        return parse(str(path), file.read().split("\n"))


def parse(path: str, lines: list) -> Script:
    script, since, kiln_only = Script(path, [], []), (0,), False
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        directive = DIRECTIVE.match(line)
        if directive and directive[1] == "since":
            since = tuple(map(int, directive[2].split(".")))
        elif directive and directive[1] == "kiln-only":
            kiln_only = True
        elif directive:
            script.options = directive[2].split()
        elif line.strip() and not line.startswith("# ") and line != "#":
            number += _take(script, lines, number, since, kiln_only)
    return script


def _take(script: Script, lines: list, number: int, since, kiln_only) -> int:
    """One line that is not a comment; returns how many more lines belong to it."""
    line = lines[number - 1]
    command, late = COMMAND.match(line), LATE.match(line)
    if command:
        repeat = command[1] == "until"
        connection = 1 if repeat or not command[1] else int(command[1])
        script.steps.append(Step(number, connection, command[2], repeat, since, kiln_only))
        return 0
    if late:
        script.steps.append(Step(number, int(late[1]), None, False, since, kiln_only))
        if not late[2]:
            return 0
        line = late[2]
    if not script.steps:
        raise ScriptError(f"{script.path}:{number}: a reply before any command")
    text, extra = line, 0
    while _is_open(text) and number + extra < len(lines):
        text += "\n" + lines[number + extra]
        extra += 1
    variant = VARIANT.match(text)
    if variant:
        script.steps[-1].variants[variant[1]] = variant[2].strip()
    else:
        script.steps[-1].expected.append(text.strip())
    return extra


def _is_open(text: str) -> bool:
    """Whether brackets are still open, quoted ones not counted."""
    if text[0] in "+-/":
        return False
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|/(?:[^/\\\n]|\\.)*/|@\{\w+\}', "", text)
    return bare.count("[") + bare.count("{") > bare.count("]") + bare.count("}")
