"""MLLP, the frame around a message on a TCP connection: VT, the message, FS, CR.

HL7 v2 Implementation Guide, Appendix C.4 (Minimal Lower Layer Protocol).
"""

from __future__ import annotations

import socket
import time
from typing import Final

from radiology.errors import MessageRefused

_START: Final = b"\x0b"
_END: Final = b"\x1c\x0d"
_READ_BYTES: Final = 65536
_MOST_STRAY_BYTES: Final = 1024  # between two frames; line ends are common there
_BEGUN_ANEW: Final = _START + b"MSH"
_HEAD_BYTES: Final = 4096  # of a message that is too long: enough to say which one it is
_MOST_PASSED_OVER: Final = 16  # times as long as allowed: then it has no end


class ConnectionEnded(Exception):
    """The peer closed the connection, or it broke."""


class PeerSilent(Exception):
    """Nothing came in time."""


class MessageTooLong(MessageRefused):
    """The message is longer than is allowed; it was passed over, and the next one can be read.

    Attributes
    ----------
    head : how it begins
    """

    def __init__(self, head: bytes, *, max_bytes: int) -> None:
        super().__init__(f"The message is longer than {max_bytes} bytes", max_bytes=max_bytes)
        self.head = head


def framed(message: bytes) -> bytes:
    """A message in its frame."""
    return _START + message + _END


class FrameReader:
    """Takes messages off a connection, however their bytes are split.

    Parameters
    ----------
    connection : its timeout is changed with each read
    max_bytes : a longer message is refused
    """

    def __init__(self, connection: socket.socket, *, max_bytes: int) -> None:
        self._connection = connection
        self._max_bytes = max_bytes
        self._buffer = bytearray()

    def read(self, *, begin_s: float, whole_s: float) -> bytes:
        """The next message.

        Parameters
        ----------
        begin_s : how long its first byte may take
        whole_s : how long it may take from there, however its bytes trickle

        Raises
        ------
        ConnectionEnded
            The peer closed the connection; what it had begun is lost, and was not answered.
        PeerSilent
            A time is up.
        MessageTooLong
            It is too long.
        MessageRefused
            It has no end, or there is something else than messages on the connection: what follows
            cannot be told apart any more, so the connection is of no further use.
        """
        self._await_start(time.monotonic() + begin_s)
        deadline = time.monotonic() + whole_s
        head, dropped, searched = b"", 0, 0
        while True:
            end = self._buffer.find(_END, searched)
            if end >= 0:
                message = bytes(self._buffer[:end])
                del self._buffer[: end + len(_END)]
                if dropped + end > self._max_bytes:
                    raise MessageTooLong(head or message[:_HEAD_BYTES], max_bytes=self._max_bytes)
                return _last_begun(message)
            if len(self._buffer) > self._max_bytes + 1:  # 1: the FS may be there already
                head = head or bytes(self._buffer[:_HEAD_BYTES])
                dropped += len(self._buffer) - 1
                del self._buffer[:-1]
                if dropped > _MOST_PASSED_OVER * self._max_bytes:
                    raise MessageRefused("The message has no end", max_bytes=self._max_bytes)
            searched = max(0, len(self._buffer) - 1)  # FS may be the last byte so far
            self._receive(deadline)

    def _await_start(self, deadline: float) -> None:
        """Drop line ends between frames; anything else there is no MLLP."""
        dropped = 0
        while True:
            stripped = self._buffer.lstrip(b"\r\n")
            dropped += len(self._buffer) - len(stripped)
            self._buffer[:] = stripped
            if self._buffer:
                if self._buffer[:1] != _START or dropped > _MOST_STRAY_BYTES:
                    raise MessageRefused("What comes on the connection is no MLLP frame")
                del self._buffer[:1]
                return
            if dropped > _MOST_STRAY_BYTES:
                raise MessageRefused("What comes on the connection is no MLLP frame")
            self._receive(deadline)

    def _receive(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise PeerSilent
        self._connection.settimeout(left)
        try:
            got = self._connection.recv(_READ_BYTES)
        except TimeoutError:
            raise PeerSilent from None
        except OSError as error:
            raise ConnectionEnded from error
        if not got:
            raise ConnectionEnded
        self._buffer += got


def _last_begun(message: bytes) -> bytes:
    """The message that a frame ends with.

    A sender that was interrupted begins a new frame without having ended the one before. Nothing
    has acknowledged what it had begun, so that it will send that again.
    """
    begun = message.rfind(_BEGUN_ANEW)
    return message if begun < 0 else message[begun + len(_START) :]
