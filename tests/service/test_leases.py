"""Who may acknowledge writes, and when: lost primaries, a lost kilnd, and the modes of durability."""

import os
import random
import signal

import pytest
import redis

from api.kilnd import Kilnd
from servers import pause_process, wait_until
from service.group import LIMIT_S, Group, Writer, can_read, can_write, wait_writable

ROUNDS = int(os.environ.get("KILN_LEASE_ROUNDS", "20"))
KILNDS_LIFE = 5  # rounds; the next one knows nothing of how often a node has ended
LONG_LEASE_MS = 20_000


@pytest.fixture(scope="module")
def kilnd():
    with Kilnd("--failover-after-ms", "1000") as running:
        yield running


@pytest.fixture(scope="module")
def leasing():
    """As where processes cannot be ended from here: a silent primary's lease is waited for."""
    with Kilnd("--failover-after-ms", "1000", "--lease-ms", "2000") as running:
        yield running


def make(kilnd, name, nodes=2, **more):
    return Group(kilnd, kilnd.client(), name, nodes, AutomaticFailoverEnabled=True, **more)


def node_of(group, cluster_id):
    return group.node(int(cluster_id[-3:]))


def is_refused(client) -> bool:
    """Whether a write is refused for want of a lease, or the connection closed for it."""
    try:
        client.set("probe", 1)
        return False
    except (redis.ReadOnlyError, redis.ConnectionError):
        return True


# ---- A primary is lost ----


def test_a_stopped_primary_that_wakes_up_after_its_replacement_acknowledges_nothing(kilnd):
    group = make(kilnd, "stopped")
    old = group.node(1)
    old.set("k", "v")
    group.wait_in_step()
    pid = group.pid("stopped-001")
    pause_process(pid)
    group.wait(lambda _: group.primary_id == "stopped-002", "the replica is the primary")
    # Where its process can be ended it was, before: nobody is left who could wake up.
    assert kilnd.nodes().get("stopped-001.0001") != pid
    # Its address answers nobody, or the node that replaced it there.
    with pytest.raises((redis.ReadOnlyError, redis.ConnectionError)):
        old.set("k", "w")
    wait_writable(group)
    assert group.at().get("k") == "v"
    group.delete()


def test_a_stopped_primary_whose_lease_is_over_refuses_writes_when_it_wakes_up(leasing):
    group = make(leasing, "leased")
    old, idle = group.node(1), group.node(1)
    old.set("k", "v")
    idle.ping()
    group.wait_in_step()
    assert old.config_get("requires-lease") == {"requires-lease": "yes"}
    pid = group.pid("leased-001")
    pause_process(pid)
    try:
        # This one lies in the socket when it wakes up.
        late = idle.connection_pool.get_connection("SET")
        late.send_command("SET", "k", "too late")
        group.wait(lambda _: group.primary_id == "leased-002", "the replica is the primary")
        wait_until(lambda: can_write(group.node(2)), LIMIT_S, "it takes writes")
        assert leasing.nodes()["leased-001.0001"] == pid, "it was not ended before"
    finally:
        os.kill(pid, signal.SIGCONT)
    with pytest.raises((redis.ReadOnlyError, redis.ConnectionError)):
        late.read_response()
    assert is_refused(old)
    wait_writable(group)
    group.wait_in_step()
    assert [group.node(number).get("k") for number in (1, 2)] == ["v", "v"]
    assert group.node(1).role()[0] == "slave"
    group.delete()


# ---- kilnd is lost ----


def test_caches_go_on_while_kilnd_is_gone(kilnd):
    with Kilnd("--failover-after-ms", "1000") as own:
        group = make(own, "goes-on", 3)
        group.wait_in_step()
        with Writer(group) as writer:
            writer.wait_for(100)
            own.kill()
            writer.wait_for(500)
            own.start()
            group.aws = own.client()
            writer.wait_for(500)
            assert writer.refused == []
            # And it does its work again.
            os.kill(group.pid("goes-on-001"), signal.SIGKILL)
            group.wait(lambda _: group.primary_id != "goes-on-001", "another is the primary")
            writer.wait_for(100)
        group.delete()


def test_a_stopped_kilnd_lets_leases_end_and_gives_them_again(leasing):
    group = make(leasing, "waits")
    client = group.at()
    client.set("k", "v")
    pause_process(leasing.process.pid)
    try:
        wait_until(lambda: is_refused(client), LIMIT_S, "the lease is over")
        assert can_read(client, "k") == "v"
    finally:
        os.kill(leasing.process.pid, signal.SIGCONT)
    wait_until(lambda: can_write(client), LIMIT_S, "writes are taken again")
    assert group.primary_id == "waits-001"
    leasing.kill()
    wait_until(lambda: is_refused(client), LIMIT_S, "the lease is over")
    assert can_read(client, "k") == "v"
    leasing.start()
    wait_until(lambda: can_write(client), LIMIT_S, "writes are taken again")
    group.aws = leasing.client()
    group.delete()


def test_a_restart_within_the_lease_refuses_nobody():
    with Kilnd("--lease-ms", str(LONG_LEASE_MS)) as own:
        group = make(own, "restarts")
        group.wait_in_step()
        with Writer(group) as writer:
            writer.wait_for(100)
            own.kill()
            writer.wait_for(100)
            own.start()
            writer.wait_for(500)
        assert writer.refused == []
        assert writer.lost(group.at()) == []
        group.aws = own.client()
        group.delete()


def test_leases_come_and_go_with_automatic_failover(leasing):
    group = Group(leasing, leasing.client(), "changes", 2)
    with Writer(group) as writer:
        writer.wait_for(100)
        for is_on, word in ((True, "yes"), (False, "no")):
            group.aws.modify_replication_group(ReplicationGroupId="changes", AutomaticFailoverEnabled=is_on,
                                               ApplyImmediately=True)
            group.wait_available()
            wait_until(lambda: group.node(1).config_get("requires-lease")["requires-lease"] == word, LIMIT_S, word)
            writer.wait_for(100)
        assert writer.refused == []
    group.delete()


def test_a_group_that_is_run_with_leases_can_be_run_without():
    with Kilnd("--lease-ms", "2000") as own:
        group = make(own, "switches")
        client = group.at()
        client.set("k", "v")
        own.kill()
        own.options = []
        own.start()
        group.aws = own.client()
        wait_until(lambda: group.node(1).config_get("requires-lease")["requires-lease"] == "no", LIMIT_S, "it is told")
        wait_until(lambda: can_write(client), LIMIT_S, "it takes writes")
        group.delete()


# ---- Durability ----


def parameter_group(aws, name, **values):
    aws.create_cache_parameter_group(CacheParameterGroupName=name, CacheParameterGroupFamily="redis7", Description="d")
    set_values(aws, name, **values)


def set_values(aws, name, **values):
    aws.modify_cache_parameter_group(CacheParameterGroupName=name, ParameterNameValues=[
        {"ParameterName": key.replace("_", "-"), "ParameterValue": value} for key, value in values.items()])


def durability(node) -> str:
    return node.config_get("durability")["durability"]


def test_the_mode_of_durability_is_switched_while_clients_write(kilnd):
    aws = kilnd.client()
    parameter_group(aws, "careful", durability="sync", durability_max_lag="5")
    group = make(kilnd, "modes")
    group.wait_in_step()
    with Writer(group) as writer:
        writer.wait_for(100)
        assert [durability(group.node(number)) for number in (1, 2)] == ["disabled", "disabled"]
        aws.modify_replication_group(ReplicationGroupId="modes", CacheParameterGroupName="careful",
                                     ApplyImmediately=True)
        for number in (1, 2):
            wait_until(lambda: durability(group.node(number)) == "sync", LIMIT_S, "sync")
        writer.wait_for(100)
        for mode in ("async", "disabled", "sync"):
            set_values(aws, "careful", durability=mode)
            for number in (1, 2):
                wait_until(lambda: durability(group.node(number)) == mode, LIMIT_S, mode)
            writer.wait_for(100)
        assert group.node(1).config_get("durability-max-lag") == {"durability-max-lag": "5"}
        assert writer.refused == []
    # Nobody else has it: nobody is told that it is safe.
    aws.modify_replication_group(ReplicationGroupId="modes", AutomaticFailoverEnabled=False, ApplyImmediately=True)
    group.wait_available()
    aws.decrease_replica_count(ReplicationGroupId="modes", NewReplicaCount=0, ApplyImmediately=True)
    group.wait_available()
    wait_until(lambda: not can_write(group.at()), LIMIT_S, "writes are refused")
    # A primary that is left behind waits for nobody.
    aws.delete_replication_group(ReplicationGroupId="modes", RetainPrimaryCluster=True)
    wait_until(lambda: can_write(alone := redis_at(kilnd, "modes-001")) and durability(alone) == "disabled",
               LIMIT_S, "it takes writes")
    aws.delete_cache_cluster(CacheClusterId="modes-001")
    kilnd.wait_cluster("modes-001", None)


def redis_at(kilnd, cluster_id):
    place = kilnd.wait_cluster(cluster_id)["CacheNodes"][0]["Endpoint"]
    return redis.Redis(place["Address"], place["Port"], decode_responses=True, socket_timeout=2)


def test_in_mode_sync_a_killed_primary_loses_nothing_that_was_acknowledged():
    with Kilnd("--failover-after-ms", "1000") as own:
        aws = own.client()
        parameter_group(aws, "sync", durability="sync")
        group = make(own, "safe", 3, CacheParameterGroupName="sync")
        chance = random.Random(1)
        with Writer(group, "one") as one, Writer(group, "two") as two, Writer(group, "three") as three:
            for number in range(ROUNDS):
                if number % KILNDS_LIFE == KILNDS_LIFE - 1:
                    own.kill()
                    own.start()
                    group.aws = own.client()
                one.wait_for(chance.randrange(20, 200))
                primary_id = group.primary_id
                os.kill(group.pid(primary_id), signal.SIGKILL)
                group.wait(lambda _: group.primary_id != primary_id, f"{primary_id} is replaced")
                wait_until(lambda: len(in_step(group)) == 2, LIMIT_S, "all are back")
            one.wait_for(50)
        for writer in (one, two, three):
            assert writer.lost(group.at()) == []
        group.delete()


def in_step(group) -> list:
    """The replicas that have their primary's data, as it says; none while nobody says so."""
    try:
        replication = group.at().info("replication")
    except redis.RedisError:
        return []
    replicas = [value for name, value in replication.items() if name.startswith("slave") and isinstance(value, dict)]
    return [replica for replica in replicas if replica["state"] == "online"]


# ---- Readers ----


def test_readers_of_other_replicas_stay_while_one_takes_the_primarys_place(kilnd):
    group = make(kilnd, "readers", 3)
    group.at().set("k", "v")
    group.wait_in_step()
    reader = group.shard["ReaderEndpoint"]
    clients = [redis.Redis(reader["Address"], reader["Port"], decode_responses=True, socket_timeout=2,
                           single_connection_client=True, retry_on_error=[]) for _ in range(16)]
    at = {client: client.config_get("replica-announce-ip")["replica-announce-ip"] for client in clients}
    ids = {client: client.client_id() for client in clients}
    assert len(set(at.values())) == 2
    os.kill(group.pid("readers-001"), signal.SIGKILL)
    wait_writable(group)
    group.wait_in_step()
    promoted = group.node(int(group.primary_id[-3:])).config_get("replica-announce-ip")["replica-announce-ip"]
    for client in clients:
        if at[client] == promoted:
            continue
        assert client.get("k") == "v"
        assert client.client_id() == ids[client], "the connection is the same"
    group.delete()
