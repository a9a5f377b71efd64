"""Cache subnet groups."""

import pytest

from .kilnd import arn, error_of


@pytest.fixture
def group(aws, name):
    aws.create_cache_subnet_group(CacheSubnetGroupName=name, CacheSubnetGroupDescription="for a test",
                                  SubnetIds=["subnet-0a"])
    return name


def test_create_tells_the_whole_group(aws, name):
    reply = aws.create_cache_subnet_group(CacheSubnetGroupName=name, CacheSubnetGroupDescription="d",
                                          SubnetIds=["subnet-0a", "subnet-0b", "subnet-0c", "subnet-0a"])
    group = reply["CacheSubnetGroup"]
    subnets = group.pop("Subnets")
    assert group == {"CacheSubnetGroupName": name, "CacheSubnetGroupDescription": "d", "VpcId": "vpc-00000000",
                     "ARN": arn("subnetgroup", name), "SupportedNetworkTypes": ["ipv4"]}
    assert [subnet["SubnetIdentifier"] for subnet in subnets] == ["subnet-0a", "subnet-0b", "subnet-0c"]
    assert len({subnet["SubnetAvailabilityZone"]["Name"] for subnet in subnets}) == 3
    assert all(subnet["SupportedNetworkTypes"] == ["ipv4"] for subnet in subnets)


def test_names_are_taken_once(aws, group):
    for taken in (group, group.upper(), "default"):
        assert error_of(aws.create_cache_subnet_group, CacheSubnetGroupName=taken, CacheSubnetGroupDescription="d",
                        SubnetIds=["subnet-1"]) == "CacheSubnetGroupAlreadyExists"


def test_subnets_must_look_like_subnets(aws, name):
    with pytest.raises(aws.exceptions.ClientError, match=r"Some input subnets in :\[subnet-1, net-2\] are invalid."):
        aws.create_cache_subnet_group(CacheSubnetGroupName=name, CacheSubnetGroupDescription="d",
                                      SubnetIds=["subnet-1", "net-2"])


def test_subnets_are_limited(aws, name):
    assert error_of(aws.create_cache_subnet_group, CacheSubnetGroupName=name, CacheSubnetGroupDescription="d",
                    SubnetIds=[f"subnet-{i}" for i in range(21)]) == "CacheSubnetQuotaExceededFault"


def test_default_group_is_there(aws):
    [group] = aws.describe_cache_subnet_groups(CacheSubnetGroupName="default")["CacheSubnetGroups"]
    assert group["CacheSubnetGroupDescription"] == "Default CacheSubnetGroup"
    assert error_of(aws.delete_cache_subnet_group, CacheSubnetGroupName="default") == "InvalidParameterValue"


def test_groups_come_in_pages(aws, name):
    names = {f"{name}-{i:02}" for i in range(21)}
    for one in names:
        aws.create_cache_subnet_group(CacheSubnetGroupName=one, CacheSubnetGroupDescription="d",
                                      SubnetIds=["subnet-1"])
    pages = list(aws.get_paginator("describe_cache_subnet_groups").paginate(PaginationConfig={"PageSize": 20}))
    listed = [group["CacheSubnetGroupName"] for page in pages for group in page["CacheSubnetGroups"]]
    assert len(pages[0]["CacheSubnetGroups"]) == 20
    assert listed == sorted(set(listed))
    assert names < set(listed)


def test_modify_replaces_what_is_given(aws, group):
    changed = aws.modify_cache_subnet_group(CacheSubnetGroupName=group, SubnetIds=["subnet-9"])["CacheSubnetGroup"]
    assert [subnet["SubnetIdentifier"] for subnet in changed["Subnets"]] == ["subnet-9"]
    assert changed["CacheSubnetGroupDescription"] == "for a test"
    aws.modify_cache_subnet_group(CacheSubnetGroupName=group, CacheSubnetGroupDescription="new")
    [changed] = aws.describe_cache_subnet_groups(CacheSubnetGroupName=group)["CacheSubnetGroups"]
    assert changed["CacheSubnetGroupDescription"] == "new"
    assert [subnet["SubnetIdentifier"] for subnet in changed["Subnets"]] == ["subnet-9"]


def test_deleted_group_is_gone(aws, group):
    aws.delete_cache_subnet_group(CacheSubnetGroupName=group)
    for call in (aws.describe_cache_subnet_groups, aws.delete_cache_subnet_group, aws.modify_cache_subnet_group):
        assert error_of(call, CacheSubnetGroupName=group) == "CacheSubnetGroupNotFoundFault"


def test_missing_group_answers_400(aws, name):
    # One of ElastiCache's oddities: all other missing things are 404.
    with pytest.raises(aws.exceptions.CacheSubnetGroupNotFoundFault) as caught:
        aws.describe_cache_subnet_groups(CacheSubnetGroupName=name)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
