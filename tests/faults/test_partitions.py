"""Networks that fall apart, whole or one way only, while clients reach all servers: the old primary among them.

In mode sync nothing that either side acknowledged may be lost. With leases clients of both sides read and write one
register after the other, and their history is linearizable.
"""

import itertools

import pytest

from faults.acknowledged import check_appends
from faults.group import Group
from faults.history import APPEND, READ, WRITE
from faults.linearizability import violations
from faults.load import Load
from faults.network import Host, Network
from resp.wire import Closed
from servers import wait_until


class Hosts(Group):
    """Three hosts; replicas follow without a proxy, for the network has the faults."""

    def __init__(self, network, *options):
        numbers = itertools.count(1)
        super().__init__(*options, make=lambda *words: Host(network, next(numbers), *words))
        self.network = network

    def follow(self, replica):
        replica.call("REPLICAOF", *self.primary.address)

    def heal(self):
        self.network.heal()
        super().heal()


@pytest.fixture(scope="module")
def network():
    with Network(3) as running:
        yield running


def nobody_hears_the_primary(network, old, others):
    for other in others:
        network.drop(old, other)


def the_primary_hears_nobody(network, old, others):
    for other in others:
        network.drop(other, old)


def the_primary_is_alone(network, old, others):
    for other in others:
        network.part(old, other)


def the_primary_is_alone_with_one(network, old, others):
    """Who is cut off goes on following; the manager, which reaches all, chooses who has most."""
    network.part(old, others[0])


@pytest.mark.parametrize("fault", [nobody_hears_the_primary, the_primary_hears_nobody, the_primary_is_alone,
                                   the_primary_is_alone_with_one])
def test_sync_loses_nothing_in_a_partition(network, fault):
    with Hosts(network, "--durability", "sync", "--repl-timeout", "5") as group, \
            Load(group.directory, 1, kinds=(APPEND,), loyal=2) as load:
        load.wait_for(100)
        old = group.primary
        others = [node.number for node in group.replicas]
        fault(network, old.number, others)
        load.over.wait(0.2)
        group.fail_over()
        load.wait_for(100)
        group.heal()
        group.wait_in_step()
        load.wait_for(50)
        load.stop()
        group.wait_in_step()
        findings = check_appends(load.history.copy(), group.contents())
        assert findings.are_clean(), str(findings)
        assert group.primary is not old


def test_writes_go_on_when_a_partition_heals_without_a_failover(network):
    with Hosts(network, "--durability", "sync", "--repl-timeout", "5") as group, \
            Load(group.directory, 2, kinds=(APPEND, WRITE, READ)) as load:
        load.wait_for(100)
        the_primary_hears_nobody(network, group.primary.number, [node.number for node in group.replicas])
        load.over.wait(0.3)
        network.heal()
        load.wait_for(100)
        load.stop()
        group.wait_in_step()
        operations = load.history.copy()
        findings = check_appends(operations, group.contents())
        assert findings.are_clean() and not violations(operations), str(findings)
        assert {node.info("stats")["sync_full"] for node in group.nodes} <= {"0", "2"}


def test_with_leases_one_primary_at_a_time_acknowledges(network):
    """Nobody promotes before the old one's lease is over, and from then on that one acknowledges no write."""
    with Hosts(network, "--durability", "sync", "--requires-lease", "yes", "--repl-timeout", "5") as group:
        group.primary.call("KILN", "LEASE", 60_000)
        with Load(group.directory, 3, kinds=(APPEND, WRITE), loyal=2) as load:
            load.wait_for(100)
            old = group.primary
            old.call("KILN", "LEASE", 500)
            the_primary_is_alone(network, old.number, [node.number for node in group.replicas])
            wait_until(lambda: refuses(old), 10, "its lease is over")
            group.fail_over().call("KILN", "LEASE", 60_000)
            load.wait_for(100)
            assert refuses(old)
            group.heal()
            group.wait_in_step()
            load.wait_for(50)
        group.wait_in_step()
        findings = check_appends(load.history.copy(), group.contents())
        assert findings.are_clean(), str(findings)


def refuses(node) -> bool:
    """A write of its own; the connection is closed when the lease ends meanwhile."""
    with node.connect(0.3) as client:
        try:
            return client.call("SET", "probe", 1)[1].startswith(b"READONLY")
        except (OSError, Closed):
            return False
