"""A primary that is to end gives its replicas what they have not got yet, for as long as it may."""

import os
import signal
import threading

import pytest
import redis

from replication.pair import assert_same, client_of, follow, info, primary_with
from servers import Kiln, pause_process, wait_until


@pytest.fixture
def lagging():
    """(primary, replica that stands still and lacks a key)"""
    primary, replica = primary_with(options=("--save", ""))
    with primary, replica:
        follow(replica, primary)
        assert_same(primary, replica)
        pause_process(replica.process.pid)
        try:
            with client_of(primary) as client:
                client.set("late", "word")
            yield primary, replica
        finally:
            os.kill(replica.process.pid, signal.SIGCONT)


def log_of(server) -> str:
    return (server.directory / "log").read_text()


def is_waiting(server) -> bool:
    with client_of(server) as client:
        return "shutdown_in_milliseconds" in client.info("server")


class Asker(threading.Thread):
    """Sends SHUTDOWN, and keeps what is answered; None when the connection ended instead."""

    def __init__(self, server, *words):
        super().__init__(daemon=True)
        self.server, self.words, self.answer = server, words, None
        self.start()

    def run(self):
        with client_of(self.server) as client:
            try:
                client.execute_command("SHUTDOWN", *self.words)
            except redis.ResponseError as error:
                self.answer = str(error)
            except redis.ConnectionError:
                pass


@pytest.mark.parametrize("how", ["command", "signal"])
def test_a_replica_that_lags_gets_everything_first(lagging, how):
    primary, replica = lagging
    asker = Asker(primary) if how == "command" else primary.process.send_signal(signal.SIGTERM)
    wait_until(lambda: is_waiting(primary), 10, "the primary waits")
    with client_of(primary) as client:
        assert client.get("late") == b"word", "reads go on"
    os.kill(replica.process.pid, signal.SIGCONT)
    primary.process.wait(20)
    with client_of(replica) as client:
        assert client.get("late") == b"word"
    if asker:
        asker.join(20)
        assert asker.answer is None
    assert "1 of 1 replicas are in sync when shutting down." in log_of(primary)


def test_writes_wait_until_it_is_called_off(lagging):
    primary, _ = lagging
    asker = Asker(primary)
    wait_until(lambda: is_waiting(primary), 10, "the primary waits")
    with client_of(primary) as writer, client_of(primary) as client:
        held = threading.Thread(target=writer.set, args=("held", 1))
        held.start()
        wait_until(lambda: client.info("clients")["blocked_clients"] >= 1, 10, "somebody is blocked")
        assert client.get("held") is None
        assert client.execute_command("SHUTDOWN", "ABORT")
        held.join(20)
        assert client.get("held") == b"1"
        asker.join(20)
        assert asker.answer == "Errors trying to SHUTDOWN. Check logs."
        with pytest.raises(redis.ResponseError, match="No shutdown in progress"):
            client.execute_command("SHUTDOWN", "ABORT")
    assert not is_waiting(primary)


def test_who_is_in_a_hurry_does_not_wait(lagging):
    primary, _ = lagging
    Asker(primary)
    wait_until(lambda: is_waiting(primary), 10, "the primary waits")
    Asker(primary, "NOW")
    primary.process.wait(20)


@pytest.mark.parametrize("timeout_s", [0, 1])
def test_it_waits_no_longer_than_it_may(lagging, timeout_s):
    primary, _ = lagging
    with client_of(primary) as client:
        client.config_set("shutdown-timeout", timeout_s)
    Asker(primary)
    primary.process.wait(20)
    assert ("Lagging replica" in log_of(primary)) == (timeout_s > 0)


def test_a_primary_whose_replicas_have_everything_ends_at_once():
    primary, replica = primary_with(options=("--save", ""), replica_kind=Kiln)
    with primary, replica:
        follow(replica, primary)
        with client_of(primary) as client:
            client.set("k", 1)
            assert client.wait(1, 10_000) == 1
        assert info(primary)["connected_slaves"] == 1
        Asker(primary)
        primary.process.wait(20)
        assert "Waiting for replicas" not in log_of(primary)
