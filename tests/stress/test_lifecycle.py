"""Clients end while they wait, while they are served, while they listen and while they are told of changes.

On Kiln alone: redis-server 7.0 does not live through it.
"""

from servers import Kiln
from stress import lifecycle


def test_clients_end_at_every_moment_of_their_lives():
    with Kiln("--io-threads", "4") as server:
        lifecycle.live_and_die(server)
