"""A transport connection on which every read and write has a time limit.

PS3.8 Section 9.1 (the upper layer over TCP/IP). What each guard is for, and how it was seen to be
needed, stands in docs/decisions/0014-guarded-associations.md.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from typing import Final, cast

from pynetdicom.association import Association
from pynetdicom.transport import T_CONNECT, AddressInformation, AssociationSocket

WAIT_S: Final = 0.05  # how long a thread waits before it looks at timers and at its end
_PAUSE_S: Final = 0.001
# An A-ASSOCIATE-RQ with 128 presentation contexts of 40 transfer syntaxes has 350 kB; a P-DATA-TF
# has at most what we told the peer (library_options.MAXIMUM_PDU_BYTES).
_LONGEST_PDU_BYTES: Final = 1024 * 1024


class GuardedSocket(AssociationSocket):
    """A transport connection on which every read and write has a time limit.

    Parameters
    ----------
    association : that uses it
    stall_s : how long a peer may take over one PDU
    client_socket : of a peer that called us
    address : to call from, when we call
    """

    def __init__(
        self,
        association: Association,
        *,
        stall_s: float,
        client_socket: socket.socket | None = None,
        address: AddressInformation | None = None,
    ) -> None:
        super().__init__(association, client_socket=client_socket, address=address)
        self._stall_s = stall_s
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._bell, select.POLLIN)
        self.was_connected = client_socket is not None
        if client_socket is not None:
            self._prepare(client_socket)

    def connect(self, primitive: T_CONNECT) -> None:
        """Call the peer."""
        super().connect(primitive)
        if self.socket is not None and self._is_connected:
            self.was_connected = True
            self._prepare(self.socket)

    def _prepare(self, connection: socket.socket) -> None:
        connection.settimeout(self._stall_s)
        # Else Nagle's algorithm and delayed acknowledgements make 22 instances a second of 300.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._poll.register(connection, select.POLLIN)

    def _shutdown_socket(self) -> None:
        """Close the connection; the library does not close an attempt that never connected."""
        if self.socket is None:
            return
        with contextlib.suppress(OSError):  # not connected, or not any more
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def let_go(self) -> None:
        """Close everything, when the association has ended."""
        self._shutdown_socket()
        self._bell.close()
        self._ringer.close()

    @property
    def ready(self) -> bool:
        """Whether there is something to read; waits a moment for it, or for `ring`."""
        connection = self.socket
        if connection is None or not self._is_connected:
            time.sleep(_PAUSE_S)  # nothing left to wait on: the thread ends in a moment
            return False
        if connection.fileno() < 0:  # closed by another thread
            self.event_queue.put("Evt17")  # PS3.8 Table 9-10: transport connection closed
            return False
        if isinstance(connection, ssl.SSLSocket) and connection.pending():
            return True  # decrypted already, so that the kernel has nothing more
        wait_s = WAIT_S if self.event_queue.empty() else 0.0
        found = dict(self._poll.poll(wait_s * 1000))
        if found.get(self._bell.fileno()):
            with contextlib.suppress(OSError):
                self._bell.recv(4096)
        return connection.fileno() in found

    def ring(self) -> None:
        """End the wait in `ready`: there is something to send."""
        with contextlib.suppress(OSError):  # full of rings already, or closed
            self._ringer.send(b"\0")

    def recv(self, nr_bytes: int) -> bytearray:
        """Read so many bytes; fewer when the peer closed the connection.

        Raises
        ------
        OSError
            The peer stalls within a PDU, or announces an absurdly long PDU.
        """
        if nr_bytes > _LONGEST_PDU_BYTES:
            raise OSError("a PDU is longer than allowed")
        connection = cast("socket.socket", self.socket)
        received = bytearray(nr_bytes)
        view = memoryview(received)
        deadline = time.monotonic() + self._stall_s
        count = 0
        while count < nr_bytes:
            got = connection.recv_into(view[count:])
            if got == 0:
                break
            count += got
            if time.monotonic() > deadline:
                raise TimeoutError("a PDU took too long")
        view.release()
        del received[count:]
        return received
