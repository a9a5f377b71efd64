"""python3-redis with hiredis' parser and with its own, blocking and with asyncio."""

import asyncio
import random

import redis
import redis.asyncio
from redis.asyncio.connection import HiredisParser as AsyncHiredisParser
from redis.asyncio.connection import PythonParser as AsyncPythonParser
from redis.connection import Connection, ConnectionPool, HiredisParser, PythonParser
from redis.utils import HIREDIS_AVAILABLE

from lib.steps import HOST, PORT, run

SIZES = [0, 1, 15, 16, 17, 1000, 16383, 16384, 65535, 65536, 70000, 1000000]


def values_of_every_size():
    assert HIREDIS_AVAILABLE
    for parser in (HiredisParser, PythonParser):
        pool = ConnectionPool(connection_class=Connection, host=HOST, port=PORT, parser_class=parser)
        client = redis.Redis(connection_pool=pool)
        client.flushall()
        with client.pipeline(transaction=False) as pipe:
            for size in SIZES:
                pipe.set(size, random.Random(size).randbytes(size)).get(size)
            replies = pipe.execute()
        assert replies[1::2] == [random.Random(size).randbytes(size) for size in SIZES]
        deep = client.eval("return {1, {2, {3, {false, 'x', {err='E said'}}}}, {}}", 0)
        assert deep[:2] == [1, [2, [3, deep[1][1][1]]]] and deep[2] == []
        inner = deep[1][1][1]
        assert inner[:2] == [None, b"x"] and str(inner[2]) == "said" or str(inner[2]) == "E said"
        assert client.xadd("log", {"f": "v"}, id="1-1") == b"1-1"
        assert client.xread({"log": 0}) == [[b"log", [(b"1-1", {b"f": b"v"})]]]
        pool.disconnect()


def many_tasks_at_once():
    async def story(parser):
        pool = redis.asyncio.ConnectionPool(host=HOST, port=PORT, parser_class=parser, max_connections=20)
        client = redis.asyncio.Redis(connection_pool=pool)
        await client.flushall()
        limit = asyncio.Semaphore(20)

        async def count():
            async with limit:
                return await client.incr("n")

        assert sorted(await asyncio.gather(*(count() for _ in range(500)))) == list(range(1, 501))
        async with client.pubsub() as listener:
            await listener.subscribe("news")
            assert (await listener.get_message(timeout=10))["type"] == "subscribe"
            for n in range(100):
                await client.publish("news", n)
            heard = [await listener.get_message(timeout=10) for _ in range(100)]
            assert [int(message["data"]) for message in heard] == list(range(100))
        async with client.lock("door", timeout=5):
            assert await client.exists("door")
        await pool.disconnect()

    for parser in (AsyncHiredisParser, AsyncPythonParser):
        asyncio.run(story(parser))


run(values_of_every_size, many_tasks_at_once)
