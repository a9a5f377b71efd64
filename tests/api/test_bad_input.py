"""What no SDK sends: kilnd refuses it in words, and lives on."""

import http.client
import socket

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from servers import HOST

from .kilnd import REGION


@pytest.fixture(autouse=True)
def still_answers(kilnd, aws):
    yield
    assert kilnd.is_alive()
    aws.describe_users()


def send(kilnd, body=b"", method="POST", target="/", headers=None, signed=True) -> tuple:
    """Status and text of the reply."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    if signed:
        request = AWSRequest(method, kilnd.url + target, data=body, headers=headers)
        botocore.auth.SigV4Auth(Credentials(*kilnd.credentials()), "elasticache", REGION).add_auth(request)
        headers = dict(request.headers)
    connection = http.client.HTTPConnection(HOST, kilnd.port, timeout=20)
    connection.request(method, target, body, headers)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, text


@pytest.mark.parametrize("body", [b"Action=%", b"Action=%zz", b"Action=%ff", b"=1", b"Action=\xff", b"\x00\xff" * 100])
def test_broken_forms_are_malformed(kilnd, body):
    status, text = send(kilnd, body)
    assert status == 404
    assert "<Code>MalformedQueryString</Code>" in text


def test_too_many_fields_are_refused(kilnd):
    status, text = send(kilnd, b"&".join(b"a%d=1" % i for i in range(10001)))
    assert "<Code>MalformedQueryString</Code>" in text and status == 404


def test_long_forms_are_read(kilnd):
    status, text = send(kilnd, b"Action=DescribeUsers&UserId=" + b"a" * 500_000)
    assert "<Code>UserNotFound</Code>" in text and status == 404


def test_bodies_over_the_limit_are_refused(kilnd):
    assert send(kilnd, b"a" * (2 << 20), signed=False)[0] == 413


@pytest.mark.parametrize("body, code", [(b"", "MissingAction"), (b"Action=", "MissingAction"),
                                        (b"Action=Nonsense", "InvalidAction"),
                                        (b"Action=DescribeUsers&Version=2010-01-01", "InvalidAction")])
def test_action_must_be_known(kilnd, body, code):
    status, text = send(kilnd, body)
    assert status == 400
    assert f"<Code>{code}</Code>" in text


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_unsigned_calls_are_refused(kilnd, method):
    status, text = send(kilnd, method=method, signed=False)
    assert status == 403
    assert "<Code>MissingAuthenticationToken</Code>" in text


@pytest.mark.parametrize("header", [
    "AWS4-HMAC-SHA256", "Basic Zm9vOmJhcg==", "AWS4-HMAC-SHA256 " + "," * 4000, "AWS4-HMAC-SHA256 Credential=/////",
    "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=" + "host;" * 500])
def test_garbled_authorization_is_incomplete(kilnd, header):
    status, text = send(kilnd, signed=False, headers={"Authorization": header})
    assert status == 400
    assert "<Code>IncompleteSignature</Code>" in text


@pytest.mark.parametrize("fields", [
    b"Action=DescribeEvents&MaxRecords=x", b"Action=DescribeEvents&MaxRecords=101", b"Action=DescribeEvents&Marker=x",
    b"Action=DescribeEvents&StartTime=soon", b"Action=DescribeEvents&Duration=-1",
    b"Action=DescribeCacheEngineVersions&DefaultOnly=perhaps"])
def test_wrong_values_are_refused(kilnd, fields):
    status, text = send(kilnd, fields)
    assert status == 400
    assert "<Code>InvalidParameterValue</Code>" in text


def test_names_are_escaped_in_replies(kilnd):
    _, text = send(kilnd, b"Action=DescribeUsers&UserId=%3Ca%3E%26%00%01")
    assert "User &lt;a&gt;&amp; not found." in text


@pytest.mark.parametrize("text", [b"\x00" * 100, b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n", b"\r\n\r\n",
                                  b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                                  b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                                  b"GET /" + b"a" * 100_000])
def test_nonsense_ends_in_an_error_or_a_closed_connection(kilnd, text):
    with socket.create_connection((HOST, kilnd.port), timeout=20) as client:
        try:
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
            reply = client.recv(100)
        except ConnectionError:
            reply = b""
    assert reply == b"" or b" 400 " in reply or b" 403 " in reply or b" 41" in reply, reply
