"""What servers cost that nobody asks anything. They idle at the same time, with two workers each."""

import contextlib
import time

import peers
import summary


def fastest(before: dict, after: dict) -> int:
    """Wake-ups of the thread that had most of them."""
    return max(count - before.get(thread, 0) for thread, count in after.items())


def sampled(session, servers) -> dict:
    """CPU share in percent, wake-ups a second and those of the busiest thread, for each window in turn."""
    window_s = session.size(20.0, 2.0) / session.rounds
    samples = {server.label: [] for server in servers}
    for _ in range(session.rounds):
        before = [(server.cpu_s(), server.wakeups()) for server in servers]
        started = time.monotonic()
        time.sleep(window_s)
        elapsed = time.monotonic() - started
        for server, (cpu_s, wakeups) in zip(servers, before):
            now = server.wakeups()
            samples[server.label].append(((server.cpu_s() - cpu_s) / elapsed * 100,
                                          (sum(now.values()) - sum(wakeups.values())) / elapsed,
                                          fastest(wakeups, now) / elapsed))
    return samples


def table(session) -> str:
    rows = []
    both = {"cores": peers.BOTH_CORES}
    with peers.running(peers.Redis(**both), peers.Memcached(workers=2, **both),
                       peers.Kiln(workers=2, **both)) as servers:
        for connections in (0, 1_000):
            session.say(f"idle, {connections:,} connections each")
            with contextlib.ExitStack() as stack:
                for server in servers:
                    stack.enter_context(peers.idle_connections(server, connections))
                for label, values in sampled(session, servers).items():
                    cpu, all_threads, busiest = zip(*values)
                    target = summary.verdict(round(summary.median(busiest)), 10, " a second") if label == "Kiln" else ""
                    rows.append([label, connections, summary.spread(cpu, 3), summary.spread(all_threads, 1),
                                 summary.spread(busiest, 1), target])
    return summary.markdown(["server", "connections", "CPU, %", "wake-ups a second", "of the busiest thread",
                             "target"], rows)
