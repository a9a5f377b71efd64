"""Tags of resources, by their ARNs."""

import pytest

from .kilnd import arn, error_of


@pytest.fixture(params=["parametergroup", "subnetgroup"])
def resource(request, aws, name):
    """The ARN of something with one tag."""
    tags = [{"Key": "made", "Value": "with it"}]
    if request.param == "parametergroup":
        aws.create_cache_parameter_group(CacheParameterGroupName=name, CacheParameterGroupFamily="redis7",
                                         Description="d", Tags=tags)
    else:
        aws.create_cache_subnet_group(CacheSubnetGroupName=name, CacheSubnetGroupDescription="d",
                                      SubnetIds=["subnet-1"], Tags=tags)
    return arn(request.param, name)


def tags_of(reply) -> dict:
    return {tag["Key"]: tag["Value"] for tag in reply["TagList"]}


def test_tags_are_added_and_overwritten(aws, resource):
    reply = aws.add_tags_to_resource(ResourceName=resource, Tags=[
        {"Key": "made", "Value": "anew"}, {"Key": "größe", "Value": "<&>"}, {"Key": "empty", "Value": ""}])
    wanted = {"made": "anew", "größe": "<&>", "empty": ""}
    assert tags_of(reply) == wanted
    assert tags_of(aws.list_tags_for_resource(ResourceName=resource)) == wanted


def test_tags_are_removed(aws, resource):
    aws.add_tags_to_resource(ResourceName=resource, Tags=[{"Key": "stays", "Value": "1"}])
    assert tags_of(aws.remove_tags_from_resource(ResourceName=resource, TagKeys=["made"])) == {"stays": "1"}
    assert error_of(aws.remove_tags_from_resource, ResourceName=resource, TagKeys=["made"]) == "TagNotFound"


@pytest.mark.parametrize("tag", [{"Key": "aws:x", "Value": ""}, {"Key": "", "Value": "x"}, {"Key": "k" * 129},
                                 {"Key": "k", "Value": "v" * 257}])
def test_wrong_tags_are_refused(aws, resource, tag):
    assert error_of(aws.add_tags_to_resource, ResourceName=resource, Tags=[tag]) == "InvalidParameterValue"


def test_resource_has_at_most_50_tags(aws, resource):
    aws.add_tags_to_resource(ResourceName=resource, Tags=[{"Key": f"k{i}", "Value": ""} for i in range(49)])
    assert error_of(aws.add_tags_to_resource, ResourceName=resource,
                    Tags=[{"Key": "more", "Value": ""}]) == "TagQuotaPerResourceExceeded"
    assert len(aws.list_tags_for_resource(ResourceName=resource)["TagList"]) == 50


@pytest.mark.parametrize("kind, code", [
    ("cluster", "CacheClusterNotFound"), ("replicationgroup", "ReplicationGroupNotFoundFault"),
    ("parametergroup", "CacheParameterGroupNotFound"), ("subnetgroup", "CacheSubnetGroupNotFoundFault"),
    ("snapshot", "SnapshotNotFoundFault"), ("user", "UserNotFound"), ("usergroup", "UserGroupNotFound"),
    ("cow", "InvalidARN")])
def test_missing_resources_have_their_own_errors(aws, name, kind, code):
    assert error_of(aws.list_tags_for_resource, ResourceName=arn(kind, name)) == code


@pytest.mark.parametrize("text, code", [
    ("nonsense", "InvalidARN"), ("arn:aws:s3:us-east-1:000000000000:cluster:a", "InvalidARN"),
    ("arn:aws:elasticache:eu-west-1:000000000000:cluster:a", "InvalidParameterValue"),
    ("arn:aws:elasticache:us-east-1:123456789012:cluster:a", "InvalidParameterValue")])
def test_wrong_arns_are_refused(aws, text, code):
    assert error_of(aws.list_tags_for_resource, ResourceName=text) == code


def test_default_groups_have_no_tags(aws):
    default = arn("parametergroup", "default.redis7")
    assert aws.list_tags_for_resource(ResourceName=default)["TagList"] == []
    assert error_of(aws.add_tags_to_resource, ResourceName=default,
                    Tags=[{"Key": "a", "Value": "b"}]) == "InvalidParameterValue"
