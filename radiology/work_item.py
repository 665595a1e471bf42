"""A work item: a study that waits to be read, as a Unified Procedure Step.

PS3.4 Annex CC (Unified Procedure Step Service), PS3.3 Section C.30 (its modules). Values only: how
they are encoded, sent, stored and served is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from radiology.identity import derived_uid
from radiology.urgency import Urgency


class WorkItemState(StrEnum):
    """Procedure Step State (0074,1000): PS3.4 Section CC.1.1."""

    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"


FINAL_STATES = (WorkItemState.COMPLETED, WorkItemState.CANCELED)
"""States that nothing leads out of."""


class WorkItemPriority(StrEnum):
    """Scheduled Procedure Step Priority (0074,1200): PS3.3 Table C.30.2-1."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class InputReadiness(StrEnum):
    """Input Readiness State (0040,4041): PS3.3 Table C.30.2-1."""

    READY = "READY"
    INCOMPLETE = "INCOMPLETE"  # a result of ours is still to come


WORKLIST_LABEL = "Firstread"  # Worklist Label (0074,1202), LO: what a client filters by

_UNREAD = "study"
_LONG_STRING = 64  # characters of an LO: PS3.5 Table 6.2-1

_PRIORITY_OF = {
    Urgency.URGENT: WorkItemPriority.HIGH,
    Urgency.SUSPECTED: WorkItemPriority.MEDIUM,
    Urgency.ROUTINE: WorkItemPriority.LOW,
}


def priority_of(urgency: Urgency) -> WorkItemPriority:
    """How soon the work item of a study of this urgency is to be done."""
    return _PRIORITY_OF[urgency]


@dataclass(frozen=True, slots=True)
class WorkItemInput:
    """Instances of one series that the reader is to look at: images, or results of ours.

    Attributes
    ----------
    instances : SOP Class UID and SOP Instance UID of each
    """

    series_instance_uid: str
    instances: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class WorkItem:
    """What a work item says. Identifiers only: no name, no birth date.

    Attributes
    ----------
    scheduled_at : when reading may begin
    modified_at : when what was scheduled was last changed
    retrieve_ae_title : where its inputs can be had from; "" where we cannot say
    comments : shown beside it; words of ours, never of a patient
    title : what the study is called by what has read it, as "chest CT"; empty before that
    """

    sop_instance_uid: str
    study_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str
    patient_sex: str
    accession_number: str
    priority: WorkItemPriority
    scheduled_at: datetime
    modified_at: datetime
    readiness: InputReadiness = InputReadiness.READY
    inputs: tuple[WorkItemInput, ...] = ()
    retrieve_ae_title: str = ""
    comments: str = ""
    title: str = ""

    @property
    def step_label(self) -> str:
        """What is to be done: Procedure Step Label (0074,1204), LO."""
        return f"Read {self.title or _UNREAD}"[:_LONG_STRING]


def work_item_uid(study_instance_uid: str, number: int | str = 1) -> str:
    """The SOP Instance UID of a study's work item.

    It follows from the study, so that creating it twice gives the same instance.

    Parameters
    ----------
    number : which work item of the study it is: a final one is not opened again
    """
    return derived_uid("work item", study_instance_uid, str(number))
