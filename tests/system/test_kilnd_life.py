"""kilnd starts and ends, as whoever runs it sees it: nodes end, stay or are found again; what cannot be is refused."""

import http.client
import signal
import socket
import sqlite3
import stat
import subprocess

import pymemcache
import pytest
import redis
from servers import HOST, free_port, wait_until

from api.kilnd import Kilnd, cluster_of, endpoints

TYPE = "cache.t3.micro"


def create_both(kilnd):
    """A Redis and a memcached cluster, each with a key."""
    aws = kilnd.client()
    aws.create_cache_cluster(CacheClusterId="web", Engine="redis", CacheNodeType=TYPE, Port=7000,
                             Tags=[{"Key": "team", "Value": "a"}])
    aws.create_cache_cluster(CacheClusterId="mc", Engine="memcached", CacheNodeType=TYPE, NumCacheNodes=2)
    web, mc = kilnd.wait_cluster("web"), kilnd.wait_cluster("mc")
    to_redis(web).set("k", "v")
    for where in endpoints(mc):
        with_memcached(where, lambda client: client.set("k", "v"))
    return web, mc


def to_redis(cluster):
    return redis.Redis(*endpoints(cluster)[0], decode_responses=True)


def with_memcached(where, ask):
    client = pymemcache.Client(where)
    try:
        return ask(client)
    finally:
        client.close()


def all_there_is(aws) -> tuple:
    """What users made, as far as the API tells."""
    clusters = aws.describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]
    return (clusters, [aws.list_tags_for_resource(ResourceName=cluster["ARN"])["TagList"] for cluster in clusters],
            aws.describe_replication_groups()["ReplicationGroups"],
            aws.describe_cache_parameter_groups()["CacheParameterGroups"])


@pytest.fixture
def kilnd():
    with Kilnd() as running:
        yield running


def refused(kilnd, *options: str, data=None, port=0) -> str:
    """What a kilnd says that does not start. It has ended with status 1."""
    argv = [kilnd.binary(), "--data-dir", str(data or kilnd.data), "--listen", f"{HOST}:{port}", *options]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr.startswith("kilnd: ") and done.stderr.count("\n") == 1
    return done.stderr


# ---- Its end ----

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_its_nodes_in_good_order(kilnd, number):
    create_both(kilnd)
    assert len(kilnd.nodes()) == 3
    assert kilnd.end(number) == 0
    assert kilnd.nodes() == {}
    for node in ("web.0001", "mc.0001", "mc.0002"):
        log = "stderr.log" if node.startswith("mc") else "node.log"
        assert "Kiln is now ready to exit" in (kilnd.data / "nodes" / node / log).read_text(), "not killed, but asked"


def test_a_silent_client_does_not_keep_it_from_ending(kilnd):
    # SDKs keep connections open for long.
    silent = http.client.HTTPConnection(HOST, kilnd.port, timeout=4)
    try:
        silent.request("GET", "/metrics")
        silent.getresponse().read()
        kilnd.process.send_signal(signal.SIGTERM)
        assert silent.sock.recv(1) == b""
        assert kilnd.process.wait(4) == 0
    finally:
        silent.close()
    kilnd.start()


# ---- The next start ----

def test_the_next_start_finds_everything_again(kilnd):
    # Endpoints above all: clients have them in their configuration.
    create_both(kilnd)
    aws = kilnd.client()
    aws.create_cache_parameter_group(CacheParameterGroupName="g", CacheParameterGroupFamily="redis7", Description="d")
    aws.create_replication_group(ReplicationGroupId="rg", ReplicationGroupDescription="d", Engine="valkey",
                                 CacheNodeType=TYPE)
    kilnd.wait_cluster("rg-001")
    wait_until(lambda: aws.describe_replication_groups()["ReplicationGroups"][0]["Status"] == "available")
    before = all_there_is(aws)
    assert kilnd.end() == 0
    kilnd.start()
    wait_until(lambda: all_there_is(aws) == before, what="all is as before")
    web = cluster_of(aws, "web")
    wait_until(lambda: len(kilnd.nodes()) == 4)
    assert to_redis(web).get("k") is None, "a cache that was ended is empty"
    messages = kilnd.wait_events("Cache node 0001 restarted", source="web")
    assert messages == ["Cache cluster created", "Cache node 0001 restarted"], "that is all there is to tell"


def test_nodes_may_serve_on_without_it():
    # An update of kilnd need not empty the caches.
    with Kilnd("--keep-nodes-on-exit") as kilnd:
        web, mc = create_both(kilnd)
        before, client = kilnd.nodes(), to_redis(web)
        connection = client.client_id()
        messages = kilnd.wait_events("Cache cluster created")
        assert kilnd.end() == 0
        assert kilnd.nodes() == before
        assert client.get("k") == "v", "it serves while kilnd is away"
        kilnd.start()
        assert kilnd.wait_cluster("web") == web and kilnd.wait_cluster("mc") == mc
        assert kilnd.nodes() == before
        assert client.get("k") == "v" and client.client_id() == connection, "its clients were not disturbed"
        assert {with_memcached(where, lambda memcached: memcached.get("k")) for where in endpoints(mc)} == {b"v"}
        assert kilnd.wait_events() == messages, "nothing has happened to them"
        aws = kilnd.client()  # They can be changed as if nothing had been.
        aws.modify_cache_cluster(CacheClusterId="mc", NumCacheNodes=1, CacheNodeIdsToRemove=["0002"],
                                 ApplyImmediately=True)
        kilnd.wait_cluster("mc")
        aws.delete_cache_cluster(CacheClusterId="web")
        kilnd.wait_cluster("web", None)
        assert set(kilnd.nodes()) == {"mc.0001"}


def test_what_happened_while_it_was_away_is_found(kilnd):
    # kilnd is killed, then one of its nodes.
    web, mc = create_both(kilnd)
    kilnd.kill()
    before = kilnd.nodes()
    subprocess.run(["kill", "-9", str(before["mc.0002"])], check=True)
    wait_until(lambda: "mc.0002" not in kilnd.nodes())
    kilnd.start()
    kilnd.wait_events("Cache node 0002 restarted", source="mc")
    after = kilnd.nodes()
    assert after.keys() == before.keys()
    assert {node for node in after if after[node] != before[node]} == {"mc.0002"}
    assert endpoints(kilnd.wait_cluster("mc")) == endpoints(mc) and to_redis(web).get("k") == "v"


# ---- Starts that are refused ----

def test_a_second_one_on_the_same_data_is_refused(kilnd):
    create_both(kilnd)
    before = kilnd.nodes()
    assert "Another kilnd uses the state store" in refused(kilnd)
    assert kilnd.nodes() == before and kilnd.client().describe_cache_clusters()["CacheClusters"]


def test_a_taken_port_is_named_and_costs_no_node(kilnd):
    # Whoever starts it wrongly after a crash must not lose the caches that have survived it.
    create_both(kilnd)
    kilnd.kill()
    before = kilnd.nodes()
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Cannot listen on {HOST}:{port}: Address already in use" in refused(kilnd, port=port)
    assert kilnd.nodes() == before
    kilnd.start()


def test_a_broken_state_store_is_left_as_it_is(kilnd):
    # Beginning anew by itself would end all caches: they are strays to an empty store.
    create_both(kilnd)
    kilnd.kill()
    before = kilnd.nodes()
    broken = b"no database" * 1000
    (kilnd.data / "state.db").rename(kilnd.data / "kept.db")
    (kilnd.data / "state.db-wal").rename(kilnd.data / "kept.db-wal")
    (kilnd.data / "state.db").write_bytes(broken)
    text = refused(kilnd)
    assert str(kilnd.data / "state.db") in text and "put a copy of it back" in text
    assert (kilnd.data / "state.db").read_bytes() == broken and kilnd.nodes() == before
    (kilnd.data / "kept.db").rename(kilnd.data / "state.db")
    (kilnd.data / "kept.db-wal").rename(kilnd.data / "state.db-wal")
    kilnd.start()
    kilnd.wait_cluster("web")
    assert kilnd.nodes() == before


def test_a_state_store_of_a_later_version_is_refused(kilnd):
    assert kilnd.end() == 0
    state = sqlite3.connect(kilnd.data / "state.db")
    state.execute("PRAGMA user_version = 1000")
    state.close()
    assert "of a later version of Kiln" in refused(kilnd)


def test_a_data_directory_that_cannot_be_is_named_and_left_alone(kilnd, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    mode = file.stat().st_mode
    for data in (file, file / "below"):
        assert f"Cannot make the data directory {data}: " in refused(kilnd, data=data)
    assert file.read_text() == "mine" and file.stat().st_mode == mode


@pytest.mark.parametrize("options, text", [
    (["--port-range", "9-1"], "--port-range must be"),
    (["--port-range", "x"], "x"),
])
def test_options_without_sense_are_refused(kilnd, options, text):
    assert text in refused(kilnd, *options)


# ---- Its files ----

def test_its_files_are_its_owners_alone(kilnd):
    # The keys of the API, and what the parameters of nodes tell.
    create_both(kilnd)
    for path in [kilnd.data, *kilnd.data.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert stat.S_IMODE((kilnd.data / "credentials").stat().st_mode) == 0o600
    assert stat.S_IMODE(kilnd.data.stat().st_mode) == 0o700


def test_a_directory_that_was_there_keeps_its_rights(tmp_path):
    # "--data-dir /tmp" must not close /tmp to all others.
    tmp_path.chmod(0o755)
    with Kilnd() as kilnd:
        assert kilnd.end() == 0
        process = subprocess.Popen([kilnd.binary(), "--data-dir", str(tmp_path), "--listen", f"{HOST}:{free_port()}"],
                                   stdout=subprocess.PIPE, text=True)
        try:
            assert "kilnd is ready" in process.stdout.readline()
        finally:
            process.terminate()
            process.communicate(timeout=30)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "credentials").stat().st_mode) == 0o600


def test_the_same_keys_are_good_after_a_restart(kilnd):
    before = kilnd.credentials()
    kilnd.end()
    kilnd.start()
    assert kilnd.credentials() == before


def test_every_node_keeps_a_log(kilnd):
    create_both(kilnd)
    assert "Ready to accept connections" in (kilnd.data / "nodes/web.0001/node.log").read_text()
    assert "Ready to accept connections" in (kilnd.data / "nodes/mc.0001/stderr.log").read_text()
