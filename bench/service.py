"""The managed service: how soon caches come and go, what many of them cost while idle, and how long lists take.

kilnd and its nodes may use both cores. Times are those of a caller with boto3 that asks over and over; the answer to
one question takes some milliseconds.
"""

import http.client
import pathlib
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import peers
import summary
from api.kilnd import REGION, Kilnd, endpoints

CREATE_MS, DELETE_MS, ALL_S, IDLE_PERCENT, PAGE_MS = 500, 1_000, 60, 2, 100
PAGE = 100  # the most that AWS tells in one answer
LIMIT_S = 60.0
MICRO = {"Engine": "redis", "CacheNodeType": "cache.t3.micro"}


class Service(peers.Accounted, Kilnd):
    def __init__(self, *options: str):
        super().__init__(*options, cores=peers.BOTH_CORES)


def elapsed_ms(started: float) -> float:
    return (time.monotonic() - started) * 1e3


def until(condition, what: str):
    """Asks without a pause, for the times between are what is measured."""
    deadline = time.monotonic() + LIMIT_S
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {LIMIT_S:.0f} s")
    return value


def answers(place) -> bool:
    try:
        with peers.servers.Connection(*place, 1.0) as client:
            return client.call("PING") == ("+", b"PONG")
    except OSError:
        return False


def places_of(cache, **which) -> list:
    """Of the nodes of clusters that are available."""
    pages = cache.get_paginator("describe_cache_clusters").paginate(ShowCacheNodeInfo=True, **which)
    return [place for cluster in pages.search("CacheClusters[]") if cluster["CacheClusterStatus"] == "available"
            for place in endpoints(cluster)]


def created_ms(cache, name: str) -> float:
    """From the call to the first PONG."""
    started = time.monotonic()
    cache.create_cache_cluster(CacheClusterId=name, **MICRO)
    [place] = until(lambda: places_of(cache, CacheClusterId=name), f"{name} is available")
    until(lambda: answers(place), f"{name} answers")
    return elapsed_ms(started)


def deleted_ms(kilnd, cache, name: str) -> float:
    """From the call until neither a process nor a record is left."""
    pid = kilnd.nodes()[f"{name}.0001"]
    started = time.monotonic()
    cache.delete_cache_cluster(CacheClusterId=name)

    def is_gone():
        try:
            cache.describe_cache_clusters(CacheClusterId=name)
        except cache.exceptions.CacheClusterNotFoundFault:
            return not pathlib.Path(f"/proc/{pid}").exists()
        return False

    until(is_gone, f"{name} is gone")
    return elapsed_ms(started)


def row(what: str, values, limit: float, unit: str, digits: int = 0) -> list:
    """Judged by the worst of the values."""
    worst = max(values)
    return [what, f"{summary.median(values):.{digits}f} {unit}", f"{worst:.{digits}f} {unit}",
            summary.verdict(worst, limit, f" {unit}")]


def one_by_one(session, kilnd, cache) -> list:
    session.say("caches created and deleted, one at a time")
    created, deleted = [], []
    for number in range(session.size(20, 3)):
        created.append(created_ms(cache, f"one-{number}"))
        deleted.append(deleted_ms(kilnd, cache, f"one-{number}"))
    return [row("CreateCacheCluster to the first PONG", created, CREATE_MS, "ms"),
            row("DeleteCacheCluster until process and record are gone", deleted, DELETE_MS, "ms")]


def many(session, kilnd, cache) -> list:
    """Creates caches and leaves them there."""
    count = session.size(100, 5)
    session.say(f"{count} caches created one after the other")
    started = time.monotonic()
    for number in range(count):
        cache.create_cache_cluster(CacheClusterId=f"many-{number}", **MICRO)
    places = until(lambda: len(found := places_of(cache)) == count and found, "all are available")
    for place in places:
        until(lambda: answers(place), "each answers")
    return [row(f"{count} caches created, until all answer PONG", [time.monotonic() - started], ALL_S, "s", 1)]


def idle(session, kilnd) -> list:
    """CPU shares of kilnd and of its nodes together, in percent of one core."""
    pids = list(kilnd.nodes().values())
    session.say(f"idle with {len(pids)} nodes")

    def used():
        return kilnd.cpu_s(), sum(peers.cpu_s(pid) for pid in pids)

    window_s = session.size(20.0, 1.0) / session.rounds
    service, nodes = [], []
    for _ in range(session.rounds):
        before, started = used(), time.monotonic()
        time.sleep(window_s)
        after, taken_s = used(), time.monotonic() - started
        service.append((after[0] - before[0]) / taken_s * 100)
        nodes.append((after[1] - before[1]) / taken_s * 100)
    return [row(f"CPU of kilnd, idle with {len(pids)} nodes", service, IDLE_PERCENT, "%", 2),
            row(f"CPU of the {len(pids)} nodes together", nodes, 0, "%", 2)[:3] + [""]]


def raw_page_ms(kilnd, connection, marker: str) -> float:
    """Of a signed request on an open connection, to the last byte of the reply."""
    fields = {"Action": "DescribeCacheClusters", "Version": "2015-02-02", "ShowCacheNodeInfo": "true",
              "MaxRecords": str(PAGE), **({"Marker": marker} if marker else {})}
    request = botocore.awsrequest.AWSRequest("POST", kilnd.url + "/", data=urllib.parse.urlencode(fields), headers={
        "Content-Type": "application/x-www-form-urlencoded", "Host": urllib.parse.urlsplit(kilnd.url).netloc})
    keys = botocore.credentials.Credentials(*kilnd.credentials())
    botocore.auth.SigV4Auth(keys, "elasticache", REGION).add_auth(request)
    started = time.monotonic()
    connection.request("POST", "/", request.data, dict(request.headers))
    reply = connection.getresponse()
    body = reply.read()
    taken = elapsed_ms(started)
    if reply.status != 200 or not body:
        raise RuntimeError(f"DescribeCacheClusters: {reply.status} {body[:500]}")
    return taken


def pages(session) -> list:
    count = session.size(1_000, 200)
    session.say(f"pages of {count:,} simulated caches")
    with Service("--simulate-nodes", "--node-quota", "2000") as kilnd:
        cache = kilnd.client()
        for number in range(count):
            cache.create_cache_cluster(CacheClusterId=f"cache-{number:04}", **MICRO)
        until(lambda: len(places_of(cache)) == count, "all are available")
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(kilnd.url).netloc)
        parsed, raw, marker = [], [], ""
        for _ in range(session.rounds * count // PAGE):
            raw.append(raw_page_ms(kilnd, connection, marker))
            started = time.monotonic()
            page = cache.describe_cache_clusters(ShowCacheNodeInfo=True, MaxRecords=PAGE,
                                                 **({"Marker": marker} if marker else {}))
            parsed.append(elapsed_ms(started))
            if len(page["CacheClusters"]) != PAGE:
                raise RuntimeError(f"a page of {len(page['CacheClusters'])} caches")
            marker = page.get("Marker", "")
        connection.close()
    return [row(f"DescribeCacheClusters, {PAGE} of {count:,}", raw, PAGE_MS, "ms", 1),
            row("the same with boto3, which reads the reply", parsed, PAGE_MS, "ms", 1)]


def table(session) -> str:
    with Service() as kilnd:
        cache = kilnd.client()
        rows = one_by_one(session, kilnd, cache) + many(session, kilnd, cache) + idle(session, kilnd)
    return summary.markdown(["what", "median", "worst", "target"], rows + pages(session))
