"""DescribeEvents."""

import datetime

import pytest

from .kilnd import error_of

GROUP = "cache-parameter-group"


@pytest.fixture
def group(aws, name):
    """A group that has been created and deleted: two events."""
    aws.create_cache_parameter_group(CacheParameterGroupName=name, CacheParameterGroupFamily="redis7", Description="d")
    aws.delete_cache_parameter_group(CacheParameterGroupName=name)
    return name


def test_changes_leave_events_in_order_of_time(aws, group):
    events = aws.describe_events(SourceType=GROUP, SourceIdentifier=group)["Events"]
    assert [event["Message"].split()[-1] for event in events] == ["created", "deleted"]
    assert {(event["SourceIdentifier"], event["SourceType"]) for event in events} == {(group, GROUP)}
    age = datetime.datetime.now(datetime.timezone.utc) - events[0]["Date"]
    assert datetime.timedelta() <= age < datetime.timedelta(minutes=5)


def test_other_sources_are_left_out(aws, group):
    assert aws.describe_events(SourceType="cache-subnet-group", SourceIdentifier=group)["Events"] == []
    assert aws.describe_events(SourceType=GROUP, SourceIdentifier=group + "-x")["Events"] == []


def test_time_may_be_bounded(aws, group):
    now = datetime.datetime.now(datetime.timezone.utc)
    hour = datetime.timedelta(hours=1)
    mine = {"SourceType": GROUP, "SourceIdentifier": group}
    assert len(aws.describe_events(StartTime=now - hour, EndTime=now + hour, **mine)["Events"]) == 2
    assert len(aws.describe_events(StartTime=now - hour, Duration=120, **mine)["Events"]) == 2
    assert len(aws.describe_events(Duration=20160, **mine)["Events"]) == 2
    assert aws.describe_events(StartTime=now - 2 * hour, EndTime=now - hour, **mine)["Events"] == []
    assert aws.describe_events(EndTime=now - hour, **mine)["Events"] == []


def test_events_come_in_pages(aws, name):
    for i in range(11):
        aws.create_cache_parameter_group(CacheParameterGroupName=f"{name}-{i}", CacheParameterGroupFamily="redis7",
                                         Description="d")
        aws.delete_cache_parameter_group(CacheParameterGroupName=f"{name}-{i}")
    pages = list(aws.get_paginator("describe_events").paginate(SourceType=GROUP, PaginationConfig={"PageSize": 20}))
    assert [len(page["Events"]) for page in pages[:-1]] == [20] * (len(pages) - 1)
    events = [(event["SourceIdentifier"], event["Message"]) for page in pages for event in page["Events"]]
    mine = [source for source, _ in events if source.startswith(name + "-")]
    assert mine == [f"{name}-{i // 2}" for i in range(22)]


def test_wrong_filters_are_refused(aws):
    now = datetime.datetime.now(datetime.timezone.utc)
    assert error_of(aws.describe_events, SourceIdentifier="a") == "InvalidParameterCombination"
    assert error_of(aws.describe_events, SourceType="cow") == "InvalidParameterValue"
    assert error_of(aws.describe_events, Duration=0) == "InvalidParameterValue"
    assert error_of(aws.describe_events, StartTime=now, EndTime=now - datetime.timedelta(1)) == "InvalidParameterValue"
