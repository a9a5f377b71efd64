"""kilnd as a context manager, and what tests of its API say often. KILND names the binary.

  with Kilnd("--node-quota", "5") as kilnd:
      cache = kilnd.client()                        # boto3's, without retries
      cache.create_cache_cluster(CacheClusterId="web", Engine="redis", CacheNodeType="cache.t3.micro")
      kilnd.wait_cluster("web")

`kill()` is kill -9; `start()` starts it again on the same port and data directory. Leaving the block
stops it, and fails when a node outlives it that should not.
"""

import configparser
import os
import pathlib
import re
import shutil
import signal

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from servers import HOST, ROOT, STOP_TIMEOUT_S, Server, wait_until

REGION = "us-east-1"
ACCOUNT = "000000000000"
TIMEOUT_S = 20.0  # for whatever a test waits for


class Kilnd(Server):
    name = "kilnd"

    @classmethod
    def binary(cls) -> str:
        return os.path.abspath(os.environ.get("KILND") or ROOT / "build/release/bin/kilnd")

    @property
    def data(self) -> pathlib.Path:
        return self.directory.resolve() / "data"

    def argv(self) -> list:
        return [self.binary(), "--data-dir", str(self.data), "--listen", f"{HOST}:{self.port}", *self.options]

    def start(self):
        log = self.directory / "log"
        self.log_start = log.stat().st_size if log.exists() else 0
        super().start()

    def is_answering(self) -> bool:
        """A connection would not prove it: a node that the one before was starting may hold its port for a moment."""
        return b"kilnd is ready" in (self.directory / "log").read_bytes()[self.log_start:]

    def __exit__(self, *_):
        try:
            has_run = self.is_alive()
            assert not has_run or self.end() == 0, self.log_tail()
            left = {} if not has_run or "--keep-nodes-on-exit" in self.options else self.nodes()
            assert not left, f"outlived kilnd: {left}\n{self.log_tail()}"
        finally:
            self.clean_up()

    def clean_up(self):
        """Leaves nothing behind, whatever went wrong."""
        self.kill()
        for pid in self.nodes().values():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.nodes(), what="no node is left")
        shutil.rmtree(self.directory, ignore_errors=True)

    def end(self, number=signal.SIGTERM) -> int:
        """Stops it with a signal. Its exit status."""
        self.process.send_signal(number)
        return self.process.wait(STOP_TIMEOUT_S)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    # ---- Its API ----

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def credentials(self) -> tuple:
        """Key id and secret."""
        file = configparser.ConfigParser()
        file.read(self.data / "credentials")
        return file["default"]["aws_access_key_id"], file["default"]["aws_secret_access_key"]

    def client(self, key_id=None, secret=None, region=REGION, token=None):
        own_id, own_secret = self.credentials()
        return boto3.client("elasticache", endpoint_url=self.url, region_name=region,
                            aws_access_key_id=key_id or own_id, aws_secret_access_key=secret or own_secret,
                            aws_session_token=token, config=Config(retries={"total_max_attempts": 1}))

    def wait_cluster(self, cluster_id: str, status="available"):
        """Polls until the cluster has the status; None stands for gone. Its description, with nodes."""
        client = self.client()
        return self._wait(lambda: cluster_of(client, cluster_id),
                          lambda cluster: (cluster and cluster["CacheClusterStatus"]) == status,
                          f"{cluster_id} is {status}")

    def wait_events(self, *texts: str, source=None) -> list:
        """Polls until each of the texts is part of a message, of any source or of a cluster. All messages."""
        client = self.client()
        filters = {"SourceIdentifier": source, "SourceType": "cache-cluster"} if source else {}
        pages = client.get_paginator("describe_events").paginate(**filters)
        return self._wait(lambda: [event["Message"] for page in pages for event in page["Events"]],
                          lambda messages: all(any(text in message for message in messages) for text in texts),
                          f"there are events with {texts}")

    def _wait(self, look, is_enough, what):
        seen = None

        def reached():
            nonlocal seen
            seen = look()
            return is_enough(seen)

        try:
            wait_until(reached, TIMEOUT_S, what)
        except TimeoutError as error:
            raise TimeoutError(f"{error}, but {seen}\n{self.log_tail()}") from None
        return seen

    # ---- Its nodes ----

    def nodes(self) -> dict:
        """Pids by node ("web.0001"): the first argument of a node's process is a path in its folder."""
        found = {}
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                name = (entry / "cmdline").read_bytes().split(b"\0")[0].decode()
            except OSError:
                continue  # It ended meanwhile.
            node = re.match(re.escape(f"{self.data}/nodes/") + "([^/]+)/", name)
            if node:
                assert node[1] not in found, f"two processes of {node[1]}\n{self.log_tail()}"
                found[node[1]] = int(entry.name)
        return found

    def folders(self) -> set:
        """The nodes that have files."""
        return {path.name for path in self.data.glob("nodes/*")}


def cluster_of(client, cluster_id: str):
    """Its description with nodes, or None when it is gone."""
    try:
        return client.describe_cache_clusters(CacheClusterId=cluster_id, ShowCacheNodeInfo=True)["CacheClusters"][0]
    except ClientError as error:
        assert error.response["Error"]["Code"] == "CacheClusterNotFound", error
        return None


def endpoints(cluster) -> list:
    """Of its nodes, in the order of their ids."""
    return [(node["Endpoint"]["Address"], node["Endpoint"]["Port"]) for node in cluster["CacheNodes"]]


def arn(kind: str, name: str) -> str:
    return f"arn:aws:elasticache:{REGION}:{ACCOUNT}:{kind}:{name}"


def refusal(call, **arguments) -> tuple:
    """Code, HTTP status and message of the error that a call must end with."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def error_of(call, **arguments) -> str:
    """The code of the error that a call must end with."""
    return refusal(call, **arguments)[0]
