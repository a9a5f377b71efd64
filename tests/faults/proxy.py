"""A proxy for TCP that breaks connections in the ways networks do. Loopback only; one thread for each proxy.

  with FaultProxy(HOST, server.port) as proxy:
      client = Connection(HOST, proxy.port)
      proxy.hold(TO_SERVER)      # connections stay open, but nothing goes this way any more
      proxy.heal()               # what was held back arrives now, as after a partition that TCP survived
      proxy.cut()                # connections are reset, new ones refused

What is held back stays in the kernel's buffers: the proxy reads no further, as a network would not.
"""

import asyncio
import contextlib
import socket
import struct
import threading

from servers import HOST

TO_SERVER, TO_CLIENT = "to the server", "to the client"
CHUNK_BYTES = 1 << 16
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


class _Direction:
    """What happens to bytes that go one way."""

    def __init__(self):
        self.gate = asyncio.Event()
        self.gate.set()
        self.delay_s = 0.0
        self.chunk_bytes = CHUNK_BYTES
        self.bytes_left = None  # then the connection that is beyond it is reset


class FaultProxy:
    def __init__(self, host: str, port: int):
        self.target = (host, port)
        self.port = 0
        self.directions = {}
        self.is_cut = False
        self.links = set()  # pairs of writers, of the connections that are open
        self.accepted = 0

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.directions = {TO_SERVER: _Direction(), TO_CLIENT: _Direction()}
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_):
        self._do(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    # ---- Faults; each holds until heal() ----

    def cut(self):
        """Resets all connections, and each new one at once."""
        self._do(self._cut())

    def reset_once(self):
        """Resets all connections; new ones are served."""
        self._do(self._reset_links())

    def hold(self, *ways):
        """Nothing goes these ways (both, if none is named), and nobody is told."""
        self._set(ways, lambda one: one.gate.clear())

    def delay(self, seconds: float, *ways):
        """Each piece that is read arrives that much later, and those behind it wait for it."""
        self._set(ways, lambda one: setattr(one, "delay_s", seconds))

    def drip(self, chunk_bytes: int, seconds: float, *ways):
        """So many bytes in each so many seconds."""
        def slow_down(one):
            one.chunk_bytes, one.delay_s = chunk_bytes, seconds
        self._set(ways, slow_down)

    def reset_after(self, count: int, *ways):
        """Lets so many bytes pass, counted over all connections, then resets the one that wants more."""
        self._set(ways, lambda one: setattr(one, "bytes_left", count))

    def heal(self):
        async def forget():
            self.is_cut = False
            for one in self.directions.values():
                one.delay_s, one.chunk_bytes, one.bytes_left = 0.0, CHUNK_BYTES, None
                one.gate.set()
        self._do(forget())

    def _set(self, ways, change):
        async def apply():
            for way in ways or (TO_SERVER, TO_CLIENT):
                change(self.directions[way])
        self._do(apply())

    # ---- On the loop ----

    async def _listen(self):
        self.server = await asyncio.start_server(self._serve, HOST, 0, limit=CHUNK_BYTES)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _close(self):
        self.server.close()
        await self._reset_links()
        for one in self.directions.values():
            one.gate.set()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _cut(self):
        self.is_cut = True
        await self._reset_links()

    async def _reset_links(self):
        for link in list(self.links):
            for writer in link:
                _reset(writer)

    async def _serve(self, reader, writer):
        self.accepted += 1
        if self.is_cut:
            return _reset(writer)
        try:
            other_reader, other_writer = await asyncio.open_connection(*self.target, limit=CHUNK_BYTES)
        except OSError:
            return _reset(writer)
        link = (writer, other_writer)
        self.links.add(link)
        try:
            await asyncio.gather(self._pump(reader, other_writer, self.directions[TO_SERVER], link),
                                 self._pump(other_reader, writer, self.directions[TO_CLIENT], link))
        finally:
            self.links.discard(link)
            for one in link:
                one.close()

    async def _pump(self, reader, writer, direction, link):
        try:
            while True:
                await direction.gate.wait()
                data = await reader.read(direction.chunk_bytes)
                if not data:
                    break
                await self._pass_on(data, writer, direction)
            await direction.gate.wait()
            writer.write_eof()
        except OSError:
            for one in link:
                _reset(one)

    async def _pass_on(self, data, writer, direction):
        """Raises ConnectionResetError when no more may pass."""
        while data:
            await direction.gate.wait()
            if direction.delay_s:
                await asyncio.sleep(direction.delay_s)
            piece = data[:direction.chunk_bytes]
            if direction.bytes_left is not None:
                piece = piece[:direction.bytes_left]
                direction.bytes_left -= len(piece)
            writer.write(piece)
            await writer.drain()
            if direction.bytes_left == 0:
                await asyncio.sleep(0.01)  # these bytes leave before the reset does
                raise ConnectionResetError
            data = data[len(piece):]


def _reset(writer):
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
