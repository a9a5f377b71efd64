"""Redis's Sentinel as a context manager, over a primary that is there already."""

import redis
import redis.sentinel

from servers import HOST, Redis

GROUP = "shop"
# Sentinel asks each server once a second, or as often as this if that is more often; it needs room for a late answer.
DOWN_AFTER_MS = 1500


class Sentinel(Redis):
    """redis-sentinel is redis-server by another name; it rewrites its configuration file."""

    name = "sentinel"

    def __init__(self, *addresses, quorum=1, down_after_ms=DOWN_AFTER_MS, failover_timeout_ms=5000):
        super().__init__()
        self.rows = [row for host, port in addresses for row in (
            f"sentinel monitor {GROUP} {host} {port} {quorum}",
            f"sentinel down-after-milliseconds {GROUP} {down_after_ms}",
            f"sentinel failover-timeout {GROUP} {failover_timeout_ms}",
            f"sentinel parallel-syncs {GROUP} 2")]

    def argv(self):
        file = self.directory / "sentinel.conf"
        if not file.exists():
            file.write_text("\n".join([f"port {self.port}", f"bind {HOST}", f"dir {self.directory}",
                                       "protected-mode no", *self.rows, ""]))
        return [self.binary(), str(file), "--sentinel"]

    def clients(self) -> redis.sentinel.Sentinel:
        """As applications have it."""
        return redis.sentinel.Sentinel([(HOST, self.port)], socket_timeout=2)

    def primary(self):
        """Where it says that the primary is; None while it does not know."""
        try:
            return self.clients().discover_master(GROUP)
        except redis.sentinel.MasterNotFoundError:
            return None

    def replicas(self) -> list:
        try:
            return self.clients().discover_slaves(GROUP)
        except redis.sentinel.MasterNotFoundError:
            return []

    def others(self) -> int:
        """How many other Sentinels it knows."""
        with self.connect() as client:
            found = client.call("SENTINEL", "SENTINELS", GROUP)
        return len(found[1])

    def linked(self) -> int:
        """How many replicas it knows to have a link to their primary."""
        with self.connect() as client:
            found = client.call("SENTINEL", "REPLICAS", GROUP)[1]
        rows = [[field[1] for field in row[1]] for row in found]
        return sum(row[row.index(b"master-link-status") + 1] == b"ok" for row in rows)
