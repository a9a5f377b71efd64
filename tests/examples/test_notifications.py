"""Notifications: in order, to every subscriber, and again after a lost connection."""

import contextlib
import queue
import threading

import redis

from notifications import Subscriber, publish
from servers import HOST, Kiln, wait_until

from .threads import together


class Listener:
    """A subscriber on a thread of its own; what it is told waits in queues."""

    def __init__(self, cache, channel="news"):
        self.events, self.subscriptions = queue.Queue(), queue.Queue()
        self.subscriber = Subscriber(cache, channel, self.events.put, lambda: self.subscriptions.put(None), 0.01)
        self.thread = threading.Thread(target=self.subscriber.run)

    def __enter__(self):
        self.thread.start()
        self.subscriptions.get(timeout=30)
        return self

    def __exit__(self, *_):
        self.subscriber.stop()
        self.thread.join(30)
        assert not self.thread.is_alive()

    def take(self, count):
        return [self.events.get(timeout=30) for _ in range(count)]


def test_each_subscriber_gets_each_event_in_order(cache):
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(Listener(cache)) for _ in range(3)]
        for number in range(200):
            assert publish(cache, "news", {"number": number}) == 3
        for listener in listeners:
            assert listener.take(200) == [{"number": number} for number in range(200)]


def test_events_of_concurrent_publishers_keep_each_ones_order(cache):
    with Listener(cache) as listener:
        together(4, lambda sender: [publish(cache, "news", [sender, number]) for number in range(50)])
        events = listener.take(200)
    for sender in range(4):
        assert [event for event in events if event[0] == sender] == [[sender, number] for number in range(50)]


def test_other_channels_are_not_heard(cache):
    with Listener(cache, "news") as news, Listener(cache, "weather") as weather:
        publish(cache, "weather", "rain")
        publish(cache, "news", "all well")
        assert news.take(1) == ["all well"] and weather.take(1) == ["rain"]
        assert news.events.empty() and weather.events.empty()


def test_after_a_lost_connection_it_subscribes_anew_and_says_so(cache):
    with Listener(cache) as listener:
        cache.client_kill_filter(_type="pubsub")
        listener.subscriptions.get(timeout=30)
        publish(cache, "news", "after")
        assert listener.take(1) == ["after"]


def test_it_waits_for_a_server_that_is_down():
    with Kiln() as server, redis.Redis(host=HOST, port=server.port, decode_responses=True) as cache:
        with Listener(cache) as listener:
            server.stop()
            server.start()
            listener.subscriptions.get(timeout=30)
            publish(cache, "news", "after")
            assert listener.take(1) == ["after"]


def test_stop_works_while_the_server_is_down():
    with Kiln() as server, redis.Redis(host=HOST, port=server.port, decode_responses=True) as cache:
        with Listener(cache):
            server.stop()


def test_nothing_is_left_subscribed(cache):
    with Listener(cache):
        assert cache.pubsub_numsub("news") == [("news", 1)]
    wait_until(lambda: cache.pubsub_channels() == [])
