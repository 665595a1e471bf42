"""pynetdicom's upper layer and DIMSE provider, guarded against peers that stall or send anything.

PS3.8 Section 9.2 (state machine), 9.3 (PDUs), PS3.7 Section 6.3 (messages). What each guard is
for, and how it was seen to be needed, stands in docs/decisions/0014-guarded-associations.md.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, Final, cast

from pynetdicom.acse import ACSE
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dul import DULServiceProvider
from pynetdicom.fsm import InvalidEventError
from pynetdicom.pdu import A_ABORT_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    P_DATA,
    AsynchronousOperationsWindowNegotiation,
)
from pynetdicom.transport import AssociationSocket

from dicom_node.guard.association_request import (
    FAULTS,
    AssociationFault,
    read_request,
    readable_answer,
)
from dicom_node.guard.guarded_socket import WAIT_S, GuardedSocket
from dicom_node.guard.incoming_data_set import IncomingDataSet
from dicom_node.guard.rejection import Rejection
from dicom_node.guard.store_requests import StoreRequests
from dicom_node.library_faults import PYDICOM_FAULTS
from settings.log.log_events import get_logger

_log = get_logger("node")

_DATA_TRANSFER: Final = "Sta6"  # PS3.8 Table 9-5: association established, ready for data
_REQUEST: Final = 1  # PS3.8 Table 9-11: the type of an A-ASSOCIATE-RQ
_END_S: Final = 2.0
_LONGEST_COMMAND_BYTES: Final = 64 * 1024
MOST_WAITING_MESSAGES: Final = 16  # PS3.7 Annex D.3.3.3: without a window a peer has only one

# What bytes that are no PDU or no command make the library raise where it does not expect it.
LIBRARY_FAULTS: Final = (*PYDICOM_FAULTS, InvalidEventError)


class GuardedUpperLayer(DULServiceProvider):
    """The DUL thread; when it ends, for whatever reason, the association ends too.

    Attributes
    ----------
    request_fault : why the peer's request for an association must be rejected, whoever sent it
    stores : takes the C-STORE requests of a peer that called us
    """

    def __init__(self, association: Association) -> None:
        super().__init__(association)
        self._run_loop_delay = 0.0  # `GuardedSocket.ready` waits instead
        self.request_fault: AssociationFault | None = None
        self.stores: StoreRequests | None = None

    def send_pdu(self, primitive: Any) -> None:
        """Hand something over to be sent."""
        super().send_pdu(primitive)
        cast("GuardedSocket", self.socket).ring()

    def kill_dul(self) -> None:
        """Let the thread end."""
        super().kill_dul()
        cast("GuardedSocket", self.socket).ring()

    def run(self) -> None:
        """Run the state machine until the connection is closed."""
        try:
            super().run()
        except LIBRARY_FAULTS as fault:
            _log.warning("association_fault", kind=type(fault).__name__)
            self.send_abort()
        finally:
            self.wake_user()

    def idle_timer_expired(self) -> bool:
        """Whether nothing has come for too long; the peer waits while something is stored."""
        storing = self.stores is not None and self.stores.is_storing
        return not storing and super().idle_timer_expired()

    def _read_pdu_data(self) -> None:
        """Read what has come: C-STORE requests here, anything else by the library."""
        established = self.state_machine.current_state == _DATA_TRANSFER
        if self.stores is None or not established or not self.event_queue.empty():
            super()._read_pdu_data()
            return
        try:
            if self.stores.take():
                return
        except (OSError, EOFError) as error:
            cast("GuardedSocket", self.socket).note_fault(error)
            self.event_queue.put("Evt17")  # PS3.8 Table 9-10: transport connection closed
            return
        super()._read_pdu_data()

    def _decode_pdu(self, bytestream: bytearray) -> tuple[Any, str]:
        """Decode what came; PS3.8 Table 9-10 says of which event it is."""
        content = bytes(bytestream)
        try:
            if content[0] != _REQUEST:
                return super()._decode_pdu(bytearray(readable_answer(content)))
            read = read_request(content)
        except FAULTS as fault:
            peer = self.assoc.requestor if self.assoc.is_acceptor else self.assoc.acceptor
            address = "" if peer.address_info is None else peer.address_info.address
            facts = {"pdu_type": content[0], "address": address}
            _log.warning("pdu_unreadable", kind=type(fault).__name__, **facts)
            return A_ABORT_RQ(), "Evt19"  # unrecognised or invalid PDU received
        self.request_fault = read.fault
        return read.pdu, "Evt6"

    def end(self) -> None:
        """Let the thread end, and wait a moment until it has."""
        self.kill_dul()
        if self.ident is not None:
            self.join(_END_S)

    def wake_user(self) -> None:
        """Let an association that waits for its request find out that there will be none."""
        cast("Any", self.to_user_queue).put(None)

    def send_abort(self) -> None:
        """Send an A-ABORT without the state machine, when the state machine is stuck."""
        pdu = A_ABORT_RQ()
        pdu.source = 0x02  # PS3.8 Table 9-26: DICOM UL service-provider
        pdu.reason_diagnostic = 0x00
        connection = cast("AssociationSocket", self.socket)
        if connection.socket is not None:
            connection.send(pdu.encode())


class Checkpoint(threading.Event):
    """Where the association's thread waits for its next message.

    The library looks a thousand times a second whether there is one; an association that a
    scanner leaves open would take 5 % of a processor for that.
    """

    def __init__(self) -> None:
        super().__init__()
        self._something = threading.Event()
        self.queues: list[queue.Queue[Any]] = []

    def ring(self) -> None:
        """End the wait."""
        self._something.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the library lets the thread go on, then a moment for something to do."""
        passed = super().wait(timeout)
        self._something.clear()
        if all(one.empty() for one in self.queues):
            self._something.wait(WAIT_S)
        return passed


class RingingQueue(queue.Queue[Any]):
    """A queue that tells the checkpoint when something is put into it."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self._checkpoint = checkpoint
        checkpoint.queues.append(self)

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put something in."""
        super().put(item, block, timeout)
        self._checkpoint.ring()


class GuardedDimse(DIMSEServiceProvider):
    """Puts data sets where they belong as they come, and ends what is not a DIMSE message.

    Parameters
    ----------
    association : that uses it
    checkpoint : rings when a message has arrived
    incoming_data_set : makes what takes the data set of a message
    """

    def __init__(
        self,
        association: Association,
        checkpoint: Checkpoint,
        incoming_data_set: Callable[[DIMSEMessage], IncomingDataSet],
    ) -> None:
        super().__init__(association)
        self.msg_queue = RingingQueue(checkpoint)
        self._incoming_data_set = incoming_data_set

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take the next fragments of a message."""
        if self.message is None:
            self.message = DIMSEMessage()
            self.message.data_set = self._incoming_data_set(self.message)
        message = self.message
        try:
            super().receive_primitive(primitive)
        except LIBRARY_FAULTS as fault:
            _log.warning("dimse_message_unreadable", kind=type(fault).__name__)
            self._end_association()
        command = message.encoded_command_set
        if command.tell() > _LONGEST_COMMAND_BYTES:
            self._end_association()
        if self.msg_queue.qsize() > MOST_WAITING_MESSAGES:
            self._end_association()

    def _end_association(self) -> None:
        self.dul.event_queue.put("Evt19")  # PS3.8 Table 9-10: unrecognised or invalid PDU received


class GuardedAcse(ACSE):
    """Asks whether a caller is welcome before anything is negotiated with it.

    Parameters
    ----------
    association : that uses it
    admit : decides on a request; None lets it in
    """

    def __init__(
        self, association: Association, admit: Callable[[A_ASSOCIATE], Rejection | None]
    ) -> None:
        super().__init__(association)
        self._admit = admit

    def _check_async_ops(self) -> AsynchronousOperationsWindowNegotiation:
        """Agree on how many requests may wait for their answers (PS3.7 Annex D.3.3.3).

        They are served in the order in which they come; the next one is on its way meanwhile. The
        library would agree on one, whatever it is told. We invoke nothing on such an association.
        """
        invoked, _ = self.requestor.asynchronous_operations
        agreed = AsynchronousOperationsWindowNegotiation()
        agreed.maximum_number_operations_invoked = min(
            invoked or MOST_WAITING_MESSAGES,  # 0: as many as we like
            MOST_WAITING_MESSAGES,
        )
        agreed.maximum_number_operations_performed = 1
        return agreed

    def _negotiate_as_acceptor(self) -> None:
        request = cast("A_ASSOCIATE", self.requestor.primitive)
        rejection = self._admit(request)
        if rejection is None:
            super()._negotiate_as_acceptor()
            return
        self.send_reject(rejection.result, rejection.source, rejection.diagnostic)
        self.assoc.is_rejected = True
        self.assoc.kill()
