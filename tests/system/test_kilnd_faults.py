"""What hits kilnd and its nodes: crashes, hangs, taken ports, missing programs, full disks. It recovers and tells."""

import os
import re
import resource
import signal
import socket

import pymemcache
import pytest
import redis
from botocore.exceptions import WaiterError
from servers import kiln_binary, pause_process, wait_until

from api.kilnd import Kilnd, cluster_of, endpoints, refusal

TYPE = "cache.t3.micro"


def create(kilnd, name="web", engine="redis", **more):
    return kilnd.client().create_cache_cluster(CacheClusterId=name, Engine=engine, CacheNodeType=TYPE, **more)


def to_redis(cluster):
    return redis.Redis(*endpoints(cluster)[0], decode_responses=True)


@pytest.fixture
def kilnd():
    with Kilnd() as running:
        yield running


@pytest.fixture
def program(tmp_path):
    """A program for nodes that a test writes, in sh. It runs in the node's folder."""
    path = tmp_path / "program"

    def write(*lines: str) -> str:
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        return str(path)
    return write


def address_of(kilnd, node: str) -> tuple:
    """Where a node is to listen, before the API tells."""
    text = (kilnd.data / "nodes" / node / "kiln.conf").read_text()
    return re.search(r'^bind "?([\d.]+)', text, re.M)[1], int(re.search(r'^port "?(\d+)', text, re.M)[1])


# ---- Nodes ----

@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_node_that_ends_is_started_again_and_told_of(kilnd, number):
    # Whatever ended it: nobody but kilnd should.
    create(kilnd)
    cluster = kilnd.wait_cluster("web")
    before = kilnd.nodes()["web.0001"]
    os.kill(before, number)
    messages = kilnd.wait_events("Finished recovery for cache nodes 0001", source="web")
    assert messages == ["Cache cluster created", "Recovering cache nodes 0001",
                        "Finished recovery for cache nodes 0001"]
    assert kilnd.nodes()["web.0001"] != before
    assert kilnd.wait_cluster("web") == cluster and to_redis(cluster).ping()


def test_a_memcached_node_that_ends_learns_of_the_others_again(kilnd):
    # Clients may ask any node for the list.
    create(kilnd, "mc", "memcached", NumCacheNodes=3)
    where = endpoints(kilnd.wait_cluster("mc"))[1]

    def discovery():
        with socket.create_connection(where, timeout=5) as connection:
            connection.sendall(b"config get cluster\r\n")
            return connection.recv(4096)

    before = discovery()
    assert before.count(b"|11211") == 3
    os.kill(kilnd.nodes()["mc.0002"], signal.SIGKILL)
    kilnd.wait_events("Finished recovery for cache nodes 0002", source="mc")

    def is_same():
        try:
            return discovery() == before
        except OSError:
            return False
    wait_until(is_same, what="the list is the same, and of the same version")


def test_a_node_that_hangs_is_found_and_replaced(kilnd):
    # It still holds its port and its process lives: only asking it shows that it does not serve.
    create(kilnd)
    cluster = kilnd.wait_cluster("web")
    before = kilnd.nodes()["web.0001"]
    pause_process(before)
    wait_until(lambda: kilnd.nodes().get("web.0001", before) != before, timeout_s=60, what="another process is there")
    kilnd.wait_events("Recovering cache nodes 0001", "Finished recovery for cache nodes 0001", source="web")
    assert to_redis(cluster).ping()


def test_a_node_that_hangs_is_deleted_all_the_same(kilnd):
    create(kilnd)
    kilnd.wait_cluster("web")
    pause_process(kilnd.nodes()["web.0001"])
    kilnd.client().delete_cache_cluster(CacheClusterId="web")
    kilnd.wait_cluster("web", None)
    assert not kilnd.nodes()


def test_all_nodes_and_kilnd_may_be_killed_at_once(kilnd):
    # As when the machine loses its power, but for the files.
    create(kilnd)
    create(kilnd, "mc", "memcached", NumCacheNodes=2)
    web, mc = kilnd.wait_cluster("web"), kilnd.wait_cluster("mc")
    for pid in [kilnd.process.pid, *kilnd.nodes().values()]:
        os.kill(pid, signal.SIGKILL)
    kilnd.process.wait()
    kilnd.start()
    wait_until(lambda: len(kilnd.nodes()) == 3)
    kilnd.wait_events("Cache node 0001 restarted", source="web")
    assert kilnd.wait_cluster("web") == web
    assert endpoints(kilnd.wait_cluster("mc")) == endpoints(mc)


def test_a_program_that_always_ends_is_told_of_once_and_tried_ever_more_rarely(program, tmp_path):
    # Events are kept for two weeks: one a second would be a flood.
    path = program(f"echo >> {tmp_path}/starts", "echo no licence found", "exit 3")
    with Kilnd("--kiln-server", path) as kilnd:
        create(kilnd)
        kilnd.wait_cluster("web", "create-failed")
        wait_until(lambda: (tmp_path / "starts").read_text().count("\n") >= 4, what="it was started four times")
        messages = kilnd.wait_events(source="web")
        assert len(messages) == 1 and "exit code 3" in messages[0] and "no licence found" in messages[0], messages
        assert str(kilnd.data / "nodes/web.0001") in messages[0], "where to look"


# ---- Ports and programs ----

def test_a_port_that_is_taken_makes_the_network_incompatible_until_it_is_free(program, tmp_path):
    # AWS's status for it, on which waiters give up; the event says what to do.
    gate = tmp_path / "gate"
    path = program(f"while [ ! -e {gate} ]; do sleep 0.02; done", f'exec {kiln_binary()} "$@"')
    with Kilnd("--kiln-server", path) as kilnd:
        create(kilnd)
        wait_until(lambda: (kilnd.data / "nodes/web.0001/kiln.conf").exists())
        with socket.socket() as taken:
            where = address_of(kilnd, "web.0001")
            taken.bind(where)
            taken.listen()
            gate.touch()
            kilnd.wait_cluster("web", "incompatible-network")
            kilnd.wait_events(f"Another program listens on {where[0]}:{where[1]}: end it, or choose another port.",
                              source="web")
            with pytest.raises(WaiterError):
                kilnd.client().get_waiter("cache_cluster_available").wait(CacheClusterId="web")
        assert to_redis(kilnd.wait_cluster("web")).ping()


def test_a_port_that_is_taken_while_a_node_is_away_is_told_of(kilnd):
    # The cluster stays what it was, as its endpoint does; it comes back by itself.
    create(kilnd)
    cluster = kilnd.wait_cluster("web")
    assert kilnd.end() == 0
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(endpoints(cluster)[0])
        taken.listen()
        kilnd.start()
        kilnd.wait_events("Another program listens on", source="web")
    kilnd.wait_events("Cache node 0001 restarted", source="web")
    assert endpoints(kilnd.wait_cluster("web")) == endpoints(cluster) and to_redis(cluster).ping()


def test_an_address_that_another_program_has_is_passed_over():
    # Two installations on one machine, or any server that listens on all addresses.
    with socket.socket() as taken, Kilnd("--loopback-net", "77") as kilnd:
        taken.bind(("127.77.0.1", 6379))
        taken.listen()
        create(kilnd)
        assert endpoints(kilnd.wait_cluster("web")) == [("127.77.0.2", 6379)]


def test_a_missing_program_fails_the_creation_until_it_is_there(tmp_path):
    path = tmp_path / "kiln-server"
    with Kilnd("--kiln-server", str(path)) as kilnd:
        create(kilnd)
        kilnd.wait_cluster("web", "create-failed")
        kilnd.wait_events(f"{path} cannot be run (No such file or directory): install it there, or tell kilnd",
                          source="web")
        path.symlink_to(kiln_binary())
        assert to_redis(kilnd.wait_cluster("web")).ping()


def test_a_creation_that_failed_can_be_deleted():
    with Kilnd("--kiln-server", "/nonexistent/kiln-server") as kilnd:
        create(kilnd)
        kilnd.wait_cluster("web", "create-failed")
        kilnd.client().delete_cache_cluster(CacheClusterId="web")
        kilnd.wait_cluster("web", None)
        assert kilnd.folders() == set()


def test_a_change_that_cannot_be_done_is_told_of_and_does_not_keep_a_cluster_for_ever(tmp_path):
    # AWS would not let it go while it is "modifying"; here that may be for long.
    path = tmp_path / "kiln-server"
    path.symlink_to(kiln_binary())
    with Kilnd("--kiln-server", str(path)) as kilnd:
        aws = kilnd.client()
        create(kilnd, "mc", "memcached")
        aws.create_replication_group(ReplicationGroupId="rg", ReplicationGroupDescription="d", CacheNodeType=TYPE)
        where = endpoints(kilnd.wait_cluster("mc"))
        kilnd.wait_cluster("rg-001")
        path.unlink()
        aws.modify_cache_cluster(CacheClusterId="mc", NumCacheNodes=2, ApplyImmediately=True)
        aws.reboot_cache_cluster(CacheClusterId="rg-001", CacheNodeIdsToReboot=["0001"])
        kilnd.wait_events("Cache node 0002 does not start", source="mc")
        kilnd.wait_events("Cache node 0001 does not start", source="rg-001")
        cluster = cluster_of(aws, "mc")
        assert cluster["CacheClusterStatus"] == "modifying"
        client = pymemcache.Client(where[0])
        assert client.set("k", "v"), "the node that was there serves on"
        client.close()
        aws.delete_cache_cluster(CacheClusterId="mc")
        aws.delete_replication_group(ReplicationGroupId="rg")
        kilnd.wait_cluster("mc", None)
        kilnd.wait_cluster("rg-001", None)
        wait_until(lambda: not aws.describe_replication_groups()["ReplicationGroups"])
        assert not kilnd.nodes() and not kilnd.folders()


# ---- The disk ----

def limit_files(kilnd, size: int):
    """From now on no file of kilnd may grow beyond the size: as on a full disk, but for this process alone."""
    _, most = resource.prlimit(kilnd.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(kilnd.process.pid, resource.RLIMIT_FSIZE, (size if size >= 0 else most, most))


def test_a_full_disk_fails_changes_and_loses_nothing(kilnd):
    # 500 InternalFailure: SDKs try again. Describing goes on, and so do the nodes.
    create(kilnd)
    cluster, aws = kilnd.wait_cluster("web"), kilnd.client()
    pid = kilnd.nodes()["web.0001"]
    limit_files(kilnd, 1)
    changes = [
        (aws.create_cache_cluster, {"CacheClusterId": "more", "Engine": "redis", "CacheNodeType": TYPE}),
        (aws.modify_cache_cluster, {"CacheClusterId": "web", "CacheNodeType": "cache.t3.small"}),
        (aws.reboot_cache_cluster, {"CacheClusterId": "web", "CacheNodeIdsToReboot": ["0001"]}),
        (aws.delete_cache_cluster, {"CacheClusterId": "web"}),
    ]
    for call, arguments in changes:
        refused = refusal(call, **arguments)
        assert refused[:2] == ("InternalFailure", 500), refused
    assert cluster_of(aws, "web") == cluster and cluster_of(aws, "more") is None
    assert to_redis(cluster).ping() and kilnd.nodes() == {"web.0001": pid}
    limit_files(kilnd, -1)
    create(kilnd, "more")
    kilnd.wait_cluster("more")
    kilnd.kill()
    kilnd.start()
    assert kilnd.wait_cluster("web") == cluster and kilnd.nodes()["web.0001"] == pid


def test_a_node_that_ends_while_the_disk_is_full_comes_back_when_it_is_not(kilnd):
    create(kilnd)
    cluster = kilnd.wait_cluster("web")
    limit_files(kilnd, 1)
    os.kill(kilnd.nodes()["web.0001"], signal.SIGKILL)
    wait_until(lambda: not kilnd.nodes())
    limit_files(kilnd, -1)
    wait_until(lambda: set(kilnd.nodes()) == {"web.0001"}, timeout_s=30)
    kilnd.wait_events("Recovering cache nodes 0001", "Finished recovery for cache nodes 0001", source="web")
    assert kilnd.wait_cluster("web") == cluster and to_redis(cluster).ping()


def test_the_api_serves_while_nodes_are_in_trouble(kilnd):
    # One cluster's trouble is not another's.
    create(kilnd, "mc", "memcached", NumCacheNodes=2)
    where = endpoints(kilnd.wait_cluster("mc"))[0]
    pause_process(kilnd.nodes()["mc.0002"])
    create(kilnd)
    assert to_redis(kilnd.wait_cluster("web")).ping()
    client = pymemcache.Client(where)
    client.set("k", "v")
    assert client.get("k") == b"v"
    client.close()
    os.kill(kilnd.nodes()["mc.0002"], signal.SIGCONT)
