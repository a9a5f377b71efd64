"""Primaries and replicas: how tests tie them together and ask them."""

import threading

import redis

from servers import HOST, Kiln, Redis, wait_until

# Nobody waits for more replicas to come.
AT_ONCE = ("--repl-diskless-sync-delay", "0")


def client_of(server, db=0, **options):
    return redis.Redis(HOST, server.port, db=db, socket_timeout=20, **options)


def info(server) -> dict:
    with client_of(server) as client:
        return client.info("replication") | {name: value for name, value in client.info("stats").items()
                                             if name.startswith("sync_")}


def follow(replica, primary):
    with client_of(replica) as client:
        client.replicaof(HOST, primary.port)


def wait_for_link(replica, timeout_s=30):
    wait_until(lambda: info(replica).get("master_link_status") == "up", timeout_s, "the link to the primary is up")


def wait_until_same_offset(primary, *replicas, timeout_s=30):
    def are_even():
        with client_of(primary) as client:
            offset = client.info("replication")["master_repl_offset"]
        return all(info(one)["master_repl_offset"] == offset for one in replicas)

    wait_until(are_even, timeout_s, "replicas have everything")


def digest(server) -> bytes:
    with client_of(server) as client:
        return client.execute_command("DEBUG", "DIGEST")


def assert_same(primary, *replicas):
    for one in replicas:
        wait_for_link(one)
    wait_until_same_offset(primary, *replicas)
    # A key may be due just now.
    for one in replicas:
        wait_until(lambda: digest(one) == digest(primary), 10, "the same data")


def can_write(client, value=1) -> bool:
    """Whether the server takes a write just now."""
    try:
        return client.set("k", value)
    except redis.ResponseError:
        return False


def primary_with(replica_kind=Kiln, primary_kind=Kiln, options=(), replica_options=()):
    return primary_kind(*AT_ONCE, *options), replica_kind(*AT_ONCE, *replica_options)


class Writers:
    """Clients that change all sorts of keys all the time; each remembers its last acknowledged number."""

    def __init__(self, server, count=3, keys=200):
        self.server, self.keys = server, keys
        self.over = threading.Event()
        self.acknowledged = [0] * count
        self.failures = []
        self.threads = [threading.Thread(target=self.write, args=(number,), daemon=True) for number in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def write(self, number):
        step = 0
        with client_of(self.server, db=number % 2) as client:
            while not self.over.is_set():
                step += 1
                key = step % self.keys
                try:
                    with client.pipeline(transaction=step % 3 == 0) as pipe:
                        pipe.set(f"text{number}:{key}", "v" * (step % 300))
                        pipe.rpush(f"list{number}:{key % 7}", step)
                        pipe.hset(f"hash{number}:{key % 7}", f"f{key}", step)
                        pipe.zadd(f"zset{number}:{key % 7}", {f"m{key}": step / 8})
                        pipe.spop(f"set{number}:{key % 3}")
                        pipe.sadd(f"set{number}:{key % 3}", f"m{step}")
                        pipe.ltrim(f"list{number}:{key % 7}", -50, -1)
                        pipe.delete(f"text{number}:{(key * 7) % self.keys}")
                        pipe.set(f"last{number}", step)
                        pipe.execute()
                    self.acknowledged[number] = step
                except redis.RedisError as error:
                    self.failures.append(error)
                    return
