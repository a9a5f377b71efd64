"""Misses at equal memory: traces of gets, each miss followed by a set, with keyspaces a few times what fits."""

import load
import peers
import summary

MEGABYTES = 64
# name, what a request is (options of trace-client), and the target as a share of memcached's misses
TRACES = (
    ("Zipf 0.9", {"alpha": 0.9}, 0.90),
    ("Zipf 1.0", {"alpha": 1.0}, 0.95),
    ("Zipf 0.9, 30% scans", {"alpha": 0.9, "scan_percent": 30}, 0.75),
    ("Zipf 0.9, half expire", {"alpha": 0.9, "ttl_percent": 50, "ttl_s": 3, "rate": 200_000}, 0.90),
)
SHIFTS = (100, 900, 300)
KINDS = (peers.Memcached, peers.KilnMemcached)


def statistics(server) -> dict:
    with server.connect(timeout_s=60) as client:
        client.send_raw(b"stats\r\n")
        text = b""
        while not text.endswith(b"END\r\n"):
            text += client.socket.recv(65536)
    return {words[1]: words[2] for words in map(str.split, text.decode().splitlines()) if len(words) == 3}


def limited(kind, *options):
    return kind("-m", str(MEGABYTES), *options)  # behind the larger -m of peers.py: the last one counts


def miss_ratio(session, kind, options: dict) -> tuple:
    """Of the popular keys, of all requests; and what the server has done."""
    requests = session.size(5_000_000, 1_000_000)
    with limited(kind) as server:
        session.say(f"{server.label}: {options}")
        result = load.replay(server, requests=requests, keys=1_600_000, measure_from=requests // 2, **options)
        numbers = statistics(server)
        numbers["rss"] = server.rss_bytes()
    popular = result["misses"] / result["gets"]
    everything = (result["misses"] + result["scan_misses"]) / (result["gets"] + result["scan_gets"])
    return popular, everything, numbers


def miss_rows(session, trace) -> list:
    name, options, target = trace
    peer, ours = (miss_ratio(session, kind, options) for kind in KINDS)
    share = ours[0] / peer[0]
    return [name, f"{peer[0]:.4f}", f"{ours[0]:.4f}", f"{share:.3f}", summary.verdict(share, target),
            f"{peer[1]:.4f}", f"{ours[1]:.4f}", *(f"{int(found[2]['curr_items']):,}" for found in (peer, ours)),
            *(f"{found[2]['rss'] >> 20}" for found in (peer, ours))]


def items_after_shifts(session, kind) -> list:
    """[value bytes, items of this part, resident MB] behind each part, whose keys are its own."""
    requests = session.size(2_000_000, 500_000)
    found = []
    with limited(kind) as server:
        for part, value_bytes in enumerate(SHIFTS):
            session.say(f"{server.label}: values of {value_bytes} bytes")
            result = load.replay(server, requests=requests, keys=800_000, first_key=part * 800_000,
                                 value_bytes=value_bytes, count_held=1)
            found.append((value_bytes, result["held"], server.rss_bytes() >> 20))
    return found


def shift_rows(session) -> list:
    peer, ours = (items_after_shifts(session, kind) for kind in KINDS)
    rows = []
    for (value_bytes, peer_items, peer_mb), (_, our_items, our_mb) in zip(peer, ours):
        share = our_items / peer_items
        verdict = summary.verdict(1 / share, 1 / 1.25) if value_bytes != SHIFTS[0] else ""
        rows.append([f"{value_bytes} B", f"{peer_items:,}", f"{our_items:,}", f"{share:.2f}", verdict,
                     f"{peer_mb}", f"{our_mb}"])
    return rows


def table(session) -> str:
    traces = [miss_rows(session, trace) for trace in TRACES]
    return (summary.markdown(["trace", "memcached", "Kiln", "share", "target", "memcached, with scans",
                              "Kiln, with scans", "memcached's items", "Kiln's items", "memcached's MB", "Kiln's MB"],
                             traces) + "\n\n"
            + summary.markdown(["values", "memcached's items", "Kiln's items", "share", "target", "memcached's MB",
                                "Kiln's MB"], shift_rows(session)))
