"""A transport connection on which every read and write has a time limit.

PS3.8 Section 9.1 (the upper layer over TCP/IP). What each guard is for, and how it was seen to be
needed, stands in docs/decisions/0014-guarded-associations.md.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import time
from collections.abc import Callable
from typing import Final, cast

from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.transport import T_CONNECT, AddressInformation, AssociationSocket

from dicom_node.security.handshake_fault import HandshakeFailed, failed

Secure = Callable[[socket.socket], ssl.SSLSocket]

WAIT_S: Final = 0.05  # how long a thread waits before it looks at timers and at its end
_PAUSE_S: Final = 0.001
_RECORD_BYTES: Final = 16 * 1024  # RFC 8446 Section 5.1: the longest of TLS, decrypted
_TLS: Final = (b"\x15\x03", b"\x16\x03")  # alert, handshake; version 3.x
# An A-ASSOCIATE-RQ with 128 presentation contexts of 40 transfer syntaxes has 350 kB; a P-DATA-TF
# has at most what we told the peer (library_options.MAXIMUM_PDU_BYTES).
LONGEST_PDU_BYTES: Final = 1024 * 1024


class GuardedSocket(AssociationSocket):
    """A transport connection on which every read and write has a time limit.

    Parameters
    ----------
    association : that uses it
    stall_s : how long a peer may take over one PDU
    client_socket : of a peer that called us
    address : to call from, when we call
    secure : encrypts a connection that was just made, when we call by TLS

    Attributes
    ----------
    security_fault : why there is no encrypted connection, or why it ended
    heard_tls : whether the peer speaks TLS where nobody expects it
    """

    def __init__(
        self,
        association: Association,
        *,
        stall_s: float,
        client_socket: socket.socket | None = None,
        address: AddressInformation | None = None,
        secure: Secure | None = None,
    ) -> None:
        super().__init__(association, client_socket=client_socket, address=address)
        self._stall_s = stall_s
        self._secure = secure
        self._decrypted = bytearray()  # and not asked for yet
        self._broken: OSError | None = None
        self._heard = False
        self.heard_tls = False
        self.security_fault: HandshakeFailed | None = None
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
        if self._secure is None:
            super().connect(primitive)
        else:
            self._connect_securely(primitive, self._secure)
        if self.socket is not None and self._is_connected:
            self.was_connected = True
            self._prepare(self.socket)

    def _connect_securely(self, primitive: T_CONNECT, secure: Secure) -> None:
        """As the library connects, with a handshake that has a limit and says what went wrong."""
        connection = cast("socket.socket", self.socket)
        address = primitive.address_info.as_tuple
        try:
            connection.settimeout(self.assoc.connection_timeout)
            connection.connect(address)
            self.socket = connection = secure(connection)
            ours = AddressInformation.from_tuple(connection.getsockname())
            self.assoc.requestor.address_info = ours
            self._is_connected = True
            evt.trigger(self.assoc, evt.EVT_CONN_OPEN, {"address": address})
            primitive.result = "Evt2"  # PS3.8 Table 9-10: transport connection confirmation
        except (OSError, HandshakeFailed) as error:
            self.security_fault = error if isinstance(error, HandshakeFailed) else None
            self._shutdown_socket()
            self.socket = None
            primitive.result = "Evt17"  # PS3.8 Table 9-10: transport connection closed
        finally:
            self.provider_queue.put(primitive)
            self._ready.set()

    def _prepare(self, connection: socket.socket) -> None:
        connection.settimeout(self._stall_s)
        # Else Nagle's algorithm and delayed acknowledgements make 22 instances a second of 300.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._poll.register(connection, select.POLLIN)

    def _shutdown_socket(self) -> None:
        """Close the connection; the library does not close an attempt that never connected."""
        if self.socket is None:
            return
        if isinstance(self.socket, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):  # RFC 8446 Section 6.1: close_notify
                self.socket.settimeout(0.0)
                self.socket.unwrap()
        hang_up(self.socket)
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
        if self._decrypted or self._broken is not None:
            return True
        wait_s = WAIT_S if self.event_queue.empty() else 0.0
        if isinstance(connection, ssl.SSLSocket) and connection.pending():
            return self._decrypt(connection)  # the kernel has nothing more
        found = dict(self._poll.poll(wait_s * 1000))
        if found.get(self._bell.fileno()):
            with contextlib.suppress(OSError):
                self._bell.recv(4096)
        if connection.fileno() not in found:
            return False
        return not isinstance(connection, ssl.SSLSocket) or self._decrypt(connection)

    def _decrypt(self, connection: ssl.SSLSocket) -> bool:
        """Whether there is something for us, or the end.

        Of TLS the kernel may have what is nothing for us, such as a session ticket; to read then
        would be to wait for the peer, while it waits for us.
        """
        try:
            connection.settimeout(0.0)
            self._decrypted += connection.recv(_RECORD_BYTES)
            connection.settimeout(self._stall_s)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            connection.settimeout(self._stall_s)
            return False
        except OSError as error:
            self._broken = error
        return True

    def ring(self) -> None:
        """End the wait in `ready`: there is something to send."""
        with contextlib.suppress(OSError):  # full of rings already, or closed
            self._ringer.send(b"\0")

    def read_available(self, view: memoryview) -> int | None:
        """Read what has come, without waiting.

        Returns
        -------
        How many bytes; 0 at the end of the connection; None where nothing has come.

        Raises
        ------
        OSError
            The connection broke.
        """
        if self._broken is not None:
            raise self._broken
        if not self._decrypted:
            connection = cast("socket.socket", self.socket)
            if not isinstance(connection, ssl.SSLSocket):
                try:  # of a socket with a limit Python would first ask whether there is something
                    return os.readv(connection.fileno(), [view])
                except BlockingIOError:
                    return None
            if not self._decrypt(connection):
                return None
            if self._broken is not None:
                raise self._broken
        count = min(len(view), len(self._decrypted))
        view[:count] = self._decrypted[:count]
        del self._decrypted[:count]
        return count

    def wait_until(self, deadline: float) -> None:
        """Wait until there is something to read.

        Raises
        ------
        OSError
            There was nothing before the deadline (of `time.monotonic`), or another thread has
            closed the connection.
        """
        wait_s = max(0.0, deadline - time.monotonic())
        descriptor = cast("socket.socket", self.socket).fileno()
        if descriptor < 0:
            raise ConnectionAbortedError("the connection was closed")
        waiting = select.poll()  # select() takes no number above 1023, and a process may have more
        waiting.register(descriptor, select.POLLIN)
        if not waiting.poll(wait_s * 1000):
            raise TimeoutError("a PDU took too long")

    def unread(self, content: memoryview) -> None:
        """Put back what was read and is for somebody else."""
        self._decrypted[:0] = content

    def recv(self, nr_bytes: int) -> bytearray:
        """Read so many bytes; fewer when the peer closed the connection.

        Raises
        ------
        OSError
            The peer stalls within a PDU, or announces an absurdly long PDU.
        """
        if nr_bytes > LONGEST_PDU_BYTES:
            raise OSError("a PDU is longer than allowed")
        try:
            received = self._received(nr_bytes)
        except ssl.SSLError as error:
            self.note_fault(error)
            raise
        if not self._heard:
            self._heard = True
            plain = not isinstance(self.socket, ssl.SSLSocket)
            self.heard_tls = plain and bytes(received[:2]) in _TLS
        return received

    def note_fault(self, error: Exception) -> None:
        """Remember why an encrypted connection ended."""
        if isinstance(error, ssl.SSLError):
            self.security_fault = failed(error)

    def _received(self, nr_bytes: int) -> bytearray:
        if self._broken is not None:
            raise self._broken
        connection = cast("socket.socket", self.socket)
        received = bytearray(nr_bytes)
        count = min(nr_bytes, len(self._decrypted))
        received[:count] = self._decrypted[:count]
        del self._decrypted[:count]
        view = memoryview(received)
        deadline = time.monotonic() + self._stall_s
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


def hang_up(connection: socket.socket) -> None:
    """End a connection at once, for every thread that uses it.

    Not by `ssl.SSLSocket.shutdown`: it forgets the encryption first, so that another thread would
    send what it has to say in clear.
    """
    with contextlib.suppress(OSError):  # not connected, or not any more
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
