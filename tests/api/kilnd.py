"""kilnd as a context manager, and what tests of its API say often. KILND names the binary."""

import configparser
import os

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from servers import HOST, ROOT, Server

REGION = "us-east-1"
ACCOUNT = "000000000000"


class Kilnd(Server):
    name = "kilnd"

    @classmethod
    def binary(cls) -> str:
        return os.path.abspath(os.environ.get("KILND") or ROOT / "build/release/bin/kilnd")

    def argv(self) -> list:
        return [self.binary(), "--data-dir", str(self.directory / "data"), "--listen", f"{HOST}:{self.port}",
                *self.options]

    def is_answering(self) -> bool:
        self.connect().close()
        return True

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def credentials(self) -> tuple:
        """Key id and secret."""
        file = configparser.ConfigParser()
        file.read(self.directory / "data/credentials")
        return file["default"]["aws_access_key_id"], file["default"]["aws_secret_access_key"]

    def client(self, key_id=None, secret=None, region=REGION, token=None):
        own_id, own_secret = self.credentials()
        return boto3.client("elasticache", endpoint_url=self.url, region_name=region,
                            aws_access_key_id=key_id or own_id, aws_secret_access_key=secret or own_secret,
                            aws_session_token=token, config=Config(retries={"total_max_attempts": 1}))


def arn(kind: str, name: str) -> str:
    return f"arn:aws:elasticache:{REGION}:{ACCOUNT}:{kind}:{name}"


def error_of(call, **arguments) -> str:
    """The code of the error that a call must end with."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]
