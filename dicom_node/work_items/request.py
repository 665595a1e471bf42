"""Reads a client's request about a work item, and checks every value in it.

PS3.4 Tables CC.2.1-1, CC.2.2-1 and CC.2.3-1 (action information), Section CC.2.6 (N-SET).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, TypeVar

from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pynetdicom.dsutils import encode

from dicom_node.guard.guarded_upper_layer import LIBRARY_FAULTS
from dicom_node.status import INVALID_ARGUMENT_VALUE, NO_SUCH_ARGUMENT, RESOURCE_LIMITATION
from dicom_node.work_items.moments import has_offset, offset_of
from dicom_node.work_items.status import INVALID_ATTRIBUTE_VALUE, NO_SUCH_WORK_ITEM
from radiology.errors import InvalidUid
from radiology.identity import checked_uid
from radiology.work_item import WorkItemState

LONGEST_REQUEST_BYTES: Final = 256 * 1024
_LONGEST_REASON: Final = 1024
T = TypeVar("T")

# What a client may say about its work; the rest follows from the study's rows.
_PERFORMED: Final = (
    "ProcedureStepProgressInformationSequence",
    "UnifiedProcedureStepPerformedProcedureSequence",
)
_PASSED_ON: Final = (
    "ProcedureStepDiscontinuationReasonCodeSequence",
    "ContactURI",
    "ContactDisplayName",
)
# Sent along by any client: ours to know, of no consequence, or put into what is kept
_SENT_ALONG: Final = frozenset(
    {
        "SpecificCharacterSet",
        "TransactionUID",
        "ScheduledProcedureStepModificationDateTime",
        "TimezoneOffsetFromUTC",
    }
)


class RequestFault(Exception):
    """A request that cannot be read as one; `status` answers it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"0x{status:04X}")
        self.status = status


def read_data_set(
    stream: object, read: Callable[[], Dataset], take: Callable[[Dataset], T], *, fault: int
) -> T:
    """Decode what came with a request, and take from it what is wanted.

    Parameters
    ----------
    stream : as it arrived; None where the request has no data set
    read : decodes it
    take : reads the values: pydicom decodes them only then
    fault : the status for what cannot be decoded

    Raises
    ------
    RequestFault
        There is none, it is too long, or it is no data set.
    """
    if stream is None:
        raise RequestFault(NO_SUCH_ARGUMENT)
    if getattr(stream, "received_bytes", 0) > LONGEST_REQUEST_BYTES:
        raise RequestFault(RESOURCE_LIMITATION)
    try:
        return take(read())
    except LIBRARY_FAULTS as error:
        raise RequestFault(fault) from error


def work_item_uid_of(value: object) -> str:
    """The SOP Instance UID that a request is about.

    Raises
    ------
    RequestFault
        It is none.
    """
    try:
        return checked_uid(str(value or "").strip("\0 "), "RequestedSOPInstanceUID")
    except InvalidUid as error:
        raise RequestFault(NO_SUCH_WORK_ITEM) from error


def transaction_uid_of(data_set: Dataset) -> str:
    """The Transaction UID; "" where there is none or no valid one: it is then not correct."""
    try:
        return checked_uid(text_of(data_set, "TransactionUID"), "TransactionUID")
    except InvalidUid:
        return ""


def state_of(data_set: Dataset) -> WorkItemState:
    """The state that is asked for.

    Raises
    ------
    RequestFault
        It is none of the four.
    """
    word = text_of(data_set, "ProcedureStepState")
    found = next((one for one in WorkItemState if one.value == word), None)
    if found is None:
        raise RequestFault(INVALID_ARGUMENT_VALUE)
    return found


def text_of(data_set: Dataset, keyword: str) -> str:
    """A text without padding; "" where there is none."""
    return str(data_set.get(keyword) or "").strip("\0 ")


def reason_of(data_set: Dataset) -> str:
    """Why a work item is to be canceled, in the words of the client."""
    return text_of(data_set, "ReasonForCancellation").replace("\0", "")[:_LONGEST_REASON]


def asked_of(information: Dataset) -> dict[str, Any]:
    """What a request for cancelation says beside itself, as DICOM JSON, for whoever watches.

    PS3.4 Table CC.2.4-1: what the triggering N-ACTION provided is passed on.

    Raises
    ------
    RequestFault
        It cannot be passed on.
    """
    asked = Dataset()
    for keyword in _PASSED_ON:
        if information.get(keyword):
            asked[keyword] = information[keyword]
    reason = reason_of(information)
    if reason:
        asked.ReasonForCancellation = reason
    return _as_json(asked, fault=INVALID_ARGUMENT_VALUE)


def performed_of(modifications: Dataset) -> tuple[dict[str, Any], bool]:
    """What an N-SET says that is kept, as DICOM JSON, and whether that is everything.

    Raises
    ------
    RequestFault
        It would change the state, which only N-ACTION may, or cannot be kept.
    """
    if "ProcedureStepState" in modifications:
        raise RequestFault(INVALID_ATTRIBUTE_VALUE)
    kept = Dataset()
    for keyword in _PERFORMED:
        if keyword in modifications:
            kept[keyword] = modifications[keyword]
    _state_offsets(kept, text_of(modifications, "TimezoneOffsetFromUTC"))
    known = {Tag(keyword) for keyword in (*_PERFORMED, *_SENT_ALONG)}
    everything = all(element.tag in known for element in modifications)
    return _as_json(kept, fault=INVALID_ATTRIBUTE_VALUE), everything


def _state_offsets(kept: Dataset, offset: str) -> None:
    """Write the offset of the request into each DT without one: what is kept is read without it.

    PS3.3 C.12.1.1.8: Timezone Offset From UTC is of every moment in its data set that has none.

    Raises
    ------
    RequestFault
        It is none.
    """
    if not offset:
        return
    try:
        offset_of(offset)
        for element in kept.iterall():
            if element.VR == "DT" and element.VM == 1 and not has_offset(str(element.value)):
                element.value = f"{element.value}{offset}"
    except LIBRARY_FAULTS as error:
        raise RequestFault(INVALID_ATTRIBUTE_VALUE) from error


def _as_json(kept: Dataset, *, fault: int) -> dict[str, Any]:
    """DICOM JSON of what other clients will be sent."""
    try:
        made: dict[str, Any] = kept.to_json_dict()
        json.dumps(made, allow_nan=False)  # what no database would take as JSON
        # It is shown to every client from now on, in either form of encoding.
        shown = Dataset.from_json(made)
        encodable = all(encode(shown, implicit, True) is not None for implicit in (True, False))
    except LIBRARY_FAULTS as error:
        raise RequestFault(fault) from error
    if not encodable:
        raise RequestFault(fault)
    return made
