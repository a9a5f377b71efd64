"""Groups of kiln-servers whose primary dies, hangs or is cut off while clients write: what they were told must hold.

With durability sync nothing that was acknowledged may be lost: KILN_SEEDS (20) lives, each with a fault that its number
chooses. With async what is lost is counted, and is of the time after the fault. The test's name has the seed.
"""

import os
import random

import pytest

from faults.acknowledged import check_appends
from faults.group import Group
from faults.history import APPEND, FAIL, OK, READ, WRITE, longest_gap_ms, now_ns
from faults.linearizability import violations
from faults.load import Load
from faults.proxy import TO_CLIENT, TO_SERVER
from servers import wait_until

SEEDS = int(os.environ.get("KILN_SEEDS", "20"))
APPENDS_ONLY = (APPEND,)


# ---- Faults: each leaves the group with a new primary, or with the old one if that can go on ----


def killed(group, load, chance):
    group.primary.kill()
    group.fail_over()


def paused(group, load, chance):
    group.primary.pause()
    group.fail_over()


def cut_off_from_all(group, load, chance):
    """Clients still reach it."""
    for link in group.links():
        link.cut()
    load.over.wait(chance.random() * 0.2)
    group.fail_over()


def cut_off_from_all_without_a_word(group, load, chance):
    for link in group.links():
        link.hold()
    load.over.wait(chance.random() * 0.2)
    group.fail_over()


def confirmations_are_lost_then_killed(group, load, chance):
    """The replicas have what was written, but the primary never learns that."""
    for link in group.links():
        link.hold(TO_SERVER)
    load.over.wait(chance.random() * 0.2)
    group.primary.kill()
    group.fail_over()


def one_replica_is_far_behind_then_killed(group, load, chance):
    chance.choice(group.links()).hold(TO_CLIENT)
    load.wait_for(30)
    group.primary.kill()
    group.fail_over()


def slow_links_then_killed(group, load, chance):
    for link in group.links():
        link.delay(0.005 + chance.random() * 0.03, TO_CLIENT)
    load.wait_for(10)
    group.primary.kill()
    group.fail_over()


def links_flap(group, load, chance):
    for _ in range(6):
        chance.choice(group.links()).reset_once()
        load.wait_for(10)


def a_replica_is_killed(group, load, chance):
    chance.choice(group.replicas).kill()
    load.wait_for(20)


def links_flap_then_killed(group, load, chance):
    for _ in range(3):
        chance.choice(group.links()).reset_once()
        load.over.wait(chance.random() * 0.05)
    group.primary.kill()
    group.fail_over()


def killed_twice(group, load, chance):
    killed(group, load, chance)
    group.heal()
    group.wait_in_step()
    load.wait_for(20)
    killed(group, load, chance)


FAULTS = (killed, paused, cut_off_from_all, cut_off_from_all_without_a_word, confirmations_are_lost_then_killed,
          one_replica_is_far_behind_then_killed, slow_links_then_killed, links_flap, a_replica_is_killed,
          links_flap_then_killed, killed_twice)


class Life:
    """One fault, from the first write until all have everything again."""

    def __init__(self, group, fault, seed, **load):
        chance = random.Random(seed)
        with Load(group.directory, seed, **load) as clients:
            clients.wait_for(60 + chance.randrange(100))
            self.fault_ns = now_ns()
            fault(group, clients, chance)
            clients.wait_for(40)
            group.heal()
            group.wait_in_step()
            clients.wait_for(40)
        group.wait_in_step()
        self.operations = clients.history.copy()
        self.findings = check_appends(self.operations, group.contents())
        self.gap_ms = longest_gap_ms(self.operations, self.fault_ns)
        for replica in group.replicas:
            assert group.contents(replica) == group.contents()

    def __str__(self):
        return f"{self.findings}; {len(self.operations)} operations; no write for {self.gap_ms:.0f} ms"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_sync_loses_nothing_that_was_acknowledged(seed, record_property):
    fault = FAULTS[seed % len(FAULTS)]
    with Group("--durability", "sync") as group:
        # A loyal client could read old news from who is not the primary any more: it only writes.
        life = Life(group, fault, seed, kinds=APPENDS_ONLY)
        record_property("life", str(life))
        print(f"{fault.__name__}: {life}")
        assert life.findings.are_clean(), f"seed {seed}, {fault.__name__}: {life}"
        assert life.findings.acknowledged > 100


@pytest.mark.parametrize("durability", ["async", "disabled"])
@pytest.mark.parametrize("fault", [killed, paused, slow_links_then_killed, links_flap, killed_twice])
def test_what_async_loses_is_of_the_time_of_the_fault(fault, durability, record_property):
    with Group("--durability", durability) as group:
        life = Life(group, fault, 1, kinds=APPENDS_ONLY)
        record_property("life", str(life))
        print(f"{fault.__name__}, {durability}: {life}")
        findings = life.findings
        assert findings._replace(lost=[]).are_clean(), str(life)
        # What was under way when the fault began may be lost too.
        early = [one for one in findings.lost if one.end_ns < life.fault_ns - 1_000_000_000]
        assert not early and len(findings.lost) < findings.acknowledged


def test_async_loses_at_most_what_its_lag_allows(record_property):
    """A primary that nobody hears goes on for durability-max-lag seconds, and then takes no more writes."""
    with Group("--durability", "async", "--durability-max-lag", "1") as group, \
            Load(group.directory, 1, loyal=0, kinds=APPENDS_ONLY) as load:
        load.wait_for(100)
        cut_ns = now_ns()
        for link in group.links():
            link.hold()
        wait_until(lambda: load.history.count(FAIL, cut_ns), 10, "writes are refused")
        refused_ns = now_ns()
        load.wait_for(20, FAIL)
        assert not load.history.count(OK, refused_ns)
        group.fail_over()
        load.wait_for(40)
        group.heal()
        group.wait_in_step()
        load.stop()
        findings = check_appends(load.history.copy(), group.contents())
        print(f"refused after {(refused_ns - cut_ns) / 1e6:.0f} ms; {findings}")
        assert findings.lost and findings._replace(lost=[]).are_clean()
        # What was written just before may not have arrived either.
        assert min(one.end_ns for one in findings.lost) > cut_ns - 1_000_000_000


def test_a_handover_under_load_loses_and_doubles_nothing(record_property):
    with Group(nodes=2) as group, Load(group.directory, 1, loyal=0, kinds=(WRITE, READ, APPEND)) as load:
        load.wait_for(200)
        old, new = group.primary, group.replicas[0]
        started_ns = now_ns()
        old.call("FAILOVER", "TO", *new.address, "TIMEOUT", 10_000)
        wait_until(lambda: new.info()["role"] == "master", 20, "it is the primary")
        group.primary, group.directory.address = new, new.address
        load.wait_for(200)
        group.wait_in_step()
        load.stop()
        operations = load.history.copy()
        findings = check_appends(operations, group.contents())
        print(f"{findings}; no write for {longest_gap_ms(operations, started_ns):.0f} ms")
        assert findings.are_clean() and not violations(operations)
        assert int(new.info("stats")["sync_full"]) == 0


@pytest.mark.parametrize("durability", ["sync", "disabled"])
def test_reads_and_writes_through_one_primary_are_linearizable(durability):
    """Also while replicas come and go."""
    with Group("--durability", durability) as group, Load(group.directory, 1, kinds=(WRITE, WRITE, READ, READ)) as load:
        load.wait_for(200)
        links_flap(group, load, random.Random(1))
        a_replica_is_killed(group, load, random.Random(2))
        group.heal()
        load.wait_for(200)
        load.stop()
        assert not violations(load.history.copy())


@pytest.mark.parametrize("fault", [killed, slow_links_then_killed, killed_twice])
def test_sync_is_linearizable_across_the_death_of_a_primary(fault):
    with Group("--durability", "sync") as group:
        life = Life(group, fault, 3, kinds=(WRITE, READ, READ, APPEND))
        assert life.findings.are_clean(), str(life)
        found = violations(life.operations)
        assert not found, str(found[0])

