"""StartMigration, TestMigration, CompleteMigration: a group takes over what a running redis-server holds."""

import os
import signal
import socket
import urllib.error
import urllib.parse
import urllib.request

import pytest
import redis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from api.kilnd import REGION, error_of, refusal
from caches import LIMIT_S, Service, contents, fill
from servers import HOST, Redis, free_port, wait_until


@pytest.fixture(scope="module")
def service():
    with Service("--failover-after-ms", "1000") as running:
        yield running


@pytest.fixture
def source():
    with Redis("--repl-diskless-sync-delay", "0") as server:
        yield server


def at(server):
    return redis.Redis(HOST, server.port, decode_responses=True)


def place(server):
    return [{"Address": HOST, "Port": server.port}]


def ask_migration(service, name, endpoints):
    """None, or what it is refused with. Older releases of botocore have no such operation."""
    query = {"Action": "TestMigration", "Version": "2015-02-02", "ReplicationGroupId": name}
    for number, endpoint in enumerate(endpoints, 1):
        query |= {f"CustomerNodeEndpointList.member.{number}.{field}": str(value) for field, value in endpoint.items()}
    request = AWSRequest("GET", f"{service.url}/?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}")
    SigV4Auth(Credentials(*service.credentials()), "elasticache", REGION).add_auth(request)
    try:
        with urllib.request.urlopen(urllib.request.Request(request.url, headers=dict(request.headers))) as reply:
            assert b"<TestMigrationResult><ReplicationGroup>" in reply.read()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def start(service, name, server):
    group = service.aws.start_migration(ReplicationGroupId=name, CustomerNodeEndpointList=place(server))
    assert group["ReplicationGroup"]["Status"] == "modifying"


def has(client, key, value):
    try:
        return client.get(key) == value
    except redis.RedisError:
        return False


def test_a_group_takes_over_from_a_running_server(service, source):
    group = service.new_group("moving", 2, AutomaticFailoverEnabled=True)
    group.set("of-the-group", "goes")
    client = at(source)
    fill(client)
    assert ask_migration(service, "moving", place(source)) is None
    assert service.seen_group("moving")["Status"] == "available"
    start(service, "moving", source)
    assert error_of(service.aws.start_migration, ReplicationGroupId="moving",
                    CustomerNodeEndpointList=place(source)) == "ReplicationGroupAlreadyUnderMigrationFault"
    assert error_of(service.aws.create_snapshot, ReplicationGroupId="moving", SnapshotName="no") == \
        "InvalidReplicationGroupState"
    client.set("meanwhile", "yes")
    wait_until(lambda: has(group, "meanwhile", "yes"), LIMIT_S, "the group follows")
    with pytest.raises(redis.ReadOnlyError):
        group.set("k", "v")
    replica = service.member("moving", 2)
    wait_until(lambda: has(replica, "meanwhile", "yes"), LIMIT_S, "so does its replica")
    for number in range(2000):
        client.set(f"last:{number}", number)
    service.aws.complete_migration(ReplicationGroupId="moving")
    group = service.group("moving")
    assert contents(group) == contents(client) and not group.exists("of-the-group")
    wait_until(lambda: group.set("k", "v"), LIMIT_S, "it takes writes")
    assert group.wait(1, 10_000) == 1 and replica.get("k") == "v" and client.get("k") is None
    assert error_of(service.aws.complete_migration, ReplicationGroupId="moving") == \
        "ReplicationGroupNotUnderMigrationFault"
    assert f"Migration from {HOST}:{source.port} completed for replication group moving" in service.messages(
        "moving", "replication-group")
    service.delete_group("moving")


def test_a_migration_outlives_the_primary_and_kilnd(service, source):
    group = service.new_group("tough", 2, AutomaticFailoverEnabled=True)
    client = at(source)
    fill(client)
    start(service, "tough", source)
    client.set("meanwhile", "yes")
    replica = service.member("tough", 2)
    wait_until(lambda: has(replica, "meanwhile", "yes"), LIMIT_S, "both follow")
    service.kill()
    os.kill(service.nodes()["tough-001.0001"], signal.SIGKILL)
    client.set("meanwhile", "still")
    service.start()
    service.aws = service.client()
    wait_until(lambda: has(replica, "meanwhile", "still"), LIMIT_S, "the other takes the place and goes on")
    service.aws.complete_migration(ReplicationGroupId="tough")
    group = service.group("tough")
    assert contents(group) == contents(client)
    service.delete_group("tough")


def test_force_ends_it_without_the_source(service, source):
    group = service.new_group("forced", 1)
    client = at(source)
    client.set("k", "v")
    start(service, "forced", source)
    wait_until(lambda: has(group, "k", "v"), LIMIT_S, "it follows")
    source.stop()
    assert error_of(service.aws.complete_migration, ReplicationGroupId="forced") == "InvalidReplicationGroupState"
    service.aws.complete_migration(ReplicationGroupId="forced", Force=True)
    group = service.group("forced")
    wait_until(lambda: has_written(group), LIMIT_S, "it takes writes")
    assert group.get("k") == "v"
    service.delete_group("forced")


def has_written(client):
    try:
        return client.set("probe", "1")
    except redis.RedisError:
        return False


def test_what_cannot_be_migrated_from(service, source):
    service.new_group("asking", 1)

    with socket.socket() as silent:
        silent.bind((HOST, 0))
        nobody = [{"Address": HOST, "Port": silent.getsockname()[1]}]
        assert "does not answer" in ask_migration(service, "asking", nobody)
    for wrong in ([], place(source) * 2, [{"Address": HOST, "Port": 0}], [{"Port": source.port}]):
        assert ask_migration(service, "asking", wrong)
    at(source).config_set("requirepass", "secret")
    code, _, text = refusal(service.aws.start_migration, ReplicationGroupId="asking",
                            CustomerNodeEndpointList=place(source))
    assert code == "InvalidParameterValue" and "NOAUTH" in text
    joined = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with Redis("--replicaof", HOST, str(free_port())) as replica, Redis(*joined) as cluster:
        assert "is not a primary" in ask_migration(service, "asking", place(replica))
        assert "is a node of a cluster" in ask_migration(service, "asking", place(cluster))
    assert "ReplicationGroupNotFoundFault" in ask_migration(service, "none", place(source))
    assert service.seen_group("asking")["Status"] == "available"
    service.delete_group("asking")
