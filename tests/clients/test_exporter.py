"""prometheus-redis-exporter: every metric that it fills from redis-server it fills from Kiln too."""

import re
import shutil
import subprocess
import urllib.request

import pytest

from conftest import require
from servers import HOST, Kiln, Redis, free_port, wait_until

EXPORTER = "prometheus-redis-exporter"
# What only redis-server 7.0 has, each with its reason.
EXCEPTIONS = {"aof-disable-auto-gc": "7.2 hides this parameter from patterns, as Kiln does"}


def metrics(server) -> tuple:
    """Metrics by name of a server with a little of everything in it, and the parameters that have a metric."""
    with server.connect() as client:
        for words in ("SET text x EX 1000", "RPUSH list 1 2", "HSET hash f v", "ZADD ranked 1 a", "XADD log 1-1 f v",
                      "XGROUP CREATE log group 0", "XREADGROUP GROUP group one STREAMS log >",
                      "CONFIG SET latency-monitor-threshold 1", "CONFIG SET slowlog-log-slower-than 0",
                      "PFADD hll a", "EVAL return(1) 0", "NOSUCH", "SET text x EX 1000"):
            client.call(*words.split())
        client.call("DEBUG", "SLEEP", "0.005")
    port = free_port()
    command = [EXPORTER, "-redis.addr", f"redis://{HOST}:{server.port}", "-web.listen-address", f"{HOST}:{port}",
               "-include-config-metrics", "-include-system-metrics", "-export-client-list",
               "-check-keys", "*", "-check-streams", "log", "-count-keys", "db0=*"]
    with open(server.directory / "exporter.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        def page():
            try:
                return urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=20).read().decode()
            except OSError:
                return None
        text = wait_until(page, what="the exporter answers")
    finally:
        process.kill()
        process.wait()
    rows = re.findall(r"^(redis_\w+)(\{.*\})? (\S+)$", text, re.MULTILINE)
    parameters = {re.search(r'key="([^"]*)"', labels)[1] for name, labels, _ in rows if name.startswith("redis_config_")
                  and "key=" in labels}
    return {name: value for name, _, value in rows}, parameters


def test_metrics_of_the_exporter():
    if not shutil.which(EXPORTER):
        pytest.skip(f"{EXPORTER} is not there")
    with require(Redis)() as peer, require(Kiln)() as ours:
        (expected, expected_parameters), (found, parameters) = metrics(peer), metrics(ours)
    assert found["redis_up"] == expected["redis_up"] == "1"
    assert found["redis_exporter_last_scrape_error"] == "0"
    assert len(expected) > 100
    assert sorted(set(expected) - set(found) - EXCEPTIONS.keys()) == []
    assert sorted(expected_parameters - parameters - EXCEPTIONS.keys()) == []
