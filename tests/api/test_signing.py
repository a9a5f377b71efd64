"""Who may call: AWS Signature Version 4, as botocore signs."""

import datetime
import urllib.error
import urllib.parse
import urllib.request

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .kilnd import REGION, error_of


def test_right_key_may_call(aws):
    assert aws.describe_users()["Users"] == []


def test_request_id_is_in_reply_and_header(aws):
    metadata = aws.describe_users()["ResponseMetadata"]
    assert metadata["RequestId"] == metadata["HTTPHeaders"]["x-amzn-requestid"]


def test_wrong_secret_does_not_match(kilnd):
    assert error_of(kilnd.client(secret="wrong").describe_users) == "SignatureDoesNotMatch"


def test_unknown_key_is_invalid(kilnd):
    assert error_of(kilnd.client(key_id="AKIDUNKNOWN").describe_users) == "InvalidClientTokenId"


def test_session_token_is_not_known(kilnd):
    assert error_of(kilnd.client(token="token").describe_users) == "InvalidClientTokenId"


def test_other_region_is_named(kilnd):
    client = kilnd.client(region="eu-west-1")
    with pytest.raises(client.exceptions.ClientError, match="valid region, not 'eu-west-1'"):
        client.describe_users()


@pytest.mark.parametrize("minutes, text", [(-20, "Signature expired"), (20, "Signature not yet current")])
def test_clocks_may_not_be_far_apart(kilnd, monkeypatch, minutes, text):
    # botocore takes the time anew for each signature.
    skewed = datetime.datetime.utcnow() + datetime.timedelta(minutes=minutes)
    request = AWSRequest("POST", kilnd.url + "/", data=b"Action=DescribeUsers&Version=2015-02-02",
                         headers={"Content-Type": "application/x-www-form-urlencoded"})
    signer = botocore.auth.SigV4Auth(Credentials(*kilnd.credentials()), "elasticache", REGION)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_: skewed, raising=False)

    class Clock(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return skewed

    monkeypatch.setattr(botocore.auth.datetime, "datetime", Clock)
    signer.add_auth(request)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(request.url, request.data, dict(request.headers)))
    assert caught.value.code == 403
    assert text in caught.value.read().decode()


def presigned(kilnd, query: str, expires_s: int = 60) -> str:
    request = AWSRequest("GET", f"{kilnd.url}/?{query}")
    signer = botocore.auth.SigV4QueryAuth(Credentials(*kilnd.credentials()), "elasticache", REGION, expires=expires_s)
    signer.add_auth(request)
    return request.url


def test_presigned_url_may_be_fetched(kilnd):
    url = presigned(kilnd, "Action=DescribeUsers&Version=2015-02-02")
    with urllib.request.urlopen(url) as reply:
        assert b"<DescribeUsersResult><Users/>" in reply.read()


def test_presigned_url_may_not_be_changed(kilnd):
    url = presigned(kilnd, "Action=DescribeUsers&Version=2015-02-02").replace("DescribeUsers", "DescribeSnapshots")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url)
    assert caught.value.code == 403


def test_presigned_url_signs_no_body(kilnd):
    # Otherwise whoever has the URL could ask for anything.
    url = presigned(kilnd, "Action=DescribeUsers&Version=2015-02-02")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(url, b"Action=DescribeSnapshots"))
    assert caught.value.code == 403


def test_header_signs_query_with_escapes(kilnd):
    # Space, plus, slash, tilde and a letter that is no ASCII.
    query = urllib.parse.urlencode({"Action": "DescribeSnapshots", "SnapshotName": "a b+c/d~ä"},
                                   quote_via=urllib.parse.quote, safe="")
    request = AWSRequest("GET", f"{kilnd.url}/?{query}")
    botocore.auth.SigV4Auth(Credentials(*kilnd.credentials()), "elasticache", REGION).add_auth(request)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(request.url, headers=dict(request.headers)))
    assert caught.value.code == 404
    assert "Snapshot a b+c/d~ä not found." in caught.value.read().decode()
