"""Notifications: tell every running process that something happened, by publish and subscribe.

What a Subscriber promises:
- Events published while it is connected arrive, each publisher's in its order.
- After a lost connection it subscribes anew. Events sent meanwhile are lost: pub/sub keeps nothing.
  So on_subscribed() is called each time the subscription (re)starts; load there what events would
  have told. What must not be missed belongs into a list or a stream instead.
- stop() ends it from any thread, also while it waits.

Its client must have no socket_timeout: silence is no failure here.

The usual use: each process keeps hot entries in its own memory and drops them when told to.
"""

import json
import threading
import uuid

import redis

import arguments


def publish(cache, channel, event):
    """Returns how many subscribers were reached."""
    return cache.publish(channel, json.dumps(event))


class Subscriber:
    def __init__(self, cache, channel, on_event, on_subscribed=lambda: None, retry_s=0.5):
        self.cache, self.channel = cache, channel
        self.on_event, self.on_subscribed, self.retry_s = on_event, on_subscribed, retry_s
        self._stop = threading.Event()
        self._stop_channel = "stop:" + uuid.uuid4().hex  # a message there wakes this subscriber alone

    def run(self):
        """Listens until stop(); the callbacks are called by this thread."""
        while not self._stop.is_set():
            try:
                self._listen()
            except (redis.ConnectionError, redis.TimeoutError):
                self._stop.wait(self.retry_s)

    def stop(self):
        self._stop.set()
        try:
            self.cache.publish(self._stop_channel, "")
        except redis.ConnectionError:
            pass  # then run() has noticed too

    def _listen(self):
        with self.cache.pubsub() as pubsub:
            pubsub.subscribe(self._stop_channel)
            pubsub.subscribe(self.channel)
            for message in pubsub.listen():
                if self._stop.is_set():
                    return
                if message["channel"] != self.channel:
                    continue
                if message["type"] == "subscribe":
                    self.on_subscribed()
                else:
                    self.on_event(json.loads(message["data"]))


def main():
    options = arguments.parser(__doc__).parse_args()
    cache = redis.Redis(host=options.host, port=options.port, decode_responses=True)
    ready, finished = threading.Event(), threading.Event()

    def on_event(event):
        print("received:", event)
        if event["product"] == "p3":
            finished.set()

    subscriber = Subscriber(cache, "product-changed", on_event, ready.set)
    thread = threading.Thread(target=subscriber.run)
    thread.start()
    ready.wait()
    for product_id in ("p1", "p2", "p3"):
        publish(cache, "product-changed", {"product": product_id})
    finished.wait()
    subscriber.stop()
    thread.join()


if __name__ == "__main__":
    main()
