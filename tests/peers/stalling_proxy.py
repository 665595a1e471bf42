"""A network between us and a peer that stops passing bytes on when a test wants it to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class StallingProxy:
    """Passes connections on to a port of this machine.

    Parameters
    ----------
    port : of the peer
    after_bytes : so many bytes of all connections together go to the peer, and none after them
    """

    def __init__(self, port: int, after_bytes: int) -> None:
        self._target = port
        self._left = after_bytes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self.stalled = threading.Event()
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def heal(self) -> None:
        """Pass everything on from now on."""
        self._left = 1 << 60

    def close(self) -> None:
        """Close every connection."""
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
                callee = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self._sockets += [caller, callee]
            for source, sink, counts in ((caller, callee, True), (callee, caller, False)):
                threading.Thread(
                    target=self._pass_on, args=(source, sink, counts), daemon=True
                ).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while content := source.recv(16_384):
                if counts and self._left < len(content):
                    self.stalled.set()
                    continue  # swallowed: the sender sees a peer that does not answer
                if counts:
                    self._left -= len(content)
                sink.sendall(content)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def stalling_proxy(port: int, *, after_bytes: int) -> Iterator[StallingProxy]:
    """Start one on a free port, and close it at the end."""
    proxy = StallingProxy(port, after_bytes)
    try:
        yield proxy
    finally:
        proxy.close()
