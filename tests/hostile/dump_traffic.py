"""Traffic on a value that came from outside: reads, changes, and the proof that it can be written again."""

import random

KINDS = {b"string": "string", b"list": "list", b"set": "set", b"zset": "zset", b"hash": "hash", b"stream": "stream"}

READS = {
    "string": [["GET", "k"], ["STRLEN", "k"], ["GETRANGE", "k", "-5", "9"], ["BITCOUNT", "k"], ["BITPOS", "k", "1"],
               ["PFCOUNT", "k"], ["LCS", "k", "other", "LEN"], ["BITFIELD_RO", "k", "GET", "i64", "3"]],
    "list": [["LRANGE", "k", "0", "-1"], ["LLEN", "k"], ["LINDEX", "k", "-2"], ["LPOS", "k", "a", "COUNT", "0"],
             ["SORT", "k", "ALPHA", "LIMIT", "0", "5"], ["LRANGE", "k", "3", "7"]],
    "set": [["SMEMBERS", "k"], ["SCARD", "k"], ["SISMEMBER", "k", "a"], ["SRANDMEMBER", "k", "-7"],
            ["SSCAN", "k", "0", "COUNT", "1000"], ["SINTER", "k", "k"], ["SUNIONSTORE", "other", "k"]],
    "zset": [["ZRANGE", "k", "0", "-1", "WITHSCORES"], ["ZCARD", "k"], ["ZRANGEBYSCORE", "k", "-inf", "+inf"],
             ["ZRANK", "k", "a", "WITHSCORE"], ["ZREVRANGE", "k", "0", "3"], ["ZLEXCOUNT", "k", "-", "+"],
             ["ZRANDMEMBER", "k", "-5", "WITHSCORES"], ["ZSCAN", "k", "0"], ["GEOPOS", "k", "a"],
             ["ZUNIONSTORE", "other", "2", "k", "k", "WEIGHTS", "inf", "-inf"]],
    "hash": [["HGETALL", "k"], ["HLEN", "k"], ["HGET", "k", "a"], ["HRANDFIELD", "k", "-5", "WITHVALUES"],
             ["HSCAN", "k", "0", "COUNT", "1000"], ["HSTRLEN", "k", "f"], ["HMGET", "k", "f", "1"]],
    "stream": [["XRANGE", "k", "-", "+"], ["XREVRANGE", "k", "+", "-", "COUNT", "3"], ["XLEN", "k"],
               ["XINFO", "STREAM", "k", "FULL"], ["XINFO", "GROUPS", "k"], ["XINFO", "CONSUMERS", "k", "g"],
               ["XPENDING", "k", "g"], ["XPENDING", "k", "g", "-", "+", "10"], ["XREAD", "STREAMS", "k", "0"],
               ["XREVRANGE", "k", "725", "233"]],
}
CHANGES = {
    "string": [["APPEND", "k", "x"], ["INCR", "k"], ["SETRANGE", "k", "5", "yy"], ["PFADD", "k", "z"], ["GETDEL", "k"],
               ["BITFIELD", "k", "INCRBY", "u7", "11", "90"], ["PFMERGE", "k", "k"], ["SETBIT", "k", "700", "1"]],
    "list": [["LPUSH", "k", "x"], ["RPUSH", "k", "y" * 300], ["LPOP", "k"], ["RPOP", "k", "3"], ["LSET", "k", "0", "z"],
             ["LINSERT", "k", "AFTER", "a", "b"], ["LREM", "k", "0", "a"], ["LTRIM", "k", "1", "-2"],
             ["LMOVE", "k", "k", "LEFT", "RIGHT"], ["RPOPLPUSH", "k", "other"]],
    "set": [["SADD", "k", "x", "1", "99999999999"], ["SREM", "k", "a", "5"], ["SPOP", "k"],
            ["SMOVE", "k", "other", "b"], ["SADD", "k", "y" * 70],
            ["SPOP", "k", "2"], ["SDIFFSTORE", "k", "k", "other"]],
    "zset": [["ZADD", "k", "1", "x", "-inf", "a"], ["ZINCRBY", "k", "-5", "b"], ["ZPOPMIN", "k"], ["ZPOPMAX", "k", "2"],
             ["ZREM", "k", "a"], ["ZADD", "k", "2", "y" * 70], ["ZREMRANGEBYRANK", "k", "0", "0"],
             ["ZREMRANGEBYSCORE", "k", "(1", "5"], ["ZINCRBY", "k", "inf", "a"]],
    "hash": [["HSET", "k", "x", "1", "f", "2"], ["HDEL", "k", "a", "f"], ["HINCRBY", "k", "n", "5"],
             ["HINCRBYFLOAT", "k", "n", "1.5"], ["HSET", "k", "y", "z" * 70], ["HSETNX", "k", "a", "b"]],
    "stream": [["XADD", "k", "*", "f", "v"], ["XADD", "k", "MAXLEN", "3", "*", "f", "v", "g", "w"],
    ["XDEL", "k", "1-0"],
               ["XTRIM", "k", "MAXLEN", "1"], ["XREADGROUP", "GROUP", "g", "anna", "STREAMS", "k", ">"],
               ["XREADGROUP", "GROUP", "g", "bert", "STREAMS", "k", "0"], ["XACK", "k", "g", "1-0", "2-0"],
               ["XCLAIM", "k", "g", "bert", "0", "1-0", "2-0", "7-0"], ["XAUTOCLAIM", "k", "g", "carl", "0", "0"],
               ["XGROUP", "DELCONSUMER", "k", "g", "anna"], ["XGROUP", "DESTROY", "k", "g"],
               ["XGROUP", "CREATE", "k", "h", "0"], ["XSETID", "k", "99999999999999-1"], ["XTRIM", "k", "MINID", "2"]],
}


def traffic(kind: str, rng: random.Random) -> list:
    """Mostly what fits the type, a little of what fits another."""
    commands = []
    for _ in range(rng.randint(4, 16)):
        table = rng.choice([READS, CHANGES])
        chosen = kind if rng.random() < 0.95 else rng.choice(list(table))
        commands.append(rng.choice(table[chosen]))
    return commands


def whole(client, key: str) -> bytes:
    """DEBUG DIGEST-VALUE of a key, once the fields of a hash that are due have left it."""
    client.call("HLEN", key)
    sigil, items = client.call("DEBUG", "DIGEST-VALUE", key)
    assert sigil == "*" and len(items) == 1
    return items[0][1]


def assert_written_again(client, key: str):
    """What DUMP says of it, and COPY makes of it, is the same value."""
    digest, payload = whole(client, key), client.call("DUMP", key)[1]
    assert client.call("RESTORE", "again", 0, payload, "REPLACE") == ("+", b"OK"), payload
    assert whole(client, "again") == digest, payload
    assert client.call("COPY", key, "again", "REPLACE") == (":", 1)
    assert whole(client, "again") == digest


def assert_sound(client, key: str, seed: int):
    """The value is read in every way and changed until little is left; each reply is one."""
    rng = random.Random(seed)
    client.call("RENAME", key, "source")
    assert_written_again(client, "source")
    kind = KINDS[client.call("TYPE", "source")[1]]
    for _ in range(5):
        client.call("COPY", "source", "k", "REPLACE")
        replies = client.pipeline(READS[kind] + traffic(kind, rng) + READS[kind])
        assert all(reply[0] in "+-:$*" for reply in replies)
        if client.call("EXISTS", "k") == (":", 1):
            assert_written_again(client, "k")
    client.call("DEL", "k", "again", "other", "source")
