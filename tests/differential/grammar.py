"""What the fuzzer says: a phrase of grammar for each command.

Words that name a generator below are replaced by what it makes, others are sent as they are.
(a b|c) is a choice, ?x may be left out, x+ is said one to three times, x* none to three times.
"""

import random
import re

from differential import server_grammar

GRAMMAR = """
DEL k+ | UNLINK k+ | EXISTS k+ | TOUCH k+ | TYPE k | RENAME k k | RENAMENX k k | PERSIST k
KEYS glob | COPY k k ?(DB db) ?REPLACE | MOVE k db | SELECT db | SWAPDB db db | OBJECT ENCODING k
EXPIRE k ttl ?(NX|XX|GT|LT) | PEXPIRE k ttl ?(NX|XX|GT|LT)
EXPIREAT k at ?(NX|XX|GT|LT) | PEXPIREAT k at ?(NX|XX|GT|LT) | TTL k | PTTL k | EXPIRETIME k
PEXPIRETIME k | SCAN 0 COUNT 100000 ?(MATCH glob) ?(TYPE (string|list|set|zset|hash|stream))
SORT k ?(BY by) ?(LIMIT i i) ?(GET pattern) ?(ASC|DESC) ?(STORE k)
SORT k ?(LIMIT i i) ?DESC ALPHA | SORT_RO k ?(LIMIT i i) ?DESC ?ALPHA
SET k v ?(NX|XX) ?GET ?(EX ttl|PX ttl|EXAT at|PXAT at|KEEPTTL) | GET k | GETDEL k | GETSET k v
SETNX k v | GETEX k ?(EX ttl|PX ttl|EXAT at|PXAT at|PERSIST) | SETEX k ttl v | PSETEX k ttl v
APPEND k v | STRLEN k | SETRANGE k offset v | GETRANGE k i i | SUBSTR k i i | MGET k+
MSET (k v)+ | MSETNX (k v)+ | INCR k | DECR k | INCRBY k n | DECRBY k n | INCRBYFLOAT k float
LCS k k ?(LEN|IDX) ?(MINMATCHLEN i) ?WITHMATCHLEN | SETBIT k offset bit | GETBIT k offset
BITCOUNT k ?(i i ?(BIT|BYTE)) | BITPOS k bit ?(i ?(i ?(BIT|BYTE))) | BITOP (AND|OR|XOR|NOT) k k+
BITFIELD k bitop+ | BITFIELD_RO k (GET bittype offset)+ | LPUSH k v+ | RPUSH k v+ | LPUSHX k v+
RPUSHX k v+ | LPOP k ?count | RPOP k ?count | LLEN k | LINDEX k i | LSET k i v | LRANGE k i i
LTRIM k i i | LREM k i v | LINSERT k (BEFORE|AFTER) v v | LMOVE k k side side | RPOPLPUSH k k
LPOS k v ?(RANK i) ?(COUNT i) ?(MAXLEN i) | LMPOP keys side ?(COUNT i) | HSET k (f v)+
HMSET k (f v)+ | HSETNX k f v | HGET k f | HMGET k f+ | HGETALL k | HDEL k f+ | HEXISTS k f
HLEN k | HSTRLEN k f | HKEYS k | HVALS k | HINCRBY k f n | HINCRBYFLOAT k f float
HRANDFIELD k 1000 ?WITHVALUES | HSCAN k 0 COUNT 100000 ?(MATCH glob) | SADD k f+ | SREM k f+
SCARD k | SISMEMBER k f | SMISMEMBER k f+ | SMEMBERS k | SMOVE k k f | SPOP k 1000
SRANDMEMBER k 1000 | SINTER k+ | SUNION k+ | SDIFF k+ | SINTERSTORE k k+ | SUNIONSTORE k k+
SDIFFSTORE k k+ | SINTERCARD keys ?(LIMIT i) | SSCAN k 0 COUNT 100000 ?(MATCH glob)
ZADD k ?(NX|XX) ?(GT|LT) ?CH ?INCR (score f)+ | ZADD k (score f)+ | ZCARD k | ZSCORE k f
ZMSCORE k f+ | ZINCRBY k score f | ZREM k f+ | ZRANK k f | ZREVRANK k f | ZCOUNT k bound bound
ZLEXCOUNT kx lex lex | ZRANGE k i i ?REV ?WITHSCORES
ZRANGE k bound bound BYSCORE ?REV ?(LIMIT i i) ?WITHSCORES | ZADD kx (0 f)+ | ZADD kx (0 f)+
ZRANGE kx lex lex BYLEX ?REV ?(LIMIT i i) | ZRANGESTORE k k i i ?REV
ZRANGESTORE k k bound bound BYSCORE ?(LIMIT i i) | ZREVRANGE k i i ?WITHSCORES
ZRANGEBYSCORE k bound bound ?WITHSCORES ?(LIMIT i i)
ZREVRANGEBYSCORE k bound bound ?WITHSCORES ?(LIMIT i i) | ZRANGEBYLEX kx lex lex ?(LIMIT i i)
ZREVRANGEBYLEX kx lex lex | ZREMRANGEBYRANK k i i | ZREMRANGEBYSCORE k bound bound
ZREMRANGEBYLEX kx lex lex | ZPOPMIN k ?count | ZPOPMAX k ?count | ZMPOP keys (MIN|MAX) ?(COUNT i)
ZRANDMEMBER k 1000 ?WITHSCORES | ZSCAN k 0 COUNT 100000 ?(MATCH glob)
ZUNION zkeys ?(AGGREGATE (SUM|MIN|MAX)) ?WITHSCORES
ZINTER zkeys ?(AGGREGATE (SUM|MIN|MAX)) ?WITHSCORES | ZDIFF keys ?WITHSCORES
ZUNIONSTORE k zkeys ?(AGGREGATE (SUM|MIN|MAX)) | ZDIFFSTORE k keys
XADD k xopt xnew (f v)+ | XADD k xnew (f v)+ | XADD k xnew a v b v | XDEL k xid+ | XLEN k
XTRIM k xtrim | XRANGE k xend xend ?(COUNT i) | XREVRANGE k xend xend ?(COUNT i)
XREAD ?(COUNT i) STREAMS k xid | XREAD ?(COUNT i) STREAMS k k xid xid
XGROUP CREATE k g (xid|$) ?MKSTREAM | XGROUP CREATE k g 0 MKSTREAM | XGROUP DESTROY k g
XGROUP SETID k g (xid|$) | XGROUP CREATECONSUMER k g c | XGROUP DELCONSUMER k g c
XREADGROUP GROUP g c ?(COUNT i) ?NOACK STREAMS k > | XREADGROUP GROUP g c ?(COUNT i) STREAMS k xid
XREADGROUP GROUP g c STREAMS k > | XREADGROUP GROUP g c STREAMS k k > > | XACK k g xid+
XPENDING k g | XPENDING k g IDLE 100000 xend xend i ?c | XCLAIM k g c 0 xid+ ?FORCE ?JUSTID
XAUTOCLAIM k g c 0 xid ?(COUNT i) ?JUSTID
XINFO STREAM k | XINFO GROUPS k | OBJECT ENCODING k
ZINTERSTORE k zkeys ?(AGGREGATE (SUM|MIN|MAX)) | ZINTERCARD keys ?(LIMIT i)
ECHO v | PING ?v | NOSUCHCOMMAND v* | PFADD kh v* | PFADD kh v* | PFCOUNT kh+
PFMERGE kh kh* | PFDEBUG (ENCODING|DECODE|TODENSE) kh | GET kh | GEOADD kg ?(NX|XX) ?CH (lon lat f)+
GEOADD kg (lon lat f)+ | GEOPOS kg f* | GEOHASH kg f* | GEODIST kg f f ?unit | ZRANGE kg 0 -1 WITHSCORES
GEOSEARCH kg centre shape ?(ASC|DESC) ?(COUNT i) ?WITHDIST ?WITHCOORD ?WITHHASH
GEOSEARCHSTORE kg kg centre shape ?(ASC|DESC) ?(COUNT i) ?STOREDIST
GEORADIUS kg lon lat length unit ?(COUNT i) ?(ASC|DESC) ?WITHDIST ?(STORE kg|STOREDIST kg)
GEORADIUSBYMEMBER kg f length unit ?(COUNT i) ?WITHCOORD ?(STORE kg|STOREDIST kg)
GEORADIUS_RO kg lon lat length unit ?WITHDIST | GEORADIUSBYMEMBER_RO kg f length unit ?WITHHASH
"""
# Said only between MULTI and EXEC, where they do not wait.
BLOCKING = """
BLPOP k+ 0 | BRPOP k+ 0 | BLMOVE k k side side 0 | BRPOPLPUSH k k 0 | BLMPOP 0 keys side ?(COUNT i)
XREAD BLOCK 0 STREAMS k xid | XREADGROUP GROUP g c BLOCK 0 STREAMS k >
BZPOPMIN k+ 0 | BZPOPMAX k+ 0 | BZMPOP 0 keys (MIN|MAX) ?(COUNT i)
"""

INTEGERS = [0, 1, -1, 2, -2, 5, 100, -100]
EXTREMES = ["9223372036854775807", "-9223372036854775808", "9223372036854775808", "-9223372036854775809",
            "2147483647", "-2147483648", "4294967296", "18446744073709551615"]
HOSTILE = EXTREMES + ["", "nan", "-nan", "inf", "-inf", "1e400", "-0", "0x10", " 1", "1 ", "+1", "01", "1.0", "\x00",
                      b"\xff\xfe", "*", "[", "(", "-", "+", "\r\n", "a" * 70, "0", "1", "-1"]
KEYS = [f"k{number}" for number in range(12)]
HOMES = {"string": KEYS[0:2], "list": KEYS[2:4], "hash": KEYS[4:5], "set": KEYS[5:7], "zset": KEYS[7:9],
         "stream": KEYS[9:11]}
LISTS = {"LINDEX", "LINSERT", "LLEN", "LMOVE", "LMPOP", "LPOP", "LPOS", "LPUSH", "LPUSHX", "LRANGE", "LREM", "LSET",
         "LTRIM", "RPOP", "RPOPLPUSH", "RPUSH", "RPUSHX", "BLPOP", "BRPOP", "BLMOVE", "BLMPOP", "BRPOPLPUSH", "SORT"}
SETS = {"SADD", "SREM", "SCARD", "SISMEMBER", "SMISMEMBER", "SMEMBERS", "SMOVE", "SPOP", "SRANDMEMBER", "SINTER",
        "SUNION", "SDIFF", "SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE", "SINTERCARD", "SSCAN"}
ANY = {"DEL", "UNLINK", "EXISTS", "TOUCH", "TYPE", "RENAME", "RENAMENX", "PERSIST", "COPY", "MOVE", "OBJECT", "EXPIRE",
       "PEXPIRE", "EXPIREAT", "PEXPIREAT", "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "SORT_RO", "EVAL"}
TIMED = {"EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "SET", "GETEX", "SETEX", "PSETEX"}
RELATIVE = TIMED - {"EXPIREAT", "PEXPIREAT"}
RANDOM = {"SPOP", "SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER"}
GROWING = {"SETRANGE", "SETBIT", "BITFIELD"}


def _choice(*values):
    return lambda rng: rng.choice(values)


def _value(rng):
    kind = rng.random()
    if kind < 0.35:
        return str(rng.randint(-20, 200))
    if kind < 0.5:
        return rng.choice(["1.5", "-0.25", "3.0", "1e3", "abc", "Hello World", "foobar"])
    if kind < 0.97:
        return rng.choice(["a", "b", "c", "", "x" * 44, "x" * 45, "y" * 70, b"\x00\xff", "10", "9223372036854775806"])
    return "z" * rng.choice([1000, 10000])


def _key(rng):
    """Mostly a key of the type that the command is about."""
    if rng.random() < 0.75:
        return rng.choice(rng.home)
    return rng.choice(KEYS)


def _keys(rng):
    """The number of keys, then as many, nearly always."""
    keys = [_key(rng) for _ in range(rng.choice([1, 1, 2, 2, 3]))]
    count = len(keys) if rng.random() < 0.93 else rng.choice([0, 1, 2, 5, -1])
    return [str(count), *keys]


def _zkeys(rng):
    said = _keys(rng)
    if rng.random() < 0.4:
        said += ["WEIGHTS", *(GENERATORS["score"](rng) for _ in said[1:])]
    return said


def _bitop(rng):
    kind, bits = rng.choice("iu"), rng.choice([1, 2, 5, 8, 16, 31, 32, 63])
    where = rng.choice(["0", "7", "#1", "100", "#3"])
    action = rng.choice([["GET"], ["SET", str(rng.randint(-300, 300))], ["INCRBY", str(rng.randint(-300, 300))],
                         ["OVERFLOW"]])
    if action[0] == "OVERFLOW":
        return ["OVERFLOW", rng.choice(["WRAP", "SAT", "FAIL"])]
    return [action[0], f"{kind}{bits}", where, *action[1:]]


def _degrees(limit):
    """Mostly a place among others, sometimes anywhere or at the edge of the map."""
    def make(rng):
        if rng.random() < 0.7:
            return repr(rng.uniform(10, 12))
        return rng.choice([repr(rng.uniform(-limit, limit)), str(limit), str(-limit), "0", "200"])
    return make


def _centre(rng):
    if rng.random() < 0.4:
        return ["FROMMEMBER", GENERATORS["f"](rng)]
    return ["FROMLONLAT", GENERATORS["lon"](rng), GENERATORS["lat"](rng)]


def _shape(rng):
    word, lengths = rng.choice([("BYRADIUS", 1), ("BYBOX", 2)])
    return [word, *(GENERATORS["length"](rng) for _ in range(lengths)), GENERATORS["unit"](rng)]


def _new_id(rng):
    """Mostly one that is not too small, but slowly so that entries share milliseconds."""
    rng.newest_id = getattr(rng, "newest_id", 0) + rng.choice([0, 0, 1])
    ms = rng.newest_id // 4
    return rng.choice([f"{ms}-*", f"{ms}-*", f"{ms + 1}-*", f"{ms}-{rng.randint(0, 9)}", str(ms + 1)])


def _trim(rng):
    how, sign = rng.choice([["MAXLEN", str(rng.randint(0, 6))], ["MINID", f"{rng.randint(0, 30)}"]]), rng.choice("=~ ")
    limit = ["LIMIT", str(rng.randint(0, 200))] if sign == "~" and rng.random() < 0.5 else []
    return [how[0], *sign.split(), how[1], *limit]


GENERATORS = {
    "k": _key,
    "kh": lambda rng: rng.choice(["h0", "h1", "h2"]) if rng.random() < 0.97 else _key(rng),
    "kg": lambda rng: rng.choice(["g0", "g1", "g2"]) if rng.random() < 0.97 else _key(rng),
    "lon": _degrees(180),
    "lat": _degrees(85.05112878),
    "length": _choice("0", "1", "100", "50", "200000", "1e5", "5e6", "1.5", "3e7", "-1"),
    "unit": _choice("m", "km", "km", "ft", "mi", "yd"),
    "centre": _centre,
    "shape": _shape,
    "keys": _keys,
    "zkeys": _zkeys,
    "v": _value,
    "xid": lambda rng: rng.choice([f"{rng.randint(0, 30)}-{rng.randint(0, 3)}", str(rng.randint(0, 30)), "0"]),
    "xend": lambda rng: rng.choice(["-", "+", f"{rng.randint(0, 30)}", f"({rng.randint(0, 30)}-{rng.randint(0, 3)}"]),
    "xnew": _new_id,
    "xopt": lambda rng: rng.choice([["NOMKSTREAM"], _trim(rng)]),
    "xtrim": lambda rng: _trim(rng),
    "g": _choice("g1", "g1", "g1", "g2"),
    "c": _choice("alice", "bob", "carol"),
    "f": lambda rng: rng.choice(["a", "b", "c", "d", "e", "1", "2", "3", "400000", "", "m" * 65]) if rng.random() < 0.9
    else f"f{rng.randint(0, 300)}",
    "i": lambda rng: str(rng.randint(-6, 8)) if rng.random() < 0.93 else rng.choice(EXTREMES),
    "n": lambda rng: str(rng.randint(-100, 100)) if rng.random() < 0.9 else rng.choice(EXTREMES),
    "count": lambda rng: str(rng.randint(0, 4)) if rng.random() < 0.9 else rng.choice(EXTREMES),
    "db": lambda rng: rng.choice(["0", "0", "1"]),
    "bit": _choice("0", "1"),
    "offset": lambda rng: str(rng.randint(0, 200)),
    "ttl": lambda rng: str(rng.randint(5 * 10**6, 10**8)) if rng.random() < 0.8 else rng.choice(["0", "-1"]),
    "at": _choice("1", "33177117420000", "33177117420", "0"),
    "glob": _choice("*", "k*", "k?", "k[0-4]", "[^a]*", "a", "", "*1*", "f*"),
    "by": _choice("w_*", "k*", "k*->a"),
    "pattern": _choice("w_*", "k*", "k*->a", "#"),
    "float": _choice("1", "-1", "0.1", "2.5", "1e3", "-1e-3", "3.0", "1e17"),
    "score": _choice("0", "1", "2", "3", "-1", "1.5", "inf", "-inf", "1e3", "100", "0.1"),
    "bound": _choice("-inf", "+inf", "0", "1", "(1", "2", "(2", "3", "1.5", "(-1", "100"),
    "lex": _choice("-", "+", "[a", "(a", "[c", "(c", "[", "[e", "(2"),
    "side": _choice("LEFT", "RIGHT"),
    "bittype": _choice("u8", "i8", "u4", "i16", "u63", "i64"),
    "bitop": _bitop,
    "payload": lambda rng: rng.choice(rng.payloads),
}


def _parse(text: str) -> list:
    """A grammar line as nested lists: ("word", w), ("choice", [...]), ("?"|"+"|"*", node), sequences as lists."""
    tokens = re.findall(r"[()|?+*]|[^\s()|?+*]+", text)
    node, rest = _alternatives(tokens)
    assert not rest, text
    return node


def _alternatives(tokens):
    options = [[]]
    while tokens and tokens[0] != ")":
        if tokens[0] == "|":
            options.append([])
            tokens = tokens[1:]
            continue
        node, tokens = _item(tokens)
        options[-1].append(node)
    return ("choice", options), tokens


def _item(tokens):
    head, tokens = tokens[0], tokens[1:]
    if head == "?":
        node, tokens = _item(tokens)
        return ("?", node), tokens
    if head == "(":
        node, tokens = _alternatives(tokens)
        tokens = tokens[1:]
    else:
        node = ("word", head)
    if tokens and tokens[0] in "+*":
        return (tokens[0], node), tokens[1:]
    return node, tokens


def _say(node, rng) -> list:
    kind, inside = node
    if kind == "word":
        if inside not in GENERATORS:
            return [inside]
        made = GENERATORS[inside](rng)
        return made if isinstance(made, list) else [made]
    if kind == "choice":
        return [word for item in rng.choice(inside) for word in _say(item, rng)]
    times = {"?": rng.randint(0, 1), "+": rng.choice([1, 1, 2, 3]), "*": rng.randint(0, 3)}[kind]
    return [word for _ in range(times) for word in _say(inside, rng)]


def _lines(text: str) -> list:
    """Top-level alternatives are commands of their own, so that each is as likely as any other."""
    return [("choice", [option]) for line in text.strip().split("\n") for option in _parse(line)[1]]


COMMANDS, BLOCKING_COMMANDS, SERVER_COMMANDS = _lines(GRAMMAR), _lines(BLOCKING), _lines(server_grammar.GRAMMAR)
DIALOGUES = [[_parse(line) for line in text.split(";")] for text in server_grammar.DIALOGUES.strip().split("\n")]
SERVER_SHARE = 0.15  # of the commands
GENERATORS |= server_grammar.generators(_choice, lambda rng: _say(rng.choice(COMMANDS), rng))


def name_of(node) -> str:
    return node[1][0][0][1]


def names_of(node) -> set:
    """The command's name, alone and with the words that may follow it: of a subcommand, if it has some."""
    words = [item[1] for item in node[1][0] if item[0] == "word"]
    return {words[0], "|".join(words[:2])}


class Dialogue(list):
    """Commands that are sent one by one: each may have several replies, or none."""


def home_of(name: str) -> list:
    """The keys that mostly hold the type the command works on."""
    if name in ANY:
        return KEYS
    if name in LISTS:
        return HOMES["list"]
    if name in SETS:
        return HOMES["set"]
    if name[0] == "X":
        return HOMES["stream"]
    if name[0] == "Z" or name.startswith("BZ"):
        return HOMES["zset"]
    return HOMES["hash" if name[0] == "H" else "string"]


class Speaker:
    """Makes commands from a seed. `known` takes a command's name, as NAME or NAME|SUBCOMMAND.

    One that speaks of data alone has one reply to each command.
    """

    def __init__(self, seed: int, known=lambda name: True, payloads=(b"",), data_alone: bool = False):
        def usable(nodes):
            return [node for node in nodes if all(map(known, names_of(node)))]
        self.rng = random.Random(seed)
        self.rng.payloads, self.rng.home = payloads, KEYS
        self.commands, self.blocking = usable(COMMANDS), usable(BLOCKING_COMMANDS)
        self.server_commands = usable(SERVER_COMMANDS)
        self.data_alone = data_alone

    def item(self):
        """One command, a list of commands to be run as a transaction, or a Dialogue."""
        kind = self.rng.random()
        if kind < 0.01 and not self.data_alone:
            return Dialogue(_say(part, self.rng) for part in self.rng.choice(DIALOGUES))
        if kind > 0.03:
            is_of_data = self.data_alone or self.rng.random() > SERVER_SHARE
            return [self.command(self.commands if is_of_data else self.server_commands)]
        pool = self.commands + self.blocking * 3
        inside = [self.command(pool) for _ in range(self.rng.randint(0, 5))]
        end = ["EXEC"] if self.rng.random() < 0.9 else ["DISCARD"]
        return [["MULTI"], *inside, end]

    def command(self, pool) -> list:
        node = self.rng.choice(pool)
        self.rng.home = home_of(name_of(node))
        words = _say(node, self.rng)
        if self.rng.random() < 0.06 and "kx" not in words:  # kx has members of one score only
            words = self._disturbed(words)
        if self.rng.random() < 0.1:
            words[0] = self.rng.choice([str.lower, str.title])(words[0])
        return tamed(words)

    def _disturbed(self, words: list) -> list:
        """The same with a hostile argument, one too few or one too many."""
        at = self.rng.randint(1, len(words))
        kind = self.rng.random()
        if kind < 0.6 and at < len(words):
            return words[:at] + [self.rng.choice(HOSTILE)] + words[at + 1:]
        if kind < 0.8:
            return words[:at] + words[at + 1:]
        return words[:at] + [self.rng.choice(HOSTILE)] + words[at:]


def tamed(words: list) -> list:
    """Takes away what would make replies depend on luck, wait, or need gigabytes."""
    name = words[0].upper()
    if name in ("LPOS", "LSET"):  # 7.0 takes the smallest rank, 7.2 cuts the index to 32 bits
        words = ["99" if word in EXTREMES else word for word in words]
    if name == "XADD":  # that id would be the time
        words = ["1-*" if word == "*" else word for word in words]
    if name in ("ZRANK", "ZREVRANK"):  # a fourth word is new in 7.2
        words = words[:3]
    if name in RANDOM and len(words) == 2:
        words = [*words, "1000"]
    if name == "CONFIG":  # of the whole list each server has its own
        words = ["timeout" if word == "*" else word for word in words]
    if name == "WAIT":
        words = [name, "0", *("1" if str(word).startswith("92") else word for word in words[2:])]
    if name in ("REPLICAOF", "SLAVEOF"):
        words = [name, "NO", "ONE"]
    if name == "HELLO":  # 7.0 logs in before it reads on
        words = words[:4] if "SETNAME" in words else words[:5]
    if [str(word).upper() for word in words[:2]] == ["CLIENT", "PAUSE"]:
        words = ["CLIENT", "PAUSE", "0", *words[3:]]
    return [words[0]] + [_tamed_word(name, word) for word in words[1:]]


def _tamed_word(name: str, word):
    try:
        number = int(word)
    except (TypeError, ValueError):
        return word
    if name in TIMED and 0 < number < 10**5 and word not in ("1",):
        return f"5{number:06}"
    if name in RELATIVE and word.strip() == "1":
        return "5000001"
    if name in RANDOM and (-2**63 < number < -50 or 0 < number < 1000):
        return "1000"
    if name in GROWING and 10**5 < number < 2**32:
        return "4294967296"
    return word
