"""Snapshots in an S3-compatible store: s3rver, behind a gate that checks every signature as botocore makes it."""

import hashlib
import http.client
import http.server
import pathlib
import socket
import subprocess
import threading

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from api.kilnd import refusal
from caches import Service, contents, fill
from servers import HOST, Server, free_port

NODE = pathlib.Path(__file__).parent / "node"
KEY, SECRET, REGION = "S3RVER", "S3RVER", "us-east-1"


class Gate(http.server.BaseHTTPRequestHandler):
    """Lets requests through to s3rver whose signature and checksum are right; s3rver looks at the key's id alone."""

    protocol_version = "HTTP/1.1"
    behind = 0  # The port of s3rver.
    refused = []

    def log_message(self, *_):
        pass

    def is_signed(self, body):
        fields = dict(part.split("=", 1) for part in self.headers["Authorization"].split(None, 1)[1].split(", "))
        request = AWSRequest(self.command, f"http://{self.headers['Host']}{self.path}", data=body,
                             headers={name: self.headers[name] for name in fields["SignedHeaders"].split(";")})
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        auth = S3SigV4Auth(Credentials(KEY, SECRET), "s3", REGION)
        signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        digest = hashlib.sha256(body).hexdigest()
        return signature == fields["Signature"] and digest == self.headers["X-Amz-Content-Sha256"]

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.is_signed(body):
            self.refused.append(f"{self.command} {self.path}")
            self.send_response(403)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        behind = http.client.HTTPConnection(HOST, self.behind)
        behind.request(self.command, self.path, body, dict(self.headers))
        reply = behind.getresponse()
        text = reply.read()
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        length = reply.getheader("Content-Length") if self.command == "HEAD" else len(text)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_HEAD = do_PUT = do_DELETE = forward


class S3(Server):
    """s3rver, which npm brings on first use, and the gate before it."""

    name = "s3"

    def argv(self):
        return ["node", str(NODE / "node_modules/s3rver/bin/s3rver.js"), "-d", str(self.directory / "data"),
                "-a", HOST, "-p", str(self.port), "--no-vhost-buckets",
                *(word for bucket in ("kept", "shelf") for word in ("--configure-bucket", bucket))]

    def is_answering(self):
        with socket.create_connection((HOST, self.port), timeout=1):
            return True

    def __enter__(self):
        super().__enter__()
        Gate.behind = self.port
        self.gate = http.server.ThreadingHTTPServer((HOST, free_port()), Gate)
        threading.Thread(target=self.gate.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.gate.shutdown()
        self.gate.server_close()
        super().__exit__(*exception)

    @property
    def url(self):
        return f"http://{HOST}:{self.gate.server_port}"

    def client(self):
        return boto3.client("s3", endpoint_url=f"http://{HOST}:{self.port}", region_name=REGION, aws_access_key_id=KEY,
                            aws_secret_access_key=SECRET, config=Config(s3={"addressing_style": "path"}))


class S3Service(Service):
    """kilnd with credentials for s3rver."""

    secret = SECRET

    def argv(self):
        return ["env", f"AWS_ACCESS_KEY_ID={KEY}", f"AWS_SECRET_ACCESS_KEY={self.secret}", "AWS_SESSION_TOKEN=t",
                *super().argv()]


@pytest.fixture(scope="module")
def s3():
    if not (NODE / "node_modules/s3rver").is_dir():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], cwd=NODE, check=True)
    with S3() as store:
        yield store


def keys(s3, bucket):
    return {row["Key"] for row in s3.client().list_objects_v2(Bucket=bucket).get("Contents", [])}


def test_snapshots_are_kept_in_a_bucket(s3):
    with S3Service("--snapshot-target", "s3://kept/from/kiln", "--s3-endpoint", s3.url) as service:
        group = service.new_group("stored", 2)
        fill(group)
        group.set("large", "".join(map(chr, range(0x4e00, 0x4e00 + 20_000))) * 50)  # libcurl asks before it sends that
        before = contents(group)
        assert group.wait(1, 10_000) == 1
        service.take("far", ReplicationGroupId="stored")
        assert keys(s3, "kept") == {"from/kiln/far/0001.rdb"}
        assert not (service.data / "snapshots").exists() and service.files("staging") == set()
        assert contents(service.new_group("fetched", 2, SnapshotName="far")) == before
        service.aws.copy_snapshot(SourceSnapshotName="far", TargetSnapshotName="out", TargetBucket="shelf")
        service.wait_snapshot("far")
        assert keys(s3, "shelf") == {"out-0001.rdb"}
        odd = "odd name+(1)/é.rdb"
        s3.client().copy_object(Bucket="shelf", Key=odd, CopySource={"Bucket": "shelf", "Key": "out-0001.rdb"})
        for number, key in enumerate(("out-0001.rdb", odd)):
            arns = [f"arn:aws:s3:::shelf/{key}"]
            assert contents(service.new_cluster(f"seeded-{number}", SnapshotArns=arns)) == before
        for bucket, text in (("nowhere", "The S3 bucket nowhere does not exist."),
                             ("shelf", "The S3 bucket shelf already contains an object with key out-0001.rdb.")):
            assert refusal(service.aws.copy_snapshot, SourceSnapshotName="far", TargetSnapshotName="out",
                           TargetBucket=bucket) == ("InvalidParameterValue", 400, text)
        service.aws.delete_snapshot(SnapshotName="far")
        service.wait_snapshot("far", None)
        assert keys(s3, "kept") == set() and Gate.refused == []


def test_a_store_that_refuses_fails_the_snapshot_and_nothing_else(s3):
    with S3Service("--snapshot-target", "s3://kept", "--s3-endpoint", s3.url, "--keep-nodes-on-exit") as service:
        client = service.new_cluster("lonely")
        client.set("k", "v")
        service.take("before", CacheClusterId="lonely")
        service.wait_cluster("lonely")
        service.end()
        service.log.close()
        service.secret = "wrong"
        service.start()
        service.aws = service.client()
        service.cluster("lonely").set("k", "w")
        service.aws.create_snapshot(SnapshotName="refused", CacheClusterId="lonely")
        service.wait_snapshot("refused", "failed")
        assert service.wait_events("Snapshot failed for snapshot with ID 'refused'", source="lonely")
        assert service.cluster("lonely").get("k") == "w"
        service.new_cluster("no-seed", wait=False, SnapshotName="before")
        service.wait_cluster("no-seed", "restore-failed")
        service.wait_snapshot("before")
