"""The table that converts our exceptions to DIMSE statuses, and a peer's statuses to exceptions.

PS3.4 Table B.2-1 (C-STORE response status values), PS3.7 Section 9.1.1.1.9 and Annex C. Which
status follows from which fault, and why, stands in docs/decisions/0012-statuses.md.
"""

from __future__ import annotations

import re
from typing import Final

from pydicom.dataset import Dataset

from radiology.errors import (
    AttributeMissing,
    DataSetUnreadable,
    FirstreadError,
    InstanceConflict,
    InstanceRefused,
    InvalidUid,
    NotStorable,
    PeerBusy,
    PeerRefused,
    PeerUnreachable,
    Unavailable,
)
from radiology.words.peer_words import readable

SUCCESS: Final = 0x0000
OUT_OF_RESOURCES: Final = 0xA700  # PS3.4 Table B.2-1, Refused: Out of Resources
DATA_SET_MISMATCH: Final = 0xA900  # PS3.4 Table B.2-1, Error: Data Set does not match SOP Class
ELEMENTS_DISCARDED: Final = 0xB006  # PS3.4 Table B.2-1, Warning: Elements Discarded
CANNOT_UNDERSTAND: Final = 0xC000  # PS3.4 Table B.2-1, Error: Cannot Understand, 0xC000 to 0xCFFF
PROCESSING_FAILURE: Final = 0x0110  # PS3.7 Section C.5.20
NO_SUCH_SOP_INSTANCE: Final = 0x0112  # PS3.7 Section C.5.16
NO_SUCH_EVENT_TYPE: Final = 0x0113  # PS3.7 Section C.5.15
NO_SUCH_ARGUMENT: Final = 0x0114  # PS3.7 Section C.5.13
INVALID_ARGUMENT_VALUE: Final = 0x0115  # PS3.7 Section C.5.10
DUPLICATE_SOP_INSTANCE: Final = 0x0111  # PS3.7 Section C.5.6
INVALID_SOP_INSTANCE: Final = 0x0117  # PS3.7 Section C.5.12
RESOURCE_LIMITATION: Final = 0x0213  # PS3.7 Section C.5.26

# Within the range of "cannot understand" the last digits are ours to choose.
ATTRIBUTE_MISSING: Final = 0xC101
UID_NOT_VALID: Final = 0xC102
INSTANCE_TOO_LARGE: Final = 0xC103
# PS3.18 Table I.2-2, Referenced Transfer Syntax not supported: a request of STOW-RS does not agree
# on one beforehand, as an association does.
TRANSFER_SYNTAX_NOT_SUPPORTED: Final = 0xC122

_ERROR_COMMENT_LENGTH = 64  # PS3.7 Annex C: (0000,0902) Error Comment is an LO
# What no waiting changes, whatever the status: archives answer A7xx and 0x0110 for it too.
_FOR_GOOD: Final = re.compile(
    r"\b(?:not|no longer) (?:allowed|authori[sz]ed|permitted|supported|accepted|enabled)\b"
    r"|\b(?:unauthori[sz]ed|forbidden|denied|prohibited|no permission|unsupported)\b"
    r"|\bunknown (?:calling |called )?(?:ae|aet)\b",
    re.IGNORECASE,
)


class CommandMismatch(InstanceRefused):
    """The data set is not the object that the C-STORE command announces."""


class InstanceTooLarge(InstanceRefused):
    """The instance is larger than the settings allow."""


class TransferSyntaxNotStorable(InstanceRefused):
    """The transfer syntax of the instance is not one that can be decoded here."""


_STATUS_OF: dict[type[FirstreadError], int] = {
    Unavailable: OUT_OF_RESOURCES,
    CommandMismatch: DATA_SET_MISMATCH,
    NotStorable: ELEMENTS_DISCARDED,
    InstanceConflict: DUPLICATE_SOP_INSTANCE,
    AttributeMissing: ATTRIBUTE_MISSING,
    InvalidUid: UID_NOT_VALID,
    InstanceTooLarge: INSTANCE_TOO_LARGE,
    TransferSyntaxNotStorable: TRANSFER_SYNTAX_NOT_SUPPORTED,
    DataSetUnreadable: CANNOT_UNDERSTAND,
    InstanceRefused: CANNOT_UNDERSTAND,
}


def status_of(error: Exception) -> int:
    """The status that answers a C-STORE request which ended in an error.

    Parameters
    ----------
    error : of our tree, or anything else, which is a defect

    Returns
    -------
    0xA7xx for what may pass, so that the sender tries again; another failure for what never will;
    a warning for what was taken but is not kept.
    """
    if isinstance(error, InvalidUid) and error.facts.get("keyword") == "SOPInstanceUID":
        return INVALID_SOP_INSTANCE
    for kind in type(error).__mro__:
        if kind in _STATUS_OF:
            return _STATUS_OF[kind]
    return PROCESSING_FAILURE


def error_comment(error: Exception) -> str:
    """What the sender may read in (0000,0902): our message, never a value from the data set."""
    if not isinstance(error, FirstreadError):
        return "Internal error, see the log of Firstread"
    return error.message[:_ERROR_COMMENT_LENGTH]


def is_stored(status: int | None) -> bool:
    """Whether the peer has the object.

    Success, a warning (PS3.7 Section C.3), or "duplicate SOP instance": our UIDs follow from what
    is sent, so an object that is there already is the same one.
    """
    if status is None:
        return False
    return (
        status in (SUCCESS, DUPLICATE_SOP_INSTANCE, 0x0001, 0x0107, 0x0116)  # PS3.7 Annex C
        or 0xB000 <= status <= 0xBFFF
    )


def comment_of(answer: Dataset) -> str:
    """A peer's own words in a response: Error Comment (0000,0902); "" where it gives none."""
    return readable(answer.get("ErrorComment"))


def is_for_good(said: str) -> bool:
    """Whether a peer says in its own words that the same request will never be taken.

    A status alone may not tell: 0xA777 "not allowed for this AE" is a matter of permission, though
    A7xx stands for resources.
    """
    return bool(_FOR_GOOD.search(said))


def error_of_status(status: int | None, said: str = "") -> FirstreadError | None:
    """What a peer's answer to our C-STORE request means.

    Parameters
    ----------
    status : the DIMSE status; None when no answer came
    said : the peer's own words, made readable

    Returns
    -------
    None when the object is stored; PeerUnreachable or PeerBusy when it should be tried again;
    PeerRefused when that would not help.
    """
    if is_stored(status):
        return None
    if status is None:
        return PeerUnreachable("The peer did not answer a C-STORE request")
    text = f"0x{status:04X}"
    out_of_resources = 0xA700 <= status <= 0xA7FF or status == RESOURCE_LIMITATION
    if (out_of_resources or status == PROCESSING_FAILURE) and is_for_good(said):
        return PeerRefused("The peer refuses in its own words", said, status=text)
    if out_of_resources:
        return PeerBusy("The peer is out of resources; it will be tried again", said, status=text)
    if status == PROCESSING_FAILURE:
        return PeerBusy("The peer failed while storing; it will be tried again", said, status=text)
    return PeerRefused(_refusal(status), said, status=text)


def _refusal(status: int) -> str:
    if status in (0x0118, 0x0122):  # PS3.7 Sections C.5.17 and C.5.21
        return "The peer does not store this SOP class: enable it there"
    if status == 0x0124:  # PS3.7 Section C.5.22, Refused: Not Authorised
        return "The peer does not allow us to store: allow our AE title to store there"
    if 0xA900 <= status <= 0xA9FF:
        return "The peer says that the data set does not match its SOP class"
    if 0xC000 <= status <= 0xCFFF:
        return "The peer says that it cannot understand the object: look into its log"
    return "The peer refused the object: look into its log"
