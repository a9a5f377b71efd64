"""A primary and replicas, each behind a proxy for each other it may follow, and a failover that tests drive.

Nobody watches these servers but the test: it breaks something, calls fail_over(), and later heal(). fail_over() is what
a right manager does without leases: it first takes care that no replica confirms anything to the old primary any more,
and only then looks which of them has most.
"""

import contextlib
import pathlib
import shutil
import signal
import tempfile

from faults.load import Directory
from faults.proxy import FaultProxy
from resp.wire import info_fields
from servers import HOST, Kiln, pause_process, wait_until

NOWHERE = (HOST, 1)  # nobody listens there
OPTIONS = ("--repl-diskless-sync-delay", "0", "--io-threads", "2")
LINK_TIMEOUT_S = 30


class Node(Kiln):
    """One that can be killed, and started again on its port, without its data."""

    def __init__(self, *options):
        super().__init__(*OPTIONS, *options)
        self.is_paused = False

    @property
    def address(self):
        return HOST, self.port

    def call(self, *words):
        with self.connect(timeout_s=10.0) as connection:
            reply = connection.call(*words)
        assert reply[0] != "-", (words, reply)
        return reply[1]

    def info(self, section="replication") -> dict:
        with self.connect(timeout_s=10.0) as connection:
            return info_fields(connection.call("INFO", section))

    def offset(self) -> int:
        return int(self.info()["master_repl_offset"])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def pause(self):
        pause_process(self.process.pid)
        self.is_paused = True

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)
        self.is_paused = False

    def stop(self):
        if self.process and self.is_alive():
            self.go_on()
        super().stop()


class Group:
    def __init__(self, *options, nodes=3, make=Node):
        self.nodes = [make(*options) for _ in range(nodes)]
        self.directory = Directory()
        self.proxies = {}

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            for node in self.nodes:
                stack.enter_context(node)
            self.stack = stack.pop_all()
        self.primary = self.nodes[0]
        self.directory.address = self.primary.address
        for replica in self.replicas:
            self.follow(replica)
        self.wait_in_step()
        return self

    def __exit__(self, *exception):
        if exception[0] is not None:
            self.keep_logs()
        self.stack.close()

    def keep_logs(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="kiln-failed-group-"))
        for number, node in enumerate(self.nodes):
            shutil.copy(node.directory / "log", folder / f"{number}-port-{node.port}")
        print(f"logs of the group: {folder}")

    @property
    def replicas(self) -> list:
        return [node for node in self.nodes if node is not self.primary]

    # ---- Who follows whom ----

    def link(self, replica, primary) -> FaultProxy:
        """What a replica reaches a primary through."""
        key = (self.nodes.index(replica), self.nodes.index(primary))
        if key not in self.proxies:
            self.proxies[key] = self.stack.enter_context(FaultProxy(HOST, primary.port))
        return self.proxies[key]

    def links(self) -> list:
        """Those in use."""
        return [self.link(replica, self.primary) for replica in self.replicas]

    def follow(self, replica):
        replica.call("REPLICAOF", HOST, self.link(replica, self.primary).port)

    def fail_over(self, to=None) -> "Node":
        """The replica that has most is the primary. The old one, whatever it is doing, is not asked."""
        heirs = [node for node in self.replicas if node.is_alive() and not node.is_paused]
        for node in heirs:
            node.call("REPLICAOF", *NOWHERE)
        chosen = to or max(heirs, key=Node.offset)
        chosen.call("REPLICAOF", "NO", "ONE")
        self.primary = chosen
        for node in heirs:
            if node is not chosen:
                self.follow(node)
        self.directory.address = chosen.address
        return chosen

    def heal(self):
        """Whoever was killed comes back without its data, whoever was paused goes on; all follow the primary."""
        for proxy in self.proxies.values():
            proxy.heal()
        for node in self.nodes:
            if not node.is_alive():
                node.start()
            if node.is_paused:
                node.go_on()
        for node in self.replicas:
            self.follow(node)

    def wait_in_step(self):
        def is_linked(node):
            return node.info().get("master_link_status") == "up" and node.info()["role"] == "slave"

        for node in self.replicas:
            wait_until(lambda: is_linked(node), LINK_TIMEOUT_S, f"the link of port {node.port} is up")
        wait_until(lambda: len({node.offset() for node in self.nodes}) == 1, LINK_TIMEOUT_S, "all have everything")

    def set(self, name, value):
        for node in self.nodes:
            node.call("CONFIG", "SET", name, value)

    def contents(self, node=None) -> dict:
        """By key, what lists hold."""
        with (node or self.primary).connect() as client:
            keys = client.call("KEYS", "list:*")[1]
            return {key[1].decode(): [value[1].decode() for value in client.call("LRANGE", key[1], 0, -1)[1]]
                    for key in keys}
