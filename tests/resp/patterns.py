"""Expected replies: parse what a script writes, match it against a reply, write a reply down.

  :3  ,3.5  #t  +OK  -ERR text  word  "quoted\\r\\n"  [array]  ~[set]  >[push]  {map: pairs}  _  (nil)  (nil array)
  ="txt:verbatim"  ((bignumber)
  :1..9 ,1..2     any number of the range        ?[a b]    an array in any order
  (any) (int) (str)  any reply, integer, string   ?{a: b}  a flat array of pairs in any order
  /regex/ -/regex/   text that matches wholly     ...      before a closing bracket: more may follow
  @{name}            keeps the value, or, when it has been kept before, must equal it
Sets and maps of RESP3 have no order. A bare word is a bulk string; other sigils are literal.
"""

import re

from .quoting import Cursor, ScriptError, quote, quote_always

OPENERS = (("~[", "~", False), ("?[", "*", False), (">[", ">", True), ("[", "*", True))
WORDS = {
    "(nil array)": ("exact", ("*", None)), "(nil)": ("exact", ("$", None)), "_": ("exact", ("_", None)),
    "#t": ("exact", ("#", True)), "#f": ("exact", ("#", False)),
    "(any)": ("any",), "(int)": ("kind", ":"), "(str)": ("kind", "$"),
}
NUMBER = r"-?(?:inf|\d[\d.e+-]*?)"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})\Z")


def parse(text: str):
    """A pattern from the text of one whole reply."""
    cursor = Cursor(text.strip())
    pattern = _value(cursor, top=True)
    if not cursor.is_done():
        raise ScriptError(f"something follows the reply in {text!r}")
    return pattern


def _value(cursor: Cursor, top: bool = False, stop: str = "]}"):
    cursor.skip_spaces()
    for opener, sigil, ordered in OPENERS:
        if cursor.take(opener):
            return _items(cursor, sigil, ordered)
    for opener, sigil in (("?{", "*"), ("{", "%")):
        if cursor.take(opener):
            return _pairs(cursor, sigil)
    if cursor.take("@{"):
        return ("capture", cursor.until("}"))
    if cursor.take("(("):
        return ("exact", ("(", cursor.until(")").encode()))
    if cursor.sees("("):
        word = cursor.until(")") + ")"
        if word not in WORDS:
            raise ScriptError(f"unknown word {word}")
        return WORDS[word]
    return _leaf(cursor, top, stop)


def _leaf(cursor: Cursor, top: bool, stop: str):
    char = cursor.text[cursor.at:cursor.at + 1] or " "
    if char in "\"'":
        return ("exact", ("$", cursor.quoted()))
    if char == "/":
        return _regex(cursor, None)
    if char in "+-=:,":
        cursor.at += 1
        return _sigil(cursor, char, top, stop)
    word = cursor.bare(stop)
    if not word:
        raise ScriptError(f"no value at {cursor.text[cursor.at:]!r}")
    return WORDS.get(word.decode()) or ("exact", ("$", word))


def _sigil(cursor: Cursor, sigil: str, top: bool, stop: str):
    if sigil in ":,":
        number = cursor.bare(stop).decode()
        bounds = RANGE.match(number)
        if bounds:
            return ("range", sigil, float(bounds[1]), float(bounds[2]))
        return ("exact", (sigil, int(number) if sigil == ":" else number.encode()))
    if cursor.sees('"'):
        return ("exact", (sigil, cursor.quoted()))
    if cursor.sees("/"):
        return _regex(cursor, sigil)
    if top:
        return ("exact", (sigil, cursor.rest_of_line().rstrip().encode()))
    return ("exact", (sigil, cursor.bare(stop)))


def _regex(cursor: Cursor, sigil):
    cursor.at += 1
    text = ""
    while True:
        text += cursor.until("/")
        if not text.endswith("\\"):
            return ("regex", sigil, re.compile(text.encode(), re.DOTALL))
        text = text[:-1] + "/"


def _items(cursor: Cursor, sigil: str, ordered: bool):
    items = []
    while True:
        cursor.skip_spaces()
        if cursor.take("...]"):
            return ("list", sigil, items, ordered, True)
        if cursor.take("]"):
            return ("list", sigil, items, ordered, False)
        items.append(_value(cursor))


def _pairs(cursor: Cursor, sigil: str):
    pairs = []
    while True:
        cursor.skip_spaces()
        if cursor.take("...}"):
            return ("pairs", sigil, pairs, True)
        if cursor.take("}"):
            return ("pairs", sigil, pairs, False)
        key = _value(cursor, stop=":]}")
        if not cursor.take(":"):
            raise ScriptError(f"no ':' after a key in {cursor.text!r}")
        pairs.append((key, _value(cursor)))


def matches(pattern, reply, captured: dict) -> bool:
    return MATCHERS[pattern[0]](pattern, reply, captured)


def _matches_range(pattern, reply, _):
    _, sigil, low, high = pattern
    return reply[0] == sigil and low <= float(reply[1]) <= high


def _matches_regex(pattern, reply, _):
    _, sigil, regex = pattern
    if not isinstance(reply[1], bytes) or (sigil and reply[0] != sigil):
        return False
    return (sigil is not None or reply[0] in "$+=") and regex.fullmatch(reply[1]) is not None


def _matches_capture(pattern, reply, captured):
    value = reply[1] if isinstance(reply[1], bytes) else str(reply[1]).encode()
    return captured.setdefault(pattern[1], value) == value


def _matches_list(pattern, reply, captured):
    _, sigil, items, ordered, more = pattern
    if reply[0] != sigil or reply[1] is None:
        return False
    if len(items) > len(reply[1]) or (len(items) < len(reply[1]) and not more):
        return False
    if ordered:
        return all(matches(item, got, captured) for item, got in zip(items, reply[1]))
    return _each_finds_one(items, reply[1], lambda item, got: matches(item, got, captured))


def _matches_pairs(pattern, reply, captured):
    _, sigil, pairs, more = pattern
    if reply[0] != sigil or reply[1] is None:
        return False
    got = reply[1] if sigil == "%" else list(zip(reply[1][::2], reply[1][1::2]))
    if sigil == "*" and len(reply[1]) % 2:
        return False
    if len(pairs) > len(got) or (len(pairs) < len(got) and not more):
        return False
    return _each_finds_one(pairs, got, lambda want, pair: matches(want[0], pair[0], captured)
                           and matches(want[1], pair[1], captured))


def _each_finds_one(wanted, got, fits) -> bool:
    left = list(got)
    for want in wanted:
        found = next((index for index, item in enumerate(left) if fits(want, item)), None)
        if found is None:
            return False
        del left[found]
    return True


MATCHERS = {
    "exact": lambda pattern, reply, _: pattern[1] == reply,
    "any": lambda *_: True,
    "kind": lambda pattern, reply, _: reply[0] == pattern[1] and reply[1] is not None,
    "range": _matches_range,
    "regex": _matches_regex,
    "capture": _matches_capture,
    "list": _matches_list,
    "pairs": _matches_pairs,
}


def show(reply, top: bool = True) -> str:
    """A reply as a script would write it."""
    sigil, value = reply
    if value is None:
        return {"$": "(nil)", "*": "(nil array)", "_": "_", "closed": "(closed)"}[sigil]
    if sigil == "$":
        return quote(value)
    if sigil in "+-":
        plain = top and all(32 <= byte < 127 for byte in value) and value.strip() == value
        plain = plain and value[:1] not in (b'"', b"/", b"")
        return sigil + (value.decode() if plain else quote_always(value))
    if sigil == "=":
        return "=" + quote_always(value)
    if sigil == "(":
        return f"(({value.decode()})"
    if sigil == "#":
        return "#t" if value else "#f"
    if sigil == "%":
        pairs = (f"{show(key, False)}: {show(item, False)}" for key, item in value)
        return "{" + " ".join(pairs) + "}"
    if sigil in "*~>":
        return ("" if sigil == "*" else sigil) + "[" + " ".join(show(item, False) for item in value) + "]"
    return sigil + (value.decode() if isinstance(value, bytes) else str(value))
