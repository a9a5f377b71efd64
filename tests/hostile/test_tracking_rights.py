"""Invalidations tell of no key that a client may not have."""

import pytest

from servers import Kiln

OK = ("+", b"OK")


@pytest.fixture
def server():
    with Kiln() as running:
        yield running


def tracking_user(server, admin, *rules):
    assert admin.call("ACL", "SETUSER", "anna", "on", "nopass", "+@all", *rules) == OK
    anna = server.connect()
    assert anna.call("HELLO", 3, "AUTH", "anna", "x")[0] == "%"
    return anna


def told(client) -> list:
    """The keys of the next invalidation."""
    sigil, message = client.read()
    assert sigil == ">" and message[0] == ("$", b"invalidate")
    return sorted(key for _, key in message[1][1])


def test_broadcasts_name_only_keys_that_the_client_may_have(server):
    with server.connect() as admin, tracking_user(server, admin, "~mine*", "(+get %R~shared)") as anna:
        assert anna.call("CLIENT", "TRACKING", "ON", "BCAST") == OK
        admin.pipeline([["SET", "secret", 1], ["SET", "shared", 1], ["SET", "mine1", 1]])
        keys = told(anna)
        while b"mine1" not in keys:
            keys += told(anna)
        assert sorted(keys) == [b"mine1", b"shared"]


def test_a_right_that_is_taken_away_ends_the_news_of_its_keys(server):
    with server.connect() as admin, tracking_user(server, admin, "~*") as anna:
        assert anna.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "s", "PREFIX", "m") == OK
        admin.call("SET", "secret", 1)
        assert told(anna) == [b"secret"]
        admin.call("ACL", "SETUSER", "anna", "resetkeys", "~mine*")
        admin.call("SET", "secret", 2)
        admin.call("SET", "mine", 2)
        assert told(anna) == [b"mine"]


def test_a_redirection_does_not_lend_the_rights_of_its_target(server):
    with server.connect() as admin, tracking_user(server, admin, "~mine*") as anna, server.connect() as target:
        number = target.call("CLIENT", "ID")[1]
        target.call("SUBSCRIBE", "__redis__:invalidate")
        assert anna.call("CLIENT", "TRACKING", "ON", "BCAST", "REDIRECT", number) == OK
        admin.call("SET", "secret", 1)
        admin.call("SET", "mine", 1)
        assert target.read()[1][2] == ("*", [("$", b"mine")])
