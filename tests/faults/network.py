"""Servers in network namespaces of their own, between which packets can be dropped: whole, or one way only.

Needs root, `ip` and `nft`. All names and addresses are this process's, and go with it.
"""

import contextlib
import os
import shutil
import subprocess

import pytest

from faults.group import Node
from resp.wire import Connection

NAME = f"kf{os.getpid() % 10_000}"
NETWORK = f"10.{200 + os.getpid() % 50}.{os.getpid() // 50 % 250}"
HUB = 250  # the tests' own address


def run(*words, check=True):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0 or not check, f"{words}: {done.stderr}"


class Network:
    """A bridge that the tests reach, and hosts behind it."""

    def __init__(self, hosts: int):
        if os.geteuid() != 0 or not (shutil.which("ip") and shutil.which("nft")):
            pytest.skip("needs root, ip and nft")
        self.hosts = range(1, hosts + 1)

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.callback(self.take_down)
            run("ip", "link", "add", NAME, "type", "bridge")
            run("ip", "addr", "add", f"{NETWORK}.{HUB}/24", "dev", NAME)
            run("ip", "link", "set", NAME, "up")
            for host in self.hosts:
                self.add(host)
            stack.pop_all()
        return self

    def add(self, host):
        space, inside, outside = self.space(host), f"{NAME}i{host}", f"{NAME}o{host}"
        run("ip", "netns", "add", space)
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", space)
        run("ip", "link", "set", outside, "master", NAME, "up")
        run("ip", "-n", space, "addr", "add", f"{self.address(host)}/24", "dev", inside)
        for device in (inside, "lo"):
            run("ip", "-n", space, "link", "set", device, "up")
        run("ip", "netns", "exec", space, "nft", "add table ip faults; add chain ip faults arrives "
            "{ type filter hook input priority 0; }")

    def __exit__(self, *_):
        self.take_down()

    def take_down(self):
        for host in self.hosts:
            run("ip", "netns", "delete", self.space(host), check=False)
            run("ip", "link", "delete", f"{NAME}o{host}", check=False)
        run("ip", "link", "delete", NAME, check=False)

    @staticmethod
    def space(host) -> str:
        return f"{NAME}n{host}"

    @staticmethod
    def address(host) -> str:
        return f"{NETWORK}.{host}"

    def drop(self, sender, receiver):
        """From now on nothing that this host sends arrives at that one."""
        run("ip", "netns", "exec", self.space(receiver), "nft", "add", "rule", "ip", "faults", "arrives",
            "ip", "saddr", self.address(sender), "drop")

    def part(self, one, other):
        self.drop(one, other)
        self.drop(other, one)

    def heal(self):
        for host in self.hosts:
            run("ip", "netns", "exec", self.space(host), "nft", "flush", "chain", "ip", "faults", "arrives")


class Host(Node):
    """A kiln-server on one of the hosts. `ip netns exec` becomes it, so its pid is its own."""

    def __init__(self, network, number, *options):
        super().__init__(*options, "--protected-mode", "no")
        self.network, self.number = network, number

    @property
    def address(self):
        return self.network.address(self.number), self.port

    def argv(self):
        words = super().argv()
        words[words.index("--bind") + 1] = self.address[0]
        return ["ip", "netns", "exec", self.network.space(self.number), *words]

    def connect(self, timeout_s=20.0):
        return Connection(*self.address, timeout_s)
