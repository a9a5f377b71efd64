"""COMMAND, as clients ask it: beside redis-server's own reply, and in itself.

Redis 7.0.15 is what is installed. Where 7.2 says otherwise its word counts; those are listed here.
"""

import pytest

from conftest import require
from servers import Kiln, Redis

# What 7.2 changed: (command, field).
CHANGED_IN_7_2 = {
    ("acl|deluser", "tips"), ("acl|save", "tips"), ("acl|setuser", "tips"), ("client|setname", "tips"),
    ("config|resetstat", "tips"), ("config|rewrite", "tips"), ("latency|reset", "tips"), ("msetnx", "tips"),
    ("randomkey", "tips"), ("scan", "tips"), ("blmove", "flags"), ("blpop", "flags"), ("brpop", "flags"),
    ("brpoplpush", "flags"), ("bzpopmax", "flags"), ("bzpopmin", "flags"), ("wait", "flags"),
    ("cluster|shards", "flags"), ("cluster|slots", "flags"), ("command|getkeys", "arity"),
    ("command|getkeysandflags", "arity"), ("zrank", "arity"), ("zrevrank", "arity"), ("object", "categories"),
}
NEW_IN_7_2 = {"client|no-touch", "client|setinfo", "cluster|myshardid", "waitaof"}
# Of newer Redis and of Valkey.
NEWER = {"client|capa", "client|maint_notifications", "script|show", "hexpire", "hpexpire", "hexpireat", "hpexpireat",
         "httl", "hpttl", "hexpiretime", "hpexpiretime", "hpersist", "hgetex", "hsetex", "hgetdel",
         "kiln", "kiln|hold", "kiln|lease"}


def plain(value):
    """A reply without its sigils; maps of RESP2 stay lists."""
    if isinstance(value, tuple):
        return plain(value[1])
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.decode() if isinstance(value, bytes) else value


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


def key_spec(flat):
    """Notes are everybody's own words."""
    spec = pairs(flat)
    parts = {name: (pairs(spec[name])["type"], pairs(pairs(spec[name])["spec"]))
             for name in ("begin_search", "find_keys")}
    return {"flags": sorted(spec["flags"]), **parts}


def rows_of(reply, rows=None):
    """COMMAND's reply as rows by name, subcommands among them."""
    rows = {} if rows is None else rows
    for name, arity, flags, first, last, step, categories, tips, specs, children in reply:
        rows[name] = {"arity": arity, "flags": sorted(flags), "keys": (first, last, step),
                      "categories": sorted(categories), "tips": tips, "specs": [key_spec(spec) for spec in specs]}
        rows_of(children, rows)
    return rows


@pytest.fixture(scope="module")
def client():
    with require(Kiln)() as server, server.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def rows(client):
    return rows_of(plain(client.call("COMMAND")))


def test_every_command_is_described_as_redis_does(rows):
    with require(Redis)() as server, server.connect() as connection:
        theirs = rows_of(plain(connection.call("COMMAND")))
    differences = [(name, field, row[field], theirs[name][field])
                   for name, row in rows.items() if name in theirs
                   for field in row if row[field] != theirs[name][field] and (name, field) not in CHANGED_IN_7_2]
    assert not differences
    assert set(rows) - set(theirs) == NEW_IN_7_2 | NEWER


def documents_of(reply, documents=None):
    documents = {} if documents is None else documents
    for name, flat in zip(reply[::2], reply[1::2]):
        documents[name] = pairs(flat)
        documents_of(documents[name].get("subcommands", []), documents)
    return documents


def check_argument(command, argument):
    assert {"name", "type"} <= argument.keys(), command
    if argument["type"] in ("oneof", "block"):
        assert len(argument["arguments"]) >= 1, command
        for child in argument["arguments"]:
            check_argument(command, pairs(child))
    else:
        assert argument["display_text"], command
    if argument["type"] == "key":
        assert argument["key_spec_index"] >= 0, command
    if argument["type"] == "pure-token":
        assert argument["token"], command


def test_every_command_is_documented(client, rows):
    documents = documents_of(plain(client.call("COMMAND", "DOCS")))
    assert documents.keys() == rows.keys()
    for name, document in documents.items():
        assert document["summary"] and document["since"] and document["group"], name
        arguments = [pairs(argument) for argument in document.get("arguments", [])]
        takes_none = rows[name]["arity"] in (1, 2 if "|" in name else 1) or "subcommands" in document
        assert bool(arguments) != takes_none or rows[name]["arity"] < 0, name
        for argument in arguments:
            check_argument(name, argument)
        specs = [argument["key_spec_index"] for argument in arguments if "key_spec_index" in argument]
        assert all(spec < len(rows[name]["specs"]) for spec in specs), name


def test_documents_of_some_commands(client):
    documents = documents_of(plain(client.call("COMMAND", "DOCS", "set", "getset", "nosuch", "config|get")))
    assert documents.keys() == {"set", "getset", "config|get"}
    names = [pairs(argument)["name"] for argument in documents["set"]["arguments"]]
    assert names == ["key", "value", "condition", "get", "expiration"]
    assert ["6.0.0", "Added `KEEPTTL`."] in documents["set"]["history"]
    assert documents["getset"]["doc_flags"] == ["deprecated"]
    assert documents["getset"]["deprecated_since"] == "6.2.0"
    assert documents["config|get"]["group"] == "server"


def test_channels_of_shards_have_positions_but_are_no_keys(client, rows):
    assert rows["spublish"]["keys"] == (1, 1, 1)
    assert rows["ssubscribe"]["keys"] == (1, -1, 1)
    assert client.call("COMMAND", "GETKEYS", "SPUBLISH", "c", "m")[1] == b"ERR The command has no key arguments"
