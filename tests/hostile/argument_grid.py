"""Requests made from what COMMAND DOCS says: every number that a command takes, once with each extreme value.

  for name, fields in docs_of(client).items():
      for words in requests_of(name, fields): ...

A request has all arguments that must be there, and of those that need not at most one (with what belongs to it), so
that each number of each option is reached. Keys name values of the type that the command's group is about.
"""

import dataclasses

EXTREMES = ["0", "-1", "1", "-2147483648", "2147483647", "-9223372036854775808", "9223372036854775807", "2147483648",
            "4294967296", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "1e400", "nan", "-0",
            " 1", "-inf", "0x10", "1.0", ""]
NUMBERS = {"integer", "double", "unix-time"}
# The right type of key by group, and where the group does not say it.
KEY_OF_GROUP = {"string": "string", "bitmap": "string", "list": "list", "set": "set", "sorted-set": "zset",
                "hash": "hash", "stream": "stream", "hyperloglog": "hll", "geo": "geo", "generic": "string",
                "scripting": "string", "server": "string", "transactions": "string", "pubsub": "string"}
KEY_OF_COMMAND = {"SORT": "list", "SORT_RO": "list", "INCRBYFLOAT": "number", "INCRBY": "number", "DECRBY": "number"}
# Words for arguments that would otherwise be refused before a number is looked at.
WORDS = {"id": "1-1", "start": "-", "end": "+", "group": "g", "consumer": "anna", "script": "return 1", "min": "0",
         "max": "5", "encoding": "u8", "offset": "0", "cursor": "0", "field": "f", "member": "a", "pattern": "*",
         "unit": "m", "threshold": "5", "last-id": "1-1", "lastid": "1-1", "min-idle-time": "0", "operation": "AND",
         "element": "a", "value": "1", "increment": "1", "host": "127.0.0.1", "bit": "1", "sha1": "0" * 40,
         "name": "me", "username": "default", "password": "x", "clientname": "me", "iterations": "1"}


@dataclasses.dataclass
class Word:
    """One word of a request; `number` marks what the extremes take the place of."""

    text: str
    number: bool = False


def as_dict(reply) -> dict:
    """A flat array of names and values, or a map."""
    items = reply[1]
    pairs = items if reply[0] == "%" else zip(items[::2], items[1::2])
    return {name[1].decode(): value for name, value in pairs}


def docs_of(client) -> dict:
    """COMMAND DOCS by full name in capitals; containers are replaced by what they contain."""
    found = {}

    def add(name, entry):
        fields = as_dict(entry)
        children = as_dict(fields["subcommands"]) if "subcommands" in fields else {}
        for child, child_entry in children.items():
            add(child, child_entry)
        if not children:
            found[name.upper()] = fields

    for name, entry in as_dict(client.call("COMMAND", "DOCS")).items():
        add(name, entry)
    return found


class Grid:
    """The requests of one command."""

    def __init__(self, name: str, fields: dict):
        self.name = name
        group = fields["group"][1].decode()
        self.key = KEY_OF_COMMAND.get(name, KEY_OF_GROUP.get(group, "string"))
        self.arguments = [as_dict(argument) for argument in fields.get("arguments", ("*", []))[1]]

    def _values(self, argument: dict) -> list:
        """What may stand for an argument that is there: sequences of words."""
        kind, name = argument["type"][1].decode(), argument["name"][1].decode().lower()
        token = [Word(argument["token"][1].decode())] if "token" in argument else []
        if kind == "pure-token":
            return [token]
        if name == "unit":
            return [token + [Word("m")]]
        if kind in ("oneof", "block"):
            inside = [as_dict(one) for one in argument["arguments"][1]]
            ways = [way for one in inside for way in self._values(one)] if kind == "oneof" else self._ways(inside)
            return [token + way for way in ways]
        if kind == "key":
            return [token + [Word(self.key)]]
        if kind in NUMBERS:
            return [token + [Word("0" if name == "timeout" else "1", True)]]
        return [token + [Word(WORDS.get(name, "a"), name in ("min", "max", "start", "end", "score", "offset"))]]

    def _ways(self, arguments: list) -> list:
        """Sequences of them: with none of the optional ones, then with each alone."""
        optional = [place for place, one in enumerate(arguments) if b"optional" in flags_of(one)]
        needed = [self._values(one) for one in arguments]
        ways = []
        for chosen in [None, *optional]:
            there = [place for place in range(len(arguments)) if place not in optional or place == chosen]
            longest = max([len(needed[place]) for place in there] or [1])
            for turn in range(longest):  # each alternative of each comes once, not each combination
                ways.append([word for place in there for word in needed[place][turn % len(needed[place])]])
        return ways

    def requests(self):
        seen = set()
        for way in self._ways(self.arguments):
            words = [Word(part) for part in self.name.split("|")] + way
            for place, word in enumerate(words):
                before = tuple("?" if one is word else one.text for one in words)
                if not word.number or before in seen:
                    continue
                seen.add(before)
                for extreme in EXTREMES:
                    yield [*before[:place], extreme, *before[place + 1:]]


def flags_of(argument: dict) -> set:
    return {flag[1] for flag in argument.get("flags", ("*", []))[1]}


def requests_of(name: str, fields: dict) -> list:
    """Each with one number in the place of an argument."""
    return list(Grid(name, fields).requests())
