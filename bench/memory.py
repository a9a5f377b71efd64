"""Resident bytes for each key beyond key and value, for what collections hold, and for each idle connection."""

import load
import peers
import summary

KEY_BYTES, VALUE_BYTES = 16, 32
PATTERNS = {
    ("resp", False): "SET key:{seq} {value}",
    ("resp", True): "SET key:{seq} {value} EX 100000",
    ("memcache", False): "set key:{seq} 0 0 32|{value}",
    ("memcache", True): "set key:{seq} 0 100000 32|{value}",
}
WITH_FLAGS = "set key:{seq} 77 0 32|{value}"
READ = {"resp": "GET key:{key}", "memcache": "get key:{key}"}
LIMITS = {False: 26, True: None}
ITEM_LIMIT = 30

HASH_FIELDS = "".join(f" field-{number:02} {{key}}" for number in range(10))
# What is filled, how many times in full and to try it out, with which request, and what each may take in Kiln
# (None: no more than in Redis).
COLLECTIONS = (
    ("member of a sorted set of 5 M", (5_000_000, 100_000), "ZADD set {key} member::{seq}", 60),
    ("member of 1,000 sorted sets", (5_000_000, 400_000), "ZADD set:{few} {key} member::{seq}", 60),
    ("hash of 10 fields", (100_000, 100_000), "HSET hash:{seq}" + HASH_FIELDS, None),
)


def key_row(session, kind, has_ttl: bool) -> list:
    keys = session.size(5_000_000, 100_000)
    with kind() as server:
        session.say(f"{server.label}, {keys:,} keys{' with TTL' if has_ttl else ''}")
        options = {"keys": keys, "value_bytes": VALUE_BYTES, "pipeline": 64}
        load.run(server, READ[server.protocol], may_miss=True, requests=50_000, **options)  # its buffers
        empty = server.rss_bytes()
        load.run(server, PATTERNS[server.protocol, has_ttl], requests=keys, **options)
        # Peers move keys to a larger table while they serve; the reads let them finish.
        load.run(server, READ[server.protocol], requests=keys, **options)
        full = server.rss_bytes()
        overhead = (full - empty) / keys - KEY_BYTES - VALUE_BYTES
        used = f"{server.info('used_memory') / full:.2f}" if server.protocol == "resp" else ""
    target = summary.verdict(overhead, LIMITS[has_ttl]) if kind is peers.Kiln and LIMITS[has_ttl] else ""
    return [server.label, "yes" if has_ttl else "no", f"{overhead:.1f}", used, target]


def collection_bytes(session, kind, what: str, sizes: tuple, pattern: str) -> tuple:
    """Resident bytes and the server's own count, for each element."""
    count = session.size(*sizes)
    with kind() as server:
        session.say(f"{server.label}, {count:,} times: {what}")
        load.run(server, "GET key:{key}", may_miss=True, requests=50_000, pipeline=64)  # its buffers
        before = server.rss_bytes(), server.info("used_memory")
        load.run(server, pattern, keys=count, requests=count, pipeline=64)
        after = server.rss_bytes(), server.info("used_memory")
    return tuple((late - early) / count for early, late in zip(before, after, strict=True))


def collection_rows(session, what: str, sizes: tuple, pattern: str, limit) -> list:
    redis = collection_bytes(session, peers.Redis, what, sizes, pattern)
    kiln = collection_bytes(session, peers.Kiln, what, sizes, pattern)
    target = summary.verdict(kiln[0], limit if limit else redis[0])
    return [[label, what, *(f"{value:.1f}" for value in values), text]
            for label, values, text in (("redis", redis, ""), ("Kiln", kiln, target))]


def item_row(session, kind) -> list:
    """memcached's items, with flags and a CAS number."""
    keys = session.size(5_000_000, 100_000)
    with kind() as server:
        session.say(f"{server.label}, {keys:,} items with flags")
        options = {"keys": keys, "value_bytes": VALUE_BYTES, "pipeline": 64}
        load.run(server, READ["memcache"], may_miss=True, requests=50_000, **options)
        empty = server.rss_bytes()
        load.run(server, WITH_FLAGS, requests=keys, **options)
        load.run(server, READ["memcache"], requests=keys, **options)
        overhead = (server.rss_bytes() - empty) / keys - KEY_BYTES - VALUE_BYTES
    target = summary.verdict(overhead, ITEM_LIMIT) if kind is peers.KilnMemcached else ""
    return [server.label, f"{overhead:.1f}", target]


def connection_row(session, kind, count: int = 1_000) -> list:
    with kind() as server:
        session.say(f"{server.label}, {count:,} idle connections")
        with peers.idle_connections(server, 20):  # what the first ones need is not theirs
            pass
        before = server.rss_bytes()
        with peers.idle_connections(server, count):
            each = (server.rss_bytes() - before) / count
    return [server.label, f"{each:,.0f}", summary.verdict(each, 1024) if kind is peers.Kiln else ""]


def table(session) -> str:
    kinds = (peers.Redis, peers.Memcached, peers.Kiln)
    keys = [key_row(session, kind, has_ttl) for has_ttl in (False, True) for kind in kinds]
    items = [item_row(session, kind) for kind in (peers.Memcached, peers.KilnMemcached)]
    collections = [row for line in COLLECTIONS for row in collection_rows(session, *line)]
    connections = [connection_row(session, kind) for kind in kinds]
    return (summary.markdown(["server", "TTL", "bytes a key", "used_memory / RSS", "target"], keys) + "\n\n"
            + summary.markdown(["server", "element", "bytes each", "of used_memory", "target"], collections) + "\n\n"
            + summary.markdown(["server", "bytes an item with flags and CAS", "target"], items) + "\n\n"
            + summary.markdown(["server", "bytes an idle connection", "target"], connections))
