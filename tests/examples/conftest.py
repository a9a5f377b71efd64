"""What the examples need: an empty cache of our own for each test, and an empty database.

A test that uses `products` or `database_url` runs twice, with SQLite and with PostgreSQL.
KILN_REDIS and KILN_MEMCACHED (host:port) name running caches to use instead of our own; they are
emptied before each test.
"""

import contextlib
import os
import pathlib
import sys
import tempfile

import psycopg2
import pymemcache
import pytest
import redis

from servers import HOST, Kiln, KilnMemcached

from .postgresql import PostgreSQL

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
MEMORY = "/dev/shm"  # where SQLite's fsync costs nothing
sys.path.insert(0, str(EXAMPLES))

from database import Products  # noqa: E402


@contextlib.contextmanager
def running(kind, variable):
    """The address of the cache that the variable names, else of a new one."""
    if variable in os.environ:
        host, _, port = os.environ[variable].rpartition(":")
        yield host, int(port)
    else:
        with kind() as server:
            yield HOST, server.port


@pytest.fixture
def redis_address():
    with running(Kiln, "KILN_REDIS") as address:
        with redis.Redis(*address) as client:
            client.flushall()
        yield address


@pytest.fixture
def memcached_address():
    with running(KilnMemcached, "KILN_MEMCACHED") as address:
        with contextlib.closing(pymemcache.Client(address)) as client:
            client.flush_all(noreply=False)
        yield address


@pytest.fixture
def cache(redis_address):
    host, port = redis_address
    with redis.Redis(host=host, port=port, decode_responses=True) as client:
        yield client


@pytest.fixture(scope="session")
def postgresql():
    with PostgreSQL() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    if request.param == "sqlite":
        with tempfile.TemporaryDirectory(dir=MEMORY if os.path.isdir(MEMORY) else None) as folder:
            yield f"sqlite:///{folder}/products.db"
        return
    server = request.getfixturevalue("postgresql")
    with contextlib.closing(psycopg2.connect(server.url)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS products, history")
    yield server.url


@pytest.fixture
def products(database_url):
    with contextlib.closing(Products(database_url)) as table:
        yield table
