"""Resident bytes for each key beyond key and value, and for each idle connection."""

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
READ = {"resp": "GET key:{key}", "memcache": "get key:{key}"}
LIMITS = {False: 26, True: None}


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
    connections = [connection_row(session, kind) for kind in kinds]
    return (summary.markdown(["server", "TTL", "bytes a key", "used_memory / RSS", "target"], keys) + "\n\n"
            + summary.markdown(["server", "bytes an idle connection", "target"], connections))
