"""DescribeCacheEngineVersions."""

import pytest


def versions(aws, **filters) -> list:
    pages = aws.get_paginator("describe_cache_engine_versions").paginate(**filters)
    return [row for page in pages for row in page["CacheEngineVersions"]]


def test_all_engines_are_listed(aws):
    rows = versions(aws)
    assert {row["Engine"] for row in rows} == {"memcached", "redis", "valkey"}
    keys = [(row["Engine"], row["EngineVersion"]) for row in rows]
    assert len(keys) == len(set(keys))


def test_version_has_its_row(aws):
    [row] = versions(aws, Engine="redis", EngineVersion="7.1")
    assert row == {"Engine": "redis", "EngineVersion": "7.1", "CacheParameterGroupFamily": "redis7",
                   "CacheEngineDescription": "Redis", "CacheEngineVersionDescription": "redis version 7.1"}


@pytest.mark.parametrize("filters, wanted", [
    ({"CacheParameterGroupFamily": "redis6.x"}, ["6.0", "6.2"]),
    ({"Engine": "valkey", "CacheParameterGroupFamily": "valkey8"}, ["8.0", "8.1", "8.2"]),
    ({"Engine": "redis", "DefaultOnly": True}, ["7.1"]),
    ({"Engine": "redis", "CacheParameterGroupFamily": "redis5.0", "DefaultOnly": True}, ["5.0.6"]),
    ({"Engine": "redis", "EngineVersion": "1.2.3"}, []),
    ({"Engine": "cow"}, [])])
def test_filters(aws, filters, wanted):
    assert [row["EngineVersion"] for row in versions(aws, **filters)] == wanted


def test_versions_come_in_pages(aws):
    small = versions(aws, PaginationConfig={"PageSize": 20})
    assert len(small) > 20
    assert small == versions(aws)
