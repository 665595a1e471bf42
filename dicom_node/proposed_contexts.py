"""The presentation contexts that we propose, by what for, and the objects that we make.

PS3.8 Section 9.3.2.2. The modules that request associations take their contexts from here, and so
does the conformance statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from pydicom import uid
from pydicom.uid import UID
from pynetdicom.presentation import PresentationContext, build_context

from dicom_node.presentation_contexts import (
    LABEL_MAP_SEGMENTATION,
    STORAGE_COMMITMENT,
    UPS_EVENT,
    UPS_PULL,
    UPS_PUSH,
    UPS_WATCH,
    VERIFICATION,
)

STUDY_ROOT_FIND: Final = UID("1.2.840.10008.5.1.4.1.2.2.1")  # PS3.6 Annex A
STUDY_ROOT_MOVE: Final = UID("1.2.840.10008.5.1.4.1.2.2.2")
STUDY_ROOT_GET: Final = UID("1.2.840.10008.5.1.4.1.2.2.3")


class Purpose(Enum):
    """What an association is requested for; Storage proposes what the objects are."""

    VERIFY = "a destination that did not answer is asked whether it does; on request"
    COMMIT = "storage commitment is asked for"
    FIND = "a patient's earlier studies are looked for"
    MOVE = "an earlier study is fetched"
    READ_BACK = "the doctor asks for an object of its phantom"
    WORK_ITEM = "a work item is created, changed or asked about, for a flag"
    REPORT = "a subscriber is told of one of our work items"


# Verification is proposed beside commitment, so that a peer without it accepts the association.
_PROPOSED: Final[Mapping[Purpose, tuple[UID, ...]]] = {
    Purpose.VERIFY: (VERIFICATION,),
    Purpose.COMMIT: (VERIFICATION, STORAGE_COMMITMENT),
    Purpose.FIND: (STUDY_ROOT_FIND,),
    Purpose.MOVE: (STUDY_ROOT_MOVE,),
    Purpose.READ_BACK: (STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE),
    Purpose.WORK_ITEM: (UPS_PUSH, UPS_PULL, UPS_WATCH),
    Purpose.REPORT: (UPS_EVENT,),
}


def proposed_contexts(purpose: Purpose) -> list[PresentationContext]:
    """New contexts for one association."""
    return [build_context(sop_class) for sop_class in _PROPOSED[purpose]]


def contexts_of(pairs: Iterable[tuple[str, str]]) -> list[PresentationContext]:
    """A context for each SOP class in one transfer syntax: what is sent, or comes by C-GET."""
    return [build_context(*pair) for pair in dict.fromkeys(pairs)]


@dataclass(frozen=True, slots=True)
class MadeObject:
    """A kind of object that we make and store at destinations.

    Attributes
    ----------
    transfer_syntaxes : those that it is made in; the site chooses one where there are several
    """

    sop_class_uid: UID
    transfer_syntaxes: tuple[UID, ...] = (uid.ExplicitVRLittleEndian,)


MADE_OBJECTS: Final = (
    MadeObject(uid.Comprehensive3DSRStorage),
    MadeObject(uid.SegmentationStorage),
    MadeObject(LABEL_MAP_SEGMENTATION, (uid.RLELossless, uid.JPEGLSLossless)),
    MadeObject(uid.EncapsulatedPDFStorage),
    MadeObject(uid.SecondaryCaptureImageStorage),
    MadeObject(uid.KeyObjectSelectionDocumentStorage),
)
