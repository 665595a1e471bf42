"""C-STORE requests as they come over the connection: read, written to disk, stored, answered.

PS3.8 Section 9.3.5 (P-DATA-TF), Annex E (fragments), PS3.7 Section 9.3.1 (C-STORE). pynetdicom
makes an object of each PDU, copies its bytes several times, and hands the message to another
thread, which looks for it a thousand times a second. Here one thread reads what has come into one
buffer, from there into the file, and answers. State machine, negotiation, release, aborts and
every other message are pynetdicom's: in state 6 a P-DATA-TF changes no state (PS3.8 Table 9-10,
Evt10, DT-2), so that nothing but the data goes past it. What this module does not understand it
puts back and leaves to pynetdicom: docs/decisions/0052-one-thread-from-socket-to-answer.md.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from typing import Final, Protocol

from dicom_node.guard.guarded_socket import LONGEST_PDU_BYTES, GuardedSocket
from dicom_node.guard.incoming_data_set import IncomingDataSet
from dicom_node.guard.store_command import StoreRequest, read_store_request

_BUFFER_BYTES: Final = 256 * 1024  # the longest PDU of most peers (128 KiB), however it begins
_P_DATA_TF: Final = 4  # PS3.8 Table 9-22
_PDU_HEADER: Final = struct.Struct(">BxL")
_FRAGMENT_HEADER: Final = struct.Struct(">LBB")  # PS3.8 Table 9-23, Annex E.2
_OF_COMMAND, _LAST = 1, 2
_LONGEST_COMMAND_BYTES: Final = 16 * 1024  # of those that are read here; usual are 200


class StoringAssociation(Protocol):
    """What an association does with the requests, and what it knows."""

    def has_message(self) -> bool:
        """Whether the library has the beginning of a message, so that what comes is its end."""

    def has_to_say(self) -> bool:
        """Whether the state machine has something to do or to send, or is to end."""

    def stores(self, context_id: int) -> bool:
        """Whether what comes in a presentation context is to be stored."""

    def begin_to_store(self, request: StoreRequest) -> IncomingDataSet:
        """What takes the data set of a C-STORE request."""

    def window(self) -> int:
        """How many requests the peer may send without an answer (PS3.7 Annex D.3.3.3)."""

    def store(self, arrived: Sequence[tuple[StoreRequest, IncomingDataSet]]) -> None:
        """Store instances that have come whole, and answer each in its turn."""

    def end_by_invalid_pdu(self) -> None:
        """End the association because of what came."""


class StoreRequests:
    """Takes the P-DATA-TF PDUs of an association that is established.

    Parameters
    ----------
    association : whose requests they are
    connection : with the peer
    stall_s : how long the peer may take over one PDU

    Attributes
    ----------
    is_storing : whether an instance has come whole and is not answered yet
    """

    def __init__(
        self, association: StoringAssociation, connection: GuardedSocket, *, stall_s: float
    ) -> None:
        self._association = association
        self._connection = connection
        self._stall_s = stall_s
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._begin = self._end = 0
        self._deadline = 0.0
        self._request: StoreRequest | None = None
        self._incoming: IncomingDataSet | None = None
        self._whole: list[tuple[StoreRequest, IncomingDataSet]] = []
        self.is_storing = False

    def take(self) -> bool:
        """Take what has come, and what comes soon behind it.

        Returns
        -------
        Whether nothing is left for the library to read.

        Raises
        ------
        OSError
            The connection broke, or the peer stalls within a PDU.
        EOFError
            The peer closed the connection.
        """
        try:
            while self._begin < self._end or self._comes_more():
                if self._begin < self._end and not self._take_pdu():
                    return False
                if self._association.has_to_say():
                    return True
        finally:
            self._connection.unread(self._buffer[self._begin : self._end])
            self._begin = self._end = 0
            self._store()
        return True

    def _comes_more(self) -> bool:
        """Whether something has come, or comes soon; nobody's answer waits for it."""
        if self._read_more():
            return True
        self._store()
        return self._connection.ready

    def _take_pdu(self) -> bool:
        """Take one PDU; False, and nothing taken, where it is the library's."""
        self._deadline = time.monotonic() + self._stall_s
        self._need(_PDU_HEADER.size)
        kind, length = _PDU_HEADER.unpack_from(self._buffer, self._begin)
        if kind != _P_DATA_TF or length > LONGEST_PDU_BYTES:
            return False
        if self._request is None and not self._begins_here(length):
            return False
        self._begin += _PDU_HEADER.size
        left = length
        while left and self._request is not None:
            taken = self._take_fragment(left)
            if taken is None:
                self._association.end_by_invalid_pdu()
                break
            left -= taken
        self._skip(left)  # behind the last fragment of a message nothing counts
        return True

    def _begins_here(self, length: int) -> bool:
        """Whether this PDU begins with the whole command of a C-STORE request."""
        if length < _FRAGMENT_HEADER.size or self._association.has_message():
            return False
        self._need(_PDU_HEADER.size + _FRAGMENT_HEADER.size)
        at = self._begin + _PDU_HEADER.size
        size, context_id, control = _FRAGMENT_HEADER.unpack_from(self._buffer, at)
        if control & 3 != _OF_COMMAND | _LAST or not 2 <= size <= min(
            length - 4, _LONGEST_COMMAND_BYTES
        ):
            return False
        if not self._association.stores(context_id):
            return False
        self._need(_PDU_HEADER.size + 4 + size)
        at = self._begin + _PDU_HEADER.size + _FRAGMENT_HEADER.size
        command = bytes(self._buffer[at : at + size - 2])
        self._request = read_store_request(context_id, command)
        return self._request is not None

    def _take_fragment(self, left: int) -> int | None:
        """Take one fragment of what is left of a PDU.

        Returns
        -------
        How many bytes, with its header; None, and nothing taken, where it is none that may stand
        here.
        """
        if left < _FRAGMENT_HEADER.size:
            return None
        self._need(_FRAGMENT_HEADER.size)
        size, context_id, control = _FRAGMENT_HEADER.unpack_from(self._buffer, self._begin)
        assert self._request is not None
        if not 2 <= size <= left - 4 or context_id != self._request.context_id:
            return None
        begins = self._incoming is None  # with the command, which `_begins_here` has read
        if not begins and control & _OF_COMMAND:
            return None
        self._begin += _FRAGMENT_HEADER.size
        if begins:
            self._incoming = self._association.begin_to_store(self._request)
            self._begin += size - 2
        else:
            self._write(size - 2)
            if control & _LAST:
                self._end_instance()
        return 4 + int(size)

    def _write(self, count: int) -> None:
        assert self._incoming is not None
        while count:
            if self._begin == self._end:
                self._wait_for_more()
            end = min(self._end, self._begin + count)
            self._incoming.write(self._buffer[self._begin : end])
            count -= end - self._begin
            self._begin = end

    def _end_instance(self) -> None:
        """An instance has come whole: store it, with others if the peer may send them now."""
        assert self._request is not None
        assert self._incoming is not None
        self._incoming.is_whole = True
        self._whole.append((self._request, self._incoming))
        self._request = self._incoming = None
        if len(self._whole) >= self._association.window():
            self._store()

    def _store(self) -> None:
        """Store and answer what has come whole.

        It is done before anything is waited for: what is behind it in the connection becomes
        durable by the same flush, and what is not there yet holds nobody's answer up.
        """
        if not self._whole:
            return
        arrived, self._whole = self._whole, []
        self.is_storing = True
        try:
            self._association.store(arrived)
        finally:
            self.is_storing = False
        self._deadline = time.monotonic() + self._stall_s  # the peer has not stalled meanwhile

    def _skip(self, count: int) -> None:
        while count:
            if self._begin == self._end:
                self._wait_for_more()
            taken = min(count, self._end - self._begin)
            self._begin += taken
            count -= taken

    def _need(self, count: int) -> None:
        """Wait until so many bytes are in the buffer, one behind the other."""
        while self._end - self._begin < count:
            if self._begin + count > _BUFFER_BYTES:
                rest = bytes(self._buffer[self._begin : self._end])
                self._buffer[: len(rest)] = rest
                self._begin, self._end = 0, len(rest)
            self._wait_for_more()

    def _wait_for_more(self) -> None:
        while not self._read_more():
            self._store()
            self._connection.wait_until(self._deadline)
        if time.monotonic() > self._deadline:
            raise TimeoutError("a PDU took too long")

    def _read_more(self) -> bool:
        if self._begin == self._end:
            self._begin = self._end = 0
        got = self._connection.read_available(self._buffer[self._end :])
        if got == 0:
            raise EOFError
        self._end += got or 0
        return got is not None
