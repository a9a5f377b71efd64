"""What Kiln does not have: empty lists where tools look around, and an honest error elsewhere."""

import pytest

from .kilnd import error_of

EMPTY_LISTS = {
    "describe_cache_security_groups": "CacheSecurityGroups",
    "describe_global_replication_groups": "GlobalReplicationGroups",
    "describe_reserved_cache_nodes": "ReservedCacheNodes",
    "describe_reserved_cache_nodes_offerings": "ReservedCacheNodesOfferings",
    "describe_service_updates": "ServiceUpdates",
    "describe_update_actions": "UpdateActions",
    "describe_user_groups": "UserGroups",
    "describe_users": "Users",
}


@pytest.mark.parametrize("call, member", EMPTY_LISTS.items())
def test_lists_are_empty(aws, call, member):
    reply = getattr(aws, call)()
    assert reply[member] == []
    assert not reply.get("Marker")


@pytest.mark.parametrize("call, arguments, code", [
    ("describe_users", {"UserId": "a"}, "UserNotFound"),
    ("describe_user_groups", {"UserGroupId": "a"}, "UserGroupNotFound"),
    ("describe_cache_security_groups", {"CacheSecurityGroupName": "a"}, "CacheSecurityGroupNotFound"),
    ("describe_global_replication_groups", {"GlobalReplicationGroupId": "a"}, "GlobalReplicationGroupNotFoundFault"),
    ("describe_service_updates", {"ServiceUpdateName": "a"}, "ServiceUpdateNotFoundFault")])
def test_single_things_are_not_found(aws, call, arguments, code):
    assert error_of(getattr(aws, call), **arguments) == code


@pytest.mark.parametrize("call, arguments", [
    ("create_user", {"UserId": "a", "UserName": "a", "Engine": "redis", "AccessString": "on", "Passwords": ["p" * 16]}),
    ("create_cache_security_group", {"CacheSecurityGroupName": "a", "Description": "d"}),
    ("delete_cache_security_group", {"CacheSecurityGroupName": "a"}),
    ("failover_global_replication_group", {"GlobalReplicationGroupId": "a", "PrimaryRegion": "b",
                                           "PrimaryReplicationGroupId": "c"})])
def test_others_say_that_they_are_not_supported(aws, call, arguments):
    assert error_of(getattr(aws, call), **arguments) == "UnsupportedOperation"


def test_every_operation_that_botocore_knows_is_answered(aws):
    # Without arguments most fail, but none as an operation that nobody has heard of.
    unknown = []
    for operation in aws.meta.service_model.operation_names:
        model = aws.meta.service_model.operation_model(operation)
        if raw_call(aws, model) == "InvalidAction":
            unknown.append(operation)
    assert unknown == []


def raw_call(aws, model) -> str:
    """The error's code of a call without any arguments, past botocore's own checks."""
    body = {"Action": model.name, "Version": "2015-02-02"}
    request = {"url_path": "/", "query_string": "", "method": "POST", "headers": {}, "body": body, "context": {},
               "url": aws.meta.endpoint_url + "/"}
    _, parsed = aws._endpoint.make_request(model, request)
    return parsed.get("Error", {}).get("Code", "")
