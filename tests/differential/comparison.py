"""When two replies to the same command are the same."""

import math
import re

UNORDERED = {"FUNCTION", "PUBSUB", "SMEMBERS", "SINTER", "SUNION", "SDIFF", "KEYS", "HKEYS", "HVALS", "SPOP",
             "SRANDMEMBER", "GEOSEARCH", "GEORADIUS", "GEORADIUS_RO", "GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER_RO"}
PAIRS = {"HGETALL", "CONFIG"}
RANDOM_PAIRS = {"HRANDFIELD": "WITHVALUES", "ZRANDMEMBER": "WITHSCORES"}
# Values that depend on the moment, the version or the build: only the kind of reply is compared.
SHAPES = {"TIME", "LASTSAVE", "DUMP", "RANDOMKEY", "DBSIZE", "ROLE", "LOLWUT", "CLIENT ID", "CLIENT INFO",
          "CLIENT LIST", "MEMORY USAGE", "OBJECT REFCOUNT", "OBJECT IDLETIME", "OBJECT FREQ", "SLOWLOG LEN",
          "SLOWLOG GET", "LATENCY HISTORY", "LATENCY RESET", "FUNCTION DUMP", "ACL GENPASS", "ACL CAT", "ACL LOG",
          "COMMAND COUNT", "COMMAND LIST", "COMMAND", "XINFO CONSUMERS"}
SCANS = {"SCAN", "SSCAN", "HSCAN", "ZSCAN"}
SECONDS = {"TTL": 5, "EXPIRETIME": 5, "PTTL": 5000, "PEXPIRETIME": 5000}
FLOAT = re.compile(rb"-?\d+(\.\d+)?(e[+-]?\d+)?\Z")
OLD_ENCODINGS = {b"quicklist": b"listpack", b"hashtable": b"listpack", b"skiplist": b"listpack",
                 b"intset": b"listpack"}


def name_of(command) -> str:
    name = command[0]
    return (name.decode("latin1") if isinstance(name, bytes) else name).upper()


def subcommand_of(command) -> str:
    words = [word.decode("latin1") if isinstance(word, bytes) else str(word) for word in command[:2]]
    return " ".join(words).upper()


def canonical(command, reply, is_old: bool):
    """The reply in a form that is equal where replies are equivalent."""
    name = name_of(command)
    if reply[0] == "-":
        return ("-", reply[1].split(b" ")[0])
    if subcommand_of(command) in SHAPES or name in SHAPES - {"COMMAND"}:
        return (reply[0], reply[1] is None)
    if is_old and subcommand_of(command) in ("ACL LIST", "ACL GETUSER"):
        return (reply[0], reply[1] is None)  # before 7.2 rules were put together anew from what they allow
    if subcommand_of(command) == "ACL DRYRUN" and reply[0] == "$":  # 7.0 does not name the user
        return re.sub(rb"^(This user|User \S*) has ", b"", reply[1])
    if name == "HELLO":
        return _hello(reply)
    if name == "XINFO":
        return _stream_info(reply, is_old)
    if reply[0] in ("*", "~") and reply[1] is not None:
        if name in UNORDERED:
            return (reply[0], sorted(map(repr, reply[1])))
        if name in PAIRS:
            return (reply[0], _pairs(reply[1]))
        if name in RANDOM_PAIRS:
            return (reply[0], _random_pairs(command, name, reply[1]))
        if name == "XPENDING" and len(reply[1]) > 0 and reply[1][0][0] == "*":  # the third is a time
            return [entry[1][:2] + entry[1][3:] for entry in reply[1]]
        if name in SCANS and len(reply[1]) == 2:
            return _scan(name, reply[1], is_old)
    if reply[0] == "%":
        return ("%", sorted((repr(key), repr(value)) for key, value in reply[1]))
    if name == "XGROUP" and reply[0] == ":" and is_old:
        return "a number"
    if name == "OBJECT" and reply[0] == "$" and is_old:
        return ("$", OLD_ENCODINGS.get(reply[1], reply[1]))
    if is_old and (name[0] == "Z" or name[:2] == "BZ"):
        return _rounded(reply)
    return reply


def _hello(reply):
    """Without what tells servers and connections apart."""
    sigil, items = reply
    pairs = items if sigil == "%" else list(zip(items[::2], items[1::2]))
    own = (b"server", b"version", b"id", b"kiln_version")
    return (sigil, [(name, value) for name, value in pairs if name[1] not in own])


def _stream_info(reply, is_old: bool):
    """Without what tells of the index's layout; 7.0 makes consumers only of who gets something."""
    sigil, items = reply
    if sigil == "*" and items and items[0][0] in "*%":
        return [_stream_info(item, is_old) for item in items]
    if sigil == "*" and items and items[0][0] == "$":
        sigil, items = "%", list(zip(items[::2], items[1::2]))
    if sigil != "%":
        return reply
    hidden = {b"radix-tree-nodes"} | ({b"consumers"} if is_old else set())
    return [(name, value) for name, value in items if name[1] not in hidden]


def _pairs(items) -> list:
    return sorted(zip(map(repr, items[::2]), map(repr, items[1::2])))


def _random_pairs(command, name, items):
    has_values = any(isinstance(word, str) and word.upper() == RANDOM_PAIRS[name] for word in command)
    if has_values and items and items[0][0] == "$":
        return _pairs([_rounded(item) for item in items])
    return sorted(repr(_rounded(item)) for item in items)


def _scan(name, reply, is_old):
    cursor, items = reply
    if cursor != ("$", b"0"):
        return "unfinished"
    if name in ("HSCAN", "ZSCAN"):
        return _pairs([_rounded(item) if is_old else item for item in items[1]])
    return sorted(map(repr, items[1]))


def _rounded(reply):
    """Scores as numbers: before 7.2 they were written with 17 digits."""
    sigil, value = reply
    if sigil == "," or (sigil == "$" and value and FLOAT.match(value)):
        return (sigil, float(value))
    if isinstance(value, list) and sigil in "*~>":
        return (sigil, [_rounded(item) for item in value])
    return reply


def is_same(command, ours, peers, is_old: bool) -> bool:
    tolerance = SECONDS.get(name_of(command))
    if tolerance and ours[0] == peers[0] == ":" and ours[1] > 0 and peers[1] > 0:
        return math.isclose(ours[1], peers[1], abs_tol=tolerance)
    if name_of(command).startswith("SORT") and "\\x00" in repr((ours, peers)):
        return True  # docs/differences.md
    if name_of(command) == "COMMAND" and "-" in (ours[0], peers[0]):
        return True  # whether a request is too wrong to have keys: docs/differences.md
    if name_of(command) in SCANS:
        if "0" not in command[1:3]:
            return True  # a cursor from nowhere
        mine, theirs = canonical(command, ours, is_old), canonical(command, peers, is_old)
        return "unfinished" in (mine, theirs) or mine == theirs
    return canonical(command, ours, is_old) == canonical(command, peers, is_old)


def texts_differ(ours, peers) -> bool:
    """Both are errors of one kind, in other words; 7.2 says NOPERM in its own."""
    if ours[0] == "-" and (ours[1][:6] == b"NOPERM" or b"because of: NOPERM" in ours[1]):
        return False
    return ours[0] == peers[0] == "-" and ours[1] != peers[1]
