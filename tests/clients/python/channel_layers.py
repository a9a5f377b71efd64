"""channels-redis: Django Channels' layers over lists and over Pub/Sub."""

import asyncio

from channels.exceptions import ChannelFull
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

from lib.steps import URL, run

HOSTS = [URL]


async def groups(make):
    """Two processes of a site: each has a layer of its own and two of the members."""
    layers = [make(), make()]
    members = [(layer, await layer.new_channel()) for layer in layers for _ in range(2)]
    waiting = [asyncio.ensure_future(layer.receive(channel)) for layer, channel in members]
    for layer, channel in members:
        await layer.group_add("room", channel)
    await layers[0].group_send("room", {"type": "said", "text": "all"})
    assert [(await asyncio.wait_for(each, 20))["text"] for each in waiting] == ["all"] * 4
    layer, channel = members[3]
    await layer.group_discard("room", channel)
    await layers[1].group_send("room", {"type": "said", "text": "rest"})
    for each_layer, each in members[:3]:
        assert (await asyncio.wait_for(each_layer.receive(each), 20))["text"] == "rest"
    for n in range(100):
        await layers[0].send(channel, {"type": "said", "n": n})
    assert [(await asyncio.wait_for(layer.receive(channel), 20))["n"] for _ in range(100)] == list(range(100))
    for layer in layers:
        await layer.flush()


def lists():
    asyncio.run(groups(lambda: RedisChannelLayer(hosts=HOSTS, capacity=200)))


def pub_sub():
    asyncio.run(groups(lambda: RedisPubSubChannelLayer(hosts=HOSTS)))


def full_channels_refuse():
    async def fill():
        layer = RedisChannelLayer(hosts=HOSTS, capacity=5)
        for _ in range(5):
            await layer.send("work", {"type": "job"})
        try:
            await layer.send("work", {"type": "job"})
            raise AssertionError("a full channel took a message")
        except ChannelFull:
            pass
        for _ in range(5):
            assert await layer.receive("work") == {"type": "job"}
        await layer.flush()

    asyncio.run(fill())


run(lists, pub_sub, full_channels_refuse)
