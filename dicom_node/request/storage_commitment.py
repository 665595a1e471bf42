"""Storage commitment as SCU: asking a peer to keep what it has stored, and taking its answer.

PS3.4 Annex J (Storage Commitment Push Model), PS3.7 Section 10.1.1 (N-EVENT-REPORT) and 10.1.4
(N-ACTION). The answer comes on the association of the request or, later, on one that the peer
requests from us as SCP. What a report may say, and what is answered to one that may not, stands
in docs/decisions/0020-the-life-of-a-result.md.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final, cast

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.events import Event

from database.deliveries.commitments import CommitmentReport, Reported, ReportedInstance
from dicom_node.guard.guarded_upper_layer import LIBRARY_FAULTS
from dicom_node.presentation_contexts import STORAGE_COMMITMENT
from dicom_node.proposed_contexts import Purpose, proposed_contexts
from dicom_node.request.requested_association import requested_association
from dicom_node.status import (
    INVALID_ARGUMENT_VALUE,
    NO_SUCH_ARGUMENT,
    NO_SUCH_EVENT_TYPE,
    NO_SUCH_SOP_INSTANCE,
    PROCESSING_FAILURE,
    RESOURCE_LIMITATION,
    SUCCESS,
    comment_of,
    is_for_good,
)
from radiology.errors import (
    DatabaseUnavailable,
    FirstreadError,
    PeerBusy,
    PeerRefused,
    PeerUnreachable,
)
from radiology.identity import checked_uid
from settings.log.log_events import get_logger
from settings.peers import Peer

_log = get_logger("storage_commitment")

SOP_INSTANCE: Final = UID("1.2.840.10008.1.20.1.1")  # PS3.4 Section J.3.5, well-known
_REQUEST: Final = 1  # PS3.4 Table J.3-1, Request Storage Commitment
_EVENT_TYPES: Final = (1, 2)  # PS3.4 Table J.3-2: all committed; failures exist
_LONGEST_REPORT_BYTES: Final = 1024 * 1024
_UNNAMED_FAILURE: Final = 0x0110  # PS3.3 C.14.1.1, processing failure

OnReport = Callable[[CommitmentReport], Reported]


class _ReportFault(Exception):
    """A report that cannot be read as one; `status` answers it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"0x{status:04X}")
        self.status = status


def request_commitment(
    peer: Peer,
    transaction_uid: str,
    instances: Mapping[str, str],
    on_report: OnReport,
    *,
    calling_ae_title: str,
    timeout_s: float,
    wait_s: float,
) -> bool:
    """Ask a peer to keep instances that it has stored.

    Parameters
    ----------
    peer : with host and port
    transaction_uid : of this request; a row of it exists already
    instances : SOP Class UID by SOP Instance UID
    on_report : called, in a thread of the library, with a report that comes on this association
    calling_ae_title : who we say that we are
    timeout_s : for each step: connecting, the association, the answer
    wait_s : how long to keep the association open for a report

    Returns
    -------
    Whether a report came.

    Raises
    ------
    PeerUnreachable, PeerBusy, PeerRefused
        The peer was not asked, or will not answer; the message says what to change.
    """
    reported, answered = threading.Event(), threading.Event()

    def handle(event: Event) -> tuple[int, None]:
        status = answer_report(event, on_report, {"peer": peer.name})
        reported.set()
        return status, None

    def note_sent(event: Event) -> None:
        if reported.is_set():
            answered.set()  # the library must not be asked to release before that

    with requested_association(
        peer,
        proposed_contexts(Purpose.COMMIT),
        calling_ae_title=calling_ae_title,
        timeout_s=timeout_s,
        handlers=[(evt.EVT_N_EVENT_REPORT, handle), (evt.EVT_PDU_SENT, note_sent)],
    ) as association:
        accepted = {context.abstract_syntax for context in association.accepted_contexts}
        if STORAGE_COMMITMENT not in accepted:
            raise PeerRefused(
                "The peer does not offer storage commitment: "
                "enable it there, or set storage_commitment to false"
            )
        _ask(association, transaction_uid, instances)
        if reported.wait(wait_s):
            answered.wait(timeout_s)
            # Not released: the library's thread, having served a request of the peer, now and then
            # never pauses for it (seen once in fifty times).
            association.abort()
    return reported.is_set()


def answer_report(event: Event, on_report: OnReport, origin: Mapping[str, str | int | None]) -> int:
    """Answer an N-EVENT-REPORT: read it, hand it on, and give the status.

    Parameters
    ----------
    on_report : says what became of the report
    origin : whom it comes from, for the log
    """
    request = cast("N_EVENT_REPORT", event.request)
    try:
        report = _read_report(event, request)
        status = _STATUS_OF[on_report(report)]
    except _ReportFault as fault:
        status = fault.status
    except DatabaseUnavailable:
        status = RESOURCE_LIMITATION
    if status == SUCCESS:
        _log.info("commitment_reported", transaction_uid=report.transaction_uid, **origin)
    else:
        _log.warning("commitment_report_refused", status=f"0x{status:04X}", **origin)
    return status


def _ask(association: Association, transaction_uid: str, instances: Mapping[str, str]) -> None:
    action = Dataset()
    action.TransactionUID = transaction_uid
    action.ReferencedSOPSequence = [
        _reference(sop_class_uid, sop_instance_uid)
        for sop_instance_uid, sop_class_uid in instances.items()
    ]
    try:
        answer, _ = association.send_n_action(action, _REQUEST, STORAGE_COMMITMENT, SOP_INSTANCE)
    except RuntimeError as error:
        raise PeerUnreachable("The association broke off") from error
    status = answer.get("Status")
    if status != SUCCESS:
        raise _refusal(status, comment_of(answer))


def _refusal(status: int | None, said: str) -> FirstreadError:
    if status is None:
        return PeerUnreachable("The peer did not answer a storage commitment request")
    text = f"0x{status:04X}"
    if status in (PROCESSING_FAILURE, RESOURCE_LIMITATION) and not is_for_good(said):
        return PeerBusy(
            "The peer cannot take a storage commitment request just now", said, status=text
        )
    return PeerRefused(
        "The peer refuses storage commitment: enable it there for our AE title",
        said,
        status=text,
    )


def _reference(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class_uid
    item.ReferencedSOPInstanceUID = sop_instance_uid
    return item


def _read_report(event: Event, request: N_EVENT_REPORT) -> CommitmentReport:
    """Read a report; it is not checked yet.

    Raises
    ------
    _ReportFault
        It is not one (PS3.4 Table J.3-2, PS3.7 Section 10.1.1.1.8).
    """
    if request.AffectedSOPInstanceUID != SOP_INSTANCE:
        raise _ReportFault(NO_SUCH_SOP_INSTANCE)
    if request.EventTypeID not in _EVENT_TYPES:
        raise _ReportFault(NO_SUCH_EVENT_TYPE)
    information = request.EventInformation
    if information is None:
        raise _ReportFault(NO_SUCH_ARGUMENT)
    if getattr(information, "received_bytes", 0) > _LONGEST_REPORT_BYTES:
        raise _ReportFault(RESOURCE_LIMITATION)
    try:
        data_set = event.event_information
        transaction_uid = _uid(data_set, "TransactionUID")
        items = [(item, False) for item in data_set.get("ReferencedSOPSequence") or ()]
        items += [(item, True) for item in data_set.get("FailedSOPSequence") or ()]
        pairs = [_instance(item, failed=failed) for item, failed in items]
    except (*LIBRARY_FAULTS, FirstreadError) as fault:
        raise _ReportFault(INVALID_ARGUMENT_VALUE) from fault
    instances = dict(pairs)
    if not instances or len(instances) != len(pairs):  # one cannot be both kept and not kept
        raise _ReportFault(INVALID_ARGUMENT_VALUE)
    return CommitmentReport(transaction_uid, instances)


def _instance(item: Dataset, *, failed: bool) -> tuple[str, ReportedInstance]:
    reason = int(item.get("FailureReason") or _UNNAMED_FAILURE) if failed else None
    sop_class_uid = _uid(item, "ReferencedSOPClassUID")
    return _uid(item, "ReferencedSOPInstanceUID"), ReportedInstance(sop_class_uid, reason)


def _uid(data_set: Dataset, keyword: str) -> str:
    return checked_uid(str(data_set.get(keyword, "")).strip("\0 "), keyword)


# PS3.7 Section 10.1.1.1.8: what an N-EVENT-REPORT may be answered with
_STATUS_OF: Final = {
    Reported.RECORDED: SUCCESS,
    Reported.REPEATED: SUCCESS,
    Reported.UNKNOWN_TRANSACTION: INVALID_ARGUMENT_VALUE,
    Reported.OTHER_PEER: INVALID_ARGUMENT_VALUE,  # it is not told that the transaction exists
    Reported.OTHER_INSTANCES: INVALID_ARGUMENT_VALUE,
}
