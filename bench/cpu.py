"""Server CPU time for each request, against the no-op responder and the peers."""

import load
import peers
import summary

KEY = "key:{key}"  # 16 bytes
GET = {"resp": f"GET {KEY}", "memcache": f"get {KEY}"}
SET = {"resp": f"SET {KEY} {{value}}", "memcache": f"set {KEY} 0 0 64|{{value}}"}


def fill(server, keys: int, value_bytes: int = 64):
    pattern = {"resp": "SET key:{seq} {value}", "memcache": f"set key:{{seq}} 0 0 {value_bytes}|{{value}}"}
    load.run(server, pattern[server.protocol], requests=keys, keys=keys, value_bytes=value_bytes, pipeline=64)


def measured(rounds: int, servers, patterns, before=None, **options) -> dict:
    """CPU microseconds for each request, by label, for each round; `before` is sent ahead of each."""
    def measure(server) -> float:
        if before:
            pattern, requests = before
            load.run(server, pattern, requests=requests, pipeline=64, keys=options["keys"])
        pattern = patterns if isinstance(patterns, str) else patterns[server.protocol]
        return load.run(server, pattern, may_miss=pattern.startswith("LPOP"), **options)["cpu_us"]
    return summary.alternate(rounds, {server.label: lambda s=server: measure(s) for server in servers})


def table_get(session) -> str:
    keys = session.size(1_000_000, 20_000)
    rows = []
    with peers.running(peers.Noop(), peers.Redis(), peers.Memcached(), peers.Kiln()) as servers:
        for server in servers:
            fill(server, keys)
        for pipeline, requests, limit in ((1, 150_000, 1.08), (16, 800_000, 1.35), (64, 1_500_000, 1.5)):
            session.say(f"GET, pipeline {pipeline}")
            cpu = measured(session.rounds, servers, GET, keys=keys, pipeline=pipeline,
                           requests=session.size(requests, requests // 50))
            against = {peer: summary.ratios(cpu["Kiln"], cpu[peer]) for peer in ("no-op", "redis", "memcached")}
            rows.append([pipeline, *(f"{summary.median(cpu[server.label]):.2f}" for server in servers),
                         *map(summary.spread, against.values()),
                         summary.verdict(summary.median(against["no-op"]), limit, "x no-op")])
    headers = ["pipeline", *(f"{server.label}, us" for server in servers),
               *(f"Kiln / {peer}" for peer in against), "target"]
    return summary.markdown(headers, rows)


# name, what fills it before each round (pattern, requests), what is measured (pattern, requests)
COMMANDS = (
    ("SET", None, "SET key:{key} {value}", 400_000),
    ("INCR", None, "INCR counter:{key}", 400_000),
    ("LPUSH", None, "LPUSH list:{few} {value}", 400_000),
    ("LPOP", ("LPUSH list:{few} {value}", 500_000), "LPOP list:{few}", 400_000),
    ("SADD", None, "SADD set:{few} member:{key}", 400_000),
    ("HSET", None, "HSET hash:{few} field:{key} {value}", 400_000),
    ("ZADD", None, "ZADD zset:{few} {key} member:{key}", 400_000),
    ("XADD", None, "XADD stream:{few} * field:1 {value}", 400_000),
    ("LRANGE 100", ("RPUSH list:{few} value:{key}", 150_000), "LRANGE list:{few} 0 99", 40_000),
    ("ZRANGE 100", ("ZADD zset:{few} {key} member:{key}", 150_000), "ZRANGE zset:{few} 0 99", 40_000),
)
SCRIPT = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])"
MEMCACHE = (
    ("mg", f"mg {KEY} v", 400_000),
    ("ms", f"ms {KEY} 64|{{value}}", 400_000),
    ("get", f"get {KEY}", 400_000),
    ("get of 16 keys", "get" + 16 * f" {KEY}", 30_000),
    ("set", f"set {KEY} 0 0 64|{{value}}", 400_000),
)
BINARY = (("get", f"get {KEY}", 400_000), ("set", f"set {KEY} {{value}}", 400_000))


def compared(session, name: str, servers, pattern: str, requests: int, limit: float, **options) -> list:
    """A row: what a request costs the peer and Kiln, which come in this order."""
    session.say(f"{name}, pipeline 16")
    keys = session.size(1_000_000, 20_000)
    try:
        cpu = measured(session.rounds, servers, pattern, keys=keys, pipeline=16,
                       requests=session.size(requests, requests // 50), **options)
    except load.Failed as failure:  # a command that is not there yet spoils its row alone
        return [name, servers[0].label, "", "", str(failure), ""]
    theirs, ours = cpu.values()
    against = summary.ratios(ours, theirs)
    return [name, servers[0].label, f"{summary.median(theirs):.2f}", f"{summary.median(ours):.2f}",
            summary.spread(against), summary.verdict(summary.median(against), limit)]


def table_commands(session) -> str:
    rows = []
    with peers.running(peers.Redis(), peers.Kiln()) as servers:
        for name, before, pattern, requests in COMMANDS:
            for server in servers:
                server.call("FLUSHALL")
            rows.append(compared(session, name, servers, pattern, requests, 0.6, before=before))
        sha = [server.call("SCRIPT", "LOAD", SCRIPT).decode() for server in servers][0]
        rows.append(compared(session, "EVALSHA SET+GET", servers, f"EVALSHA {sha} 1 {KEY} {{value}}", 150_000, 0.5))
    with peers.running(peers.Memcached(), peers.KilnMemcached()) as servers:
        for server in servers:
            fill(server, session.size(1_000_000, 20_000))
        for name, pattern, requests in MEMCACHE:
            rows.append(compared(session, f"memcached {name}", servers, pattern, requests, 0.6))
        for name, pattern, requests in BINARY:
            rows.append(compared(session, f"memcached binary {name}", servers, pattern, requests, 0.6,
                                 protocol="binary"))
    note = "memcached 1.6.18 sends the reply to each pipelined `get` by itself; keys of one `get` share one."
    return summary.markdown(["command", "peer", "peer, us", "Kiln, us", "Kiln / peer", "target"], rows) + "\n\n" + note
