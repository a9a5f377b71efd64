"""Cache parameter groups and the lists of their parameters."""

import pytest

from .kilnd import arn, error_of


@pytest.fixture
def group(aws, name):
    aws.create_cache_parameter_group(CacheParameterGroupName=name, CacheParameterGroupFamily="redis7",
                                     Description="for a test")
    return name


def change(aws, group, **values):
    pairs = [{"ParameterName": key.replace("_", "-"), "ParameterValue": value} for key, value in values.items()]
    return aws.modify_cache_parameter_group(CacheParameterGroupName=group, ParameterNameValues=pairs)


def parameters(aws, group, **more) -> dict:
    pages = aws.get_paginator("describe_cache_parameters").paginate(CacheParameterGroupName=group, **more)
    return {row["ParameterName"]: row for page in pages for row in page["Parameters"]}


def test_create_tells_the_whole_group(aws, name):
    reply = aws.create_cache_parameter_group(CacheParameterGroupName=name.upper(), CacheParameterGroupFamily="redis7",
                                             Description="a & b")
    assert reply["CacheParameterGroup"] == {
        "CacheParameterGroupName": name, "CacheParameterGroupFamily": "redis7", "Description": "a & b",
        "IsGlobal": False, "ARN": arn("parametergroup", name)}


def test_names_are_taken_once(aws, group):
    assert error_of(aws.create_cache_parameter_group, CacheParameterGroupName=group,
                    CacheParameterGroupFamily="redis7", Description="x") == "CacheParameterGroupAlreadyExists"


@pytest.mark.parametrize("name", ["1a", "a-", "a--b", "a.b", "ä"])
def test_names_follow_the_rule(aws, name):
    assert error_of(aws.create_cache_parameter_group, CacheParameterGroupName=name,
                    CacheParameterGroupFamily="redis7", Description="x") == "InvalidParameterValue"


def test_family_must_be_known(aws, name):
    assert error_of(aws.create_cache_parameter_group, CacheParameterGroupName=name,
                    CacheParameterGroupFamily="redis77", Description="x") == "InvalidParameterValue"


def test_default_groups_are_listed_with_the_others(aws, group):
    pages = aws.get_paginator("describe_cache_parameter_groups").paginate(PaginationConfig={"PageSize": 20})
    names = [row["CacheParameterGroupName"] for page in pages for row in page["CacheParameterGroups"]]
    assert names == sorted(set(names))
    assert {"default.redis7", "default.redis7.cluster.on", "default.memcached1.6", group} <= set(names)


def test_unknown_group_is_not_found(aws, name):
    for call in (aws.describe_cache_parameter_groups, aws.describe_cache_parameters, aws.delete_cache_parameter_group):
        assert error_of(call, CacheParameterGroupName=name) == "CacheParameterGroupNotFound"


def test_changed_parameter_is_the_users(aws, group):
    assert change(aws, group, timeout="60", maxmemory_policy="allkeys-lru")["CacheParameterGroupName"] == group
    mine = parameters(aws, group, Source="user")
    assert {key: row["ParameterValue"] for key, row in mine.items()} == {
        "timeout": "60", "maxmemory-policy": "allkeys-lru"}
    others = parameters(aws, group, Source="system")
    assert "timeout" not in others and "slowlog-max-len" in others
    assert set(others) | set(mine) == set(parameters(aws, group))


def test_parameter_has_its_row(aws, group):
    row = parameters(aws, group)["timeout"]
    assert row.pop("Description")
    assert row.pop("MinimumEngineVersion")
    assert row == {"ParameterName": "timeout", "ParameterValue": "0", "Source": "system", "DataType": "integer",
                   "AllowedValues": "0,20-", "IsModifiable": True, "ChangeType": "immediate"}


@pytest.mark.parametrize("values", [{"timeout": "5"}, {"timeout": "x"}, {"no_such": "1"}, {"appendonly": "yes"},
                                    {"maxmemory_policy": "lru"}])
def test_wrong_changes_are_refused_as_a_whole(aws, group, values):
    pairs = {"slowlog_max_len": "5", **values}
    with pytest.raises(aws.exceptions.InvalidParameterValueException):
        change(aws, group, **pairs)
    assert parameters(aws, group, Source="user") == {}


def test_more_than_20_changes_are_refused(aws, group):
    pairs = [{"ParameterName": "timeout", "ParameterValue": "60"}] * 21
    assert error_of(aws.modify_cache_parameter_group, CacheParameterGroupName=group,
                    ParameterNameValues=pairs) == "InvalidParameterCombination"


def test_reset_brings_defaults_back(aws, group):
    change(aws, group, timeout="60", slowlog_max_len="5")
    aws.reset_cache_parameter_group(CacheParameterGroupName=group, ParameterNameValues=[{"ParameterName": "timeout"}])
    assert set(parameters(aws, group, Source="user")) == {"slowlog-max-len"}
    aws.reset_cache_parameter_group(CacheParameterGroupName=group, ResetAllParameters=True)
    assert parameters(aws, group, Source="user") == {}


def test_default_groups_cannot_be_changed(aws):
    with pytest.raises(aws.exceptions.InvalidParameterValueException, match="is a default group"):
        change(aws, "default.redis7", timeout="60")
    assert error_of(aws.delete_cache_parameter_group,
                    CacheParameterGroupName="default.redis7") == "InvalidParameterValue"


def test_deleted_group_is_gone(aws, group):
    assert "CacheParameterGroup" not in aws.delete_cache_parameter_group(CacheParameterGroupName=group)
    assert error_of(aws.describe_cache_parameters, CacheParameterGroupName=group) == "CacheParameterGroupNotFound"


def test_group_of_a_cluster_cannot_be_deleted(aws, group):
    aws.create_cache_cluster(CacheClusterId=group, Engine="redis", CacheNodeType="cache.t3.micro",
                             EngineVersion="7.1", CacheParameterGroupName=group)
    try:
        assert error_of(aws.delete_cache_parameter_group,
                        CacheParameterGroupName=group) == "InvalidCacheParameterGroupState"
    finally:
        aws.get_waiter("cache_cluster_available").wait(CacheClusterId=group,
                                                       WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        aws.delete_cache_cluster(CacheClusterId=group)


@pytest.mark.parametrize("family, specific", [("redis7", "maxmemory"), ("valkey8", "maxmemory"),
                                              ("memcached1.6", "max_cache_memory")])
def test_engine_defaults_come_in_pages(aws, family, specific):
    pages = list(aws.get_paginator("describe_engine_default_parameters").paginate(
        CacheParameterGroupFamily=family, PaginationConfig={"PageSize": 20}))
    rows = [row for page in pages for row in page["EngineDefaults"]["Parameters"]]
    names = [row["ParameterName"] for row in rows]
    assert len(names) == len(set(names)) > 20
    assert {row["Source"] for row in rows} == {"system"}
    of_types = [row for page in pages for row in page["EngineDefaults"]["CacheNodeTypeSpecificParameters"]]
    assert [row["ParameterName"] for row in of_types].count(specific) == 1
    values = {value["CacheNodeType"]: value["Value"] for row in of_types if row["ParameterName"] == specific
              for value in row["CacheNodeTypeSpecificValues"]}
    assert values["cache.t3.micro"] == ("536870912" if specific == "maxmemory" else "512")


def test_cluster_groups_have_cluster_mode_on(aws):
    assert parameters(aws, "default.redis7")["cluster-enabled"]["ParameterValue"] == "no"
    row = parameters(aws, "default.redis7.cluster.on")["cluster-enabled"]
    assert (row["ParameterValue"], row["Source"]) == ("yes", "system")
