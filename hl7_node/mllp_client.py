"""The client that sends messages and waits for each one's acknowledgement.

The connection is kept as long as it holds, with a single message under way at a time. So a receiver
gets messages in the order in which they were sent. A message that the receiver perhaps took,
because the connection broke before its answer came, is sent again under the same control id; by
that a receiver knows a repetition (HL7 v2.5.1 Section 2.15.9.10: MSH-10).
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hl7_node.acknowledgement import Reply, read_acknowledgement
from hl7_node.framing import ConnectionEnded, FrameReader, PeerSilent, framed
from hl7_node.read_message import read_answer
from radiology.errors import MessageRefused, PeerBusy, PeerRefused, PeerUnreachable

_LONGEST_ANSWER_BYTES: Final = 64 * 1024
_MOST_OLD_ANSWERS: Final = 4  # to earlier messages, that came too late

_ACCEPTED: Final = ("AA", "CA")
_ERROR: Final = ("AE", "CE")
_REJECTED: Final = ("AR", "CR")
_PASSING: Final = ("206", "207")  # Table 0357: record locked, internal error


@dataclass(frozen=True, slots=True)
class MllpReceiver:
    """Where messages go.

    Attributes
    ----------
    name : for errors: what the settings call it
    answer_s : how long a connection, and an answer, may take
    tls : gives the context in force; None: messages go in clear
    """

    name: str
    host: str
    port: int
    answer_s: float
    tls: Callable[[], ssl.SSLContext] | None = None


class _Connection:
    """An open connection, and what was read of it."""

    def __init__(self, receiver: MllpReceiver) -> None:
        self.socket = _connect(receiver)
        self.reader = FrameReader(self.socket, max_bytes=_LONGEST_ANSWER_BYTES)

    @property
    def stale(self) -> bool:
        """Whether the peer closed it, or sent something unasked, since it was last used."""
        with contextlib.suppress(OSError, ValueError):
            return bool(select.select([self.socket], [], [], 0)[0])
        return True

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.close()


class MllpClient:
    """Sends to one receiver; used by several threads, one after the other."""

    def __init__(self, receiver: MllpReceiver) -> None:
        self._receiver = receiver
        self._connection: _Connection | None = None
        self._turn = threading.Lock()

    def send(self, message: str, control_id: str) -> Reply:
        """Send a message and wait for its acknowledgement.

        Parameters
        ----------
        message : as text; goes out in UTF-8
        control_id : its MSH-10

        Returns
        -------
        The answer of a receiver that took it.

        Raises
        ------
        PeerRefused
            It will not take the message as it is (AR).
        PeerBusy
            It could not take the message now (AE, or AR with a condition that passes).
        PeerUnreachable
            There is no connection, or no answer that can be understood. The receiver may have taken
            the message: it must be sent again with the same control id.
        """
        with self._turn:
            kept = self._connection is not None
            try:
                reply = self._exchange(message, control_id)
            except _Unanswered as fault:
                self._hang_up()
                # A kept connection may have died long ago; a new one tells.
                if not (kept and fault.again):
                    raise self._unreachable(fault) from fault
                try:
                    reply = self._exchange(message, control_id)
                except _Unanswered as second:
                    self._hang_up()
                    raise self._unreachable(second) from second
        return self._judged(reply)

    def close(self) -> None:
        """End the connection."""
        with self._turn:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, message: str, control_id: str) -> Reply:
        if self._connection is not None and self._connection.stale:
            self._hang_up()
        if self._connection is None:
            self._connection = _Connection(self._receiver)
        connection = self._connection
        try:
            connection.socket.settimeout(self._receiver.answer_s)
            connection.socket.sendall(framed(message.encode()))
            return self._await_reply(connection, control_id)
        except PeerSilent:
            raise _Unanswered("no answer in time") from None
        except TimeoutError:
            raise _Unanswered("the receiver takes nothing") from None
        except (ConnectionEnded, OSError):
            raise _Unanswered("the connection broke", again=True) from None
        except MessageRefused as error:
            raise _Unanswered(f"the answer cannot be understood: {error.message}") from None

    def _await_reply(self, connection: _Connection, control_id: str) -> Reply:
        limit_s = self._receiver.answer_s
        for _ in range(_MOST_OLD_ANSWERS):
            content = connection.reader.read(begin_s=limit_s, whole_s=limit_s)
            reply = read_acknowledgement(read_answer(content))
            if reply.control_id == control_id:
                return reply
        raise _Unanswered("the answer is about another message")

    def _judged(self, reply: Reply) -> Reply:
        name = self._receiver.name
        if reply.code in _ACCEPTED:
            return reply
        passing = reply.condition in _PASSING
        if reply.code in _ERROR or (reply.code in _REJECTED and passing):
            raise PeerBusy(
                "The HL7 receiver could not take the message now",
                reply.said,
                channel=name,
                code=reply.code,
                condition=_safe(reply.condition),
            )
        raise PeerRefused(
            "The HL7 receiver refused the message",
            reply.said,
            channel=name,
            code=_safe(reply.code),
            condition=_safe(reply.condition),
        )

    def _unreachable(self, fault: _Unanswered) -> PeerUnreachable:
        return PeerUnreachable(
            "The HL7 receiver has not acknowledged the message",
            channel=self._receiver.name,
            reason=str(fault),
        )


class _Unanswered(Exception):
    """There was no answer to a message.

    Parameters
    ----------
    again : the connection was at fault, and a new connection may succeed at once
    """

    def __init__(self, reason: str, *, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


def _connect(receiver: MllpReceiver) -> socket.socket:
    try:
        connection = socket.create_connection(
            (receiver.host, receiver.port), timeout=receiver.answer_s
        )
    except OSError as error:
        raise _Unanswered(f"no connection: {type(error).__name__}") from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if receiver.tls is None:
        return connection
    try:
        return receiver.tls().wrap_socket(connection, server_hostname=receiver.host)
    except OSError as error:
        connection.close()
        raise _Unanswered(f"no TLS: {type(error).__name__}") from error


def _safe(text: str) -> str:
    """What a receiver wrote, if it is a code; it might be anything."""
    return text if text.isalnum() and len(text) <= 8 else "?"
