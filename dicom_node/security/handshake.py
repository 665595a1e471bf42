"""The TLS handshake with a DICOM peer, as server and as client, within a time limit as a whole.

A time limit for each read would let a peer that sends a byte now and then go on for hours.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from typing import Final

from dicom_node.security.handshake_fault import HandshakeFailed, HandshakeFault, failed

_TLS_HANDSHAKE: Final = 0x16  # RFC 8446 Section 5.1: content type of a record
_ASSOCIATE_REQUEST: Final = 0x01  # PS3.8 Table 9-11: PDU type


def accept_tls(
    connection: socket.socket, context: ssl.SSLContext, *, limit_s: float
) -> ssl.SSLSocket:
    """Answer the handshake of a peer that called us.

    Parameters
    ----------
    connection : is taken over; it is closed when the handshake fails

    Raises
    ------
    HandshakeFailed
        Why there is no encrypted connection.
    """
    deadline = time.monotonic() + limit_s
    try:
        first = _first_byte(connection, deadline)
    except ConnectionError as error:  # some health checks end with a reset
        connection.close()
        raise HandshakeFailed(HandshakeFault.CLOSED) from error
    except OSError as error:
        connection.close()
        raise failed(error) from error
    if first != _TLS_HANDSHAKE:
        connection.close()
        raise HandshakeFailed(_OF_FIRST_BYTE.get(first, HandshakeFault.NOT_TLS))
    return _shake_hands(connection, context, deadline, server=True)


def request_tls(
    connection: socket.socket, context: ssl.SSLContext, *, host: str, limit_s: float
) -> ssl.SSLSocket:
    """Begin a handshake with a peer that we called.

    Parameters
    ----------
    connection : established, and taken over; it is closed when the handshake fails
    host : of the peer; told to it as the name that we call (RFC 6066 Section 3)

    Raises
    ------
    HandshakeFailed
        Why there is no encrypted connection.
    """
    return _shake_hands(connection, context, time.monotonic() + limit_s, server=False, host=host)


_OF_FIRST_BYTE: Final = {
    None: HandshakeFault.CLOSED,
    _ASSOCIATE_REQUEST: HandshakeFault.PLAIN_DICOM,
}


def _first_byte(connection: socket.socket, deadline: float) -> int | None:
    """What a peer sends first, left where it is; None when it hangs up instead."""
    _wait(connection, select.POLLIN, deadline)
    first = connection.recv(1, socket.MSG_PEEK)
    return first[0] if first else None


def _shake_hands(
    connection: socket.socket,
    context: ssl.SSLContext,
    deadline: float,
    *,
    server: bool,
    host: str | None = None,
) -> ssl.SSLSocket:
    connection.setblocking(False)
    secured = context.wrap_socket(
        connection, server_side=server, server_hostname=host, do_handshake_on_connect=False
    )
    try:
        while True:
            try:
                secured.do_handshake()
            except ssl.SSLWantReadError:
                _wait(secured, select.POLLIN, deadline)
            except ssl.SSLWantWriteError:
                _wait(secured, select.POLLOUT, deadline)
            else:
                secured.setblocking(True)
                return secured
    except OSError as error:
        secured.close()
        raise failed(error) from error


def _wait(connection: socket.socket, event: int, deadline: float) -> None:
    left_s = deadline - time.monotonic()
    poll = select.poll()
    poll.register(connection, event)
    if left_s <= 0 or not poll.poll(left_s * 1000):
        raise TimeoutError
