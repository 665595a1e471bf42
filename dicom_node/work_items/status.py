"""The statuses of the Unified Procedure Step Service, and the error that each stands for.

PS3.4 Tables CC.2.1-2, CC.2.2-2, CC.2.3-3, CC.2.5-4, CC.2.6-1, CC.2.7-1 and CC.2.8-2; the general
ones: PS3.7 Annex C.
"""

from __future__ import annotations

from typing import Final

from dicom_node.status import (
    DUPLICATE_SOP_INSTANCE,
    OUT_OF_RESOURCES,
    PROCESSING_FAILURE,
    RESOURCE_LIMITATION,
    SUCCESS,
    is_for_good,
)
from radiology.errors import FirstreadError, PeerBusy, PeerRefused, PeerUnreachable

OPTIONAL_NOT_SUPPORTED: Final = 0x0001
NO_SUCH_ATTRIBUTE: Final = 0x0105  # PS3.7 Section C.5.14
INVALID_ATTRIBUTE_VALUE: Final = 0x0106
NO_SUCH_ACTION: Final = 0x0123
NOT_AUTHORISED: Final = 0x0124
IDENTIFIER_MISMATCH: Final = 0xA900
CREATED_WITH_MODIFICATIONS: Final = 0xB300
DELETION_LOCK_NOT_GRANTED: Final = 0xB301
ALREADY_CANCELED: Final = 0xB304
COERCED: Final = 0xB305
ALREADY_COMPLETED_WARNING: Final = 0xB306
UNABLE_TO_PROCESS: Final = 0xC000
NO_LONGER_UPDATED: Final = 0xC300
WRONG_TRANSACTION_UID: Final = 0xC301
ALREADY_IN_PROGRESS: Final = 0xC302
ONLY_CREATED_SCHEDULED: Final = 0xC303
FINAL_STATE_REQUIREMENTS: Final = 0xC304
NO_SUCH_WORK_ITEM: Final = 0xC307
UNKNOWN_RECEIVING_AE: Final = 0xC308
NOT_YET_IN_PROGRESS: Final = 0xC310
ALREADY_COMPLETED: Final = 0xC311
PERFORMER_NOT_CONTACTED: Final = 0xC312
PERFORMER_DOES_NOT_CANCEL: Final = 0xC313
ACTION_NOT_APPROPRIATE: Final = 0xC314

_DONE: Final = frozenset(
    {SUCCESS, OPTIONAL_NOT_SUPPORTED, 0x0107, 0x0116, CREATED_WITH_MODIFICATIONS, COERCED}
)
_BUSY: Final = frozenset({PROCESSING_FAILURE, RESOURCE_LIMITATION, OUT_OF_RESOURCES})
_WORDS: Final = {
    0x0118: "The peer does not keep work items: enable UPS there",
    0x0122: "The peer does not keep work items: enable UPS there",
    0x0124: "The peer does not allow us to change work items: allow our AE title to",
    NO_SUCH_WORK_ITEM: "The peer does not have the work item any more",
    0x0112: "The peer does not have the work item any more",
    DUPLICATE_SOP_INSTANCE: "The peer says that the work item exists already",
    WRONG_TRANSACTION_UID: "The work item is somebody else's by now",
    NO_LONGER_UPDATED: "The work item is completed or canceled",
}


def is_done(status: int) -> bool:
    """Whether the peer did what was asked, with or without a warning."""
    return status in _DONE


def error_of_work_item(status: int | None, said: str = "") -> FirstreadError | None:
    """What a peer's answer about a work item means.

    Parameters
    ----------
    status : the DIMSE status; None when no answer came
    said : the peer's own words, made readable

    Returns
    -------
    None when it is done; PeerUnreachable or PeerBusy when it should be tried again; PeerRefused
    when that would not help.
    """
    if status is None:
        return PeerUnreachable("The peer did not answer about a work item")
    if is_done(status):
        return None
    text = f"0x{status:04X}"
    if status in _BUSY:
        if is_for_good(said):
            return PeerRefused("The peer refuses in its own words", said, status=text)
        return PeerBusy("The peer cannot take a work item just now", said, status=text)
    words = _WORDS.get(status, "The peer refused a work item: look into its log")
    return PeerRefused(words, said, status=text)
