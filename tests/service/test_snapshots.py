"""Snapshots of the service: taken, kept, copied, exported, and caches that are created from them."""

import datetime
import os
import pathlib
import signal
import subprocess

import pytest
import redis

from api.kilnd import error_of, refusal
from caches import LIMIT_S, TYPE, Service, contents, fill
from servers import HOST, Redis, wait_until

@pytest.fixture(scope="module")
def service():
    with Service() as running:
        yield running


def test_a_group_is_restored_into_another_one(service):
    primary = service.new_group("one", 2)
    fill(primary)
    assert primary.wait(1, 10_000) == 1
    asked = service.aws.create_snapshot(SnapshotName="Nightly", ReplicationGroupId="one",
                                        Tags=[{"Key": "team", "Value": "a"}])["Snapshot"]
    assert [asked[f"Snapshot{field}"] for field in ("Name", "Status", "Source")] == ["nightly", "creating", "manual"]
    assert service.seen_group("one")["Status"] in ("snapshotting", "available")
    taken = service.wait_snapshot("nightly")
    node, = taken["NodeSnapshots"]
    assert taken["CacheClusterId"] == node["CacheClusterId"] == "one-002", "a replica is asked first"
    assert (node["NodeGroupId"], node["CacheNodeId"]) == ("0001", "0001")
    assert node["CacheSize"].endswith(" MB") and node["SnapshotCreateTime"]
    assert (taken["ReplicationGroupId"], taken["NumNodeGroups"], taken["CacheNodeType"]) == ("one", 1, TYPE)
    group = service.group("one")
    assert "Snapshot succeeded for snapshot with ID 'nightly' of replication group with ID 'one'" in service.messages(
        "one", "replication-group")
    tags = service.aws.list_tags_for_resource(ResourceName=taken["ARN"])["TagList"]
    assert tags == [{"Key": "team", "Value": "a"}]
    before = contents(primary)
    group.flushall()
    restored = service.new_group("two", 2, SnapshotName="nightly")
    assert contents(restored) == before
    assert 0 < restored.pttl("timed") <= 10**9
    replica = service.member("two", 2)
    wait_until(lambda: contents(replica) == before, LIMIT_S, "the replica has the data")
    service.wait_snapshot("nightly")
    assert service.files() == {"nightly/0001.rdb"} and service.files("staging") == set()
    assert not list(service.data.glob("nodes/one-*/dump.rdb")), "a node that starts again must not find it"
    service.delete_group("one")
    service.delete_group("two")
    assert service.snapshot("nightly"), "it outlives its source"
    service.aws.delete_snapshot(SnapshotName="nightly")
    service.wait_snapshot("nightly", None)
    assert service.files() == set()


def test_the_data_of_a_snapshot_come_back_once_only(service):
    client = service.new_cluster("once")
    client.set("k", "old")
    service.take("once-snap", CacheClusterId="once")
    restored = service.new_cluster("once-more", SnapshotName="once-snap")
    assert restored.get("k") == "old"
    restored.set("k", "new")
    pid = service.nodes()["once-more.0001"]
    os.kill(pid, signal.SIGKILL)
    service.wait_events("Finished recovery for cache nodes 0001", source="once-more")
    assert service.cluster("once-more").get("k") is None, "a node without persistence starts empty"
    os.kill(service.nodes()["once.0001"], signal.SIGKILL)
    service.wait_events("Finished recovery for cache nodes 0001", source="once")
    assert service.cluster("once").get("k") is None, "and so does the source"


def test_a_final_snapshot_is_there_before_the_data_go(service):
    fill(service.new_cluster("leaving"))
    before = contents(service.cluster("leaving"))
    service.delete_cluster("leaving", FinalSnapshotIdentifier="farewell")
    assert service.snapshot("farewell")["SnapshotStatus"] == "available"
    assert contents(service.new_cluster("leaving", SnapshotName="farewell")) == before
    group = service.new_group("leaving-group", 2)
    group.set("k", "v")
    service.delete_group("leaving-group", FinalSnapshotIdentifier="farewell-group")
    taken = service.snapshot("farewell-group")
    assert (taken["SnapshotStatus"], taken["CacheClusterId"]) == ("available", "leaving-group-001")
    assert service.new_group("leaving-back", 1, SnapshotName="farewell-group").get("k") == "v"


def test_nothing_is_deleted_when_the_final_snapshot_fails(service):
    client = service.new_cluster("staying")
    client.set("k", "v")
    folder = service.data / "nodes/staying.0001"
    (folder / "dump.rdb").mkdir()
    (folder / "dump.rdb" / "in-the-way").touch()
    service.aws.delete_cache_cluster(CacheClusterId="staying", FinalSnapshotIdentifier="never")
    service.wait_snapshot("never", "failed")
    assert service.cluster("staying").get("k") == "v"
    service.wait_events("Snapshot failed for snapshot with ID 'never' of cache cluster with ID 'staying'",
                        source="staying")
    (folder / "dump.rdb" / "in-the-way").unlink()
    (folder / "dump.rdb").rmdir()
    service.delete_cluster("staying", FinalSnapshotIdentifier="at-last")
    assert service.snapshot("at-last")


def test_copies_and_exports(service):
    client = service.new_cluster("origin")
    client.set("k", "v")
    service.take("first", CacheClusterId="origin")
    copy = service.aws.copy_snapshot(SourceSnapshotName="first", TargetSnapshotName="second")["Snapshot"]
    assert (copy["SnapshotName"], copy["SnapshotStatus"]) == ("second", "copying")
    service.wait_snapshot("second")
    service.aws.delete_snapshot(SnapshotName="first")
    service.wait_snapshot("first", None)
    refused = refusal(service.aws.copy_snapshot, SourceSnapshotName="second", TargetSnapshotName="out",
                      TargetBucket="shelf")
    assert refused == ("InvalidParameterValue", 400, "The S3 bucket shelf does not exist.")
    bucket = service.data / "buckets/shelf"
    bucket.mkdir(parents=True)
    asked = service.aws.copy_snapshot(SourceSnapshotName="second", TargetSnapshotName="out", TargetBucket="shelf")
    assert asked["Snapshot"]["SnapshotStatus"] == "exporting"
    service.wait_snapshot("second")
    assert [path.name for path in bucket.iterdir()] == ["out-0001.rdb"]
    refused = refusal(service.aws.copy_snapshot, SourceSnapshotName="second", TargetSnapshotName="out",
                      TargetBucket="shelf")
    assert refused[2] == "The S3 bucket shelf already contains an object with key out-0001.rdb."
    restored = service.new_cluster("from-shelf", SnapshotArns=["arn:aws:s3:::shelf/out-0001.rdb"])
    assert restored.get("k") == "v"
    with Redis("--dbfilename", "out.rdb") as judge:
        judge.stop()
        (judge.directory / "out.rdb").write_bytes((bucket / "out-0001.rdb").read_bytes())
        checked = subprocess.run(["redis-check-rdb", str(judge.directory / "out.rdb")], capture_output=True, text=True)
        assert "RDB looks OK" in checked.stdout or "Can't handle RDB format version" in checked.stdout, checked


def test_a_cache_is_seeded_from_a_file_of_redis(service):
    shelf = service.data / "buckets/redis"
    shelf.mkdir(parents=True)
    with Redis() as judge:
        client = redis.Redis(HOST, judge.port, decode_responses=True)
        fill(client)
        before = contents(client)
        client.save()
        (shelf / "seed.rdb").write_bytes((judge.directory / "dump.rdb").read_bytes())
    arn = ["arn:aws:s3:::redis/seed.rdb"]
    group = service.new_group("seeded", 2, SnapshotArns=arn)
    assert contents(group) == before
    assert group.wait(1, 10_000) == 1 and contents(service.member("seeded", 2)) == before
    for wrong in (["arn:aws:s3:::redis"], ["no-arn"], arn * 2):
        assert error_of(service.aws.create_cache_cluster, CacheClusterId="x", Engine="redis", CacheNodeType=TYPE,
                        SnapshotArns=wrong) == "InvalidParameterValue"
    refused = refusal(service.aws.create_cache_cluster, CacheClusterId="x", Engine="redis", CacheNodeType=TYPE,
                      SnapshotArns=["arn:aws:s3:::redis/none.rdb"])
    assert refused[2] == "The S3 bucket redis does not contain an object with key none.rdb."
    assert (shelf / "seed.rdb").exists()


def test_a_damaged_file_fails_the_restore_and_nothing_starts(service):
    shelf = service.data / "buckets/broken"
    shelf.mkdir(parents=True)
    client = service.new_cluster("sound")
    fill(client, 100)
    service.take("sound-snap", CacheClusterId="sound")
    whole = (service.data / "snapshots/sound-snap/0001.rdb").read_bytes()
    middle = len(whole) // 2
    (shelf / "cut.rdb").write_bytes(whole[:middle])
    (shelf / "flipped.rdb").write_bytes(whole[:middle] + bytes([whole[middle] ^ 0x40]) + whole[middle + 1:])
    (shelf / "text.rdb").write_bytes(b"no snapshot at all")
    for name in ("cut", "flipped", "text"):
        service.new_cluster(f"bad-{name}", wait=False, SnapshotArns=[f"arn:aws:s3:::broken/{name}.rdb"])
        service.wait_cluster(f"bad-{name}", "restore-failed")
        assert any(f"Failed to restore from arn:aws:s3:::broken/{name}.rdb" in message
                   for message in service.messages(f"bad-{name}", "cache-cluster"))
    service.aws.create_replication_group(ReplicationGroupId="bad-group", ReplicationGroupDescription="d",
                                         CacheNodeType=TYPE, NumCacheClusters=2,
                                         SnapshotArns=["arn:aws:s3:::broken/cut.rdb"])
    service._wait(lambda: service.seen_group("bad-group")["Status"], lambda status: status == "create-failed", "status")
    assert not [name for name in service.nodes() if name.startswith("bad-")]
    service.delete_group("bad-group")
    for name in ("cut", "flipped", "text"):
        service.delete_cluster(f"bad-{name}")
    assert service.files("staging") == set()


def test_a_kilnd_that_is_killed_leaves_no_half_snapshot():
    with Service("--keep-nodes-on-exit") as service:
        client = service.new_cluster("big")
        client.config_get("maxmemory")
        pipe = client.pipeline(transaction=False)
        for i in range(200_000):
            pipe.set(f"key:{i}", "x" * 100)
        pipe.execute()
        for round_number, when in enumerate((0.0, 0.05, 0.1, 0.2, 0.4)):
            name = f"cut-{round_number}"
            service.aws.create_snapshot(SnapshotName=name, CacheClusterId="big")
            wait_for_progress(service, name, when)
            service.kill()
            service.start()
            service.aws = service.client()
            service.wait_snapshot(name)
            service.wait_cluster("big")
        assert service.files() == {f"cut-{number}/0001.rdb" for number in range(5)}
        assert service.files("staging") == set()
        assert service.new_cluster("again", SnapshotName="cut-4").dbsize() == 200_000
        service.delete_cluster("again")
        service.delete_cluster("big")


def test_a_kilnd_that_is_killed_while_it_restores_goes_on():
    with Service("--keep-nodes-on-exit") as service:
        client = service.new_cluster("big")
        pipe = client.pipeline(transaction=False)
        for i in range(200_000):
            pipe.set(f"key:{i}", "x" * 100)
        pipe.execute()
        service.take("whole", CacheClusterId="big")
        staged = service.data / "staging/seed-back-1.rdb"
        for number, is_far in enumerate((lambda: True, staged.exists, lambda: "back-2.0001" in service.nodes())):
            service.new_cluster(f"back-{number}", wait=False, SnapshotName="whole")
            wait_until(is_far, LIMIT_S, "the restore is on its way")
            service.kill()
            service.start()
            service.aws = service.client()
            assert service.cluster(f"back-{number}").dbsize() == 200_000
            service.wait_snapshot("whole")
        assert service.files("staging") == set()
        assert not list(service.data.glob("nodes/*/dump.rdb"))
        for name in ("big", "back-0", "back-1", "back-2"):
            service.delete_cluster(name)


def wait_for_progress(service, name, share):
    """Until the node has written so much of the file, or all of it."""
    staged = service.data / "staging" / f"{name}-0001.rdb"

    def reached():
        drafts = list(service.data.glob("nodes/big.0001/temp-*.rdb"))
        written = sum(path.stat().st_size for path in drafts if path.exists())
        return share == 0 or written >= share * 20_000_000 or staged.exists() or service.snapshot(name)[
            "SnapshotStatus"] == "available"

    wait_until(reached, LIMIT_S, "the snapshot is on its way")


def test_states_and_quotas(service):
    aws = service.aws
    service.new_cluster("quota")
    aws.create_cache_cluster(CacheClusterId="quota-mc", Engine="memcached", CacheNodeType=TYPE, NumCacheNodes=1)
    service.wait_cluster("quota-mc")
    assert error_of(aws.create_snapshot, SnapshotName="a", CacheClusterId="quota-mc") == \
        "SnapshotFeatureNotSupportedFault"
    for number in range(20):
        service.take(f"quota-{number}", CacheClusterId="quota")
        service.wait_cluster("quota")
    assert refusal(aws.create_snapshot, SnapshotName="quota-20", CacheClusterId="quota") == (
        "SnapshotQuotaExceededFault", 400,
        "The maximum number of manual snapshots for this cluster taken within 24 hours has been reached")
    assert error_of(aws.create_snapshot, SnapshotName="quota-0", CacheClusterId="quota") == "SnapshotAlreadyExistsFault"
    first = aws.describe_snapshots(MaxRecords=20)
    assert len(first["Snapshots"]) == 20 and first["Marker"]
    assert len(service.snapshots(CacheClusterId="quota")) == 20
    assert {item["SnapshotName"] for item in service.snapshots(SnapshotSource="user")} >= {"quota-0"}
    assert service.snapshots(SnapshotSource="system", CacheClusterId="quota") == []


# ---- Automatic ones ----

def window_now():
    """Two hours around now, and a maintenance window far from it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    start, end = now - datetime.timedelta(hours=1), now + datetime.timedelta(hours=1)
    far = now + datetime.timedelta(days=3, hours=6)
    day = far.strftime("%a").lower()
    after = far + datetime.timedelta(hours=1)
    maintenance = f"{day}:{far:%H:%M}-{after.strftime('%a').lower()}:{after:%H:%M}"
    return {"SnapshotWindow": f"{start:%H:%M}-{end:%H:%M}", "PreferredMaintenanceWindow": maintenance}


class ClockService(Service):
    """Its clock is ahead by some days."""

    days = 0

    def argv(self):
        library = pathlib.Path(self.binary()).with_name("libkiln-clock.so")
        if not library.exists():
            pytest.skip(f"{library} is not built")
        return ["env", f"LD_PRELOAD={library}", f"KILN_CLOCK_AHEAD_S={self.days * 86400}", *super().argv()]

    def live_on(self, days):
        self.end()
        self.log.close()
        self.days = days
        self.start()


def test_automatic_snapshots_come_daily_and_go_when_their_time_is_over():
    with ClockService("--keep-nodes-on-exit") as service:
        client = service.new_cluster("daily", SnapshotRetentionLimit=2, **window_now())
        client.set("k", "v")
        service._wait(lambda: service.snapshots(SnapshotSource="system"),
                      lambda seen: [snapshot["SnapshotStatus"] for snapshot in seen] == ["available"], "a snapshot")
        first, = service.snapshots(CacheClusterId="daily")
        assert first["SnapshotName"].startswith("automatic.daily-20") and first["SnapshotSource"] == "automated"
        assert len(first["SnapshotName"]) == len("automatic.daily-2026-11-23-20-05")
        days = {first["SnapshotName"]}
        for day in (1, 2, 3):
            service.live_on(day)
            wait_until(lambda: len(kept(service) - days) == 1, LIMIT_S, f"a snapshot of day {day}")
            days |= kept(service)
            if day >= 2:
                wait_until(lambda: len(kept(service)) == 2, LIMIT_S, "the oldest is gone")
        assert first["SnapshotName"] not in kept(service) and len(days) == 4
        service.live_on(0)
        service.aws = service.client()
        service.wait_cluster("daily")
        service.delete_cluster("daily")
        service._wait(service.snapshots, lambda seen: seen == [], "automatic ones go with their cluster")


def kept(service):
    return {pathlib.PurePath(path).parts[0] for path in service.files()}
