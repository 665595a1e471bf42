"""The interface of every flag channel: what it gets, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from database.flag_states import NoticeKind as NoticeKind
from radiology import codes
from radiology.answer.reading import Reading
from radiology.codes import Code
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from radiology.work_item import WorkItemState

_UNREAD = "study"
TEST_SAYS: Final = "TEST: there is no such study; do not act on it."


@dataclass(frozen=True, slots=True)
class NoticeObject:
    """One of our result objects, for a receiver that follows references."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What a channel says about one study. Identifiers and figures; no name, no birth date.

    Attributes
    ----------
    flag_uid : the same for every notice about one flag, so that a receiver can tell a repetition
    notice_uid : the same for every attempt at this notice
    study_url : where the page shows the study
    acknowledge_url : where a receiver may acknowledge it; "" where it cannot
    reading : what was stored; None where it cannot be read: a flag does not wait for that
    bundle, bundle_version : that gave the result
    is_test : about a study that does not exist, to try a channel; every channel must say so
    """

    flag_uid: str
    notice_uid: str
    kind: NoticeKind
    study_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str
    patient_sex: str
    accession_number: str
    outcome: Outcome
    urgency: Urgency
    rule: str
    suspicion: float | None
    reading: Reading | None
    objects: tuple[NoticeObject, ...]
    raised_at: datetime
    last_instance_at: datetime
    study_url: str
    acknowledge_url: str = ""
    bundle: str = ""
    bundle_version: str = ""
    is_test: bool = False

    @property
    def read_by(self) -> str:
        """Name and version of the bundle; "" where no result is spoken of."""
        return f"{self.bundle} {self.bundle_version}".strip()

    @property
    def title(self) -> str:
        """What was read, as part of a sentence."""
        return _UNREAD if self.reading is None else self.reading.report.title

    @property
    def procedure(self) -> Code:
        """What was read, as a code."""
        if self.reading is None:
            return codes.DIAGNOSTIC_IMAGING_STUDY
        return self.reading.report.procedure


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a channel's receiver answered when it took a notice.

    Attributes
    ----------
    code : in the receiver's own terms: "AA", "201", "0x0000"
    reference : what it calls our notice from now on, for example a work item's UID
    acknowledged_by : who has seen it, if the answer says so; "" if not
    """

    code: str
    reference: str = ""
    acknowledged_by: str = ""


class FlagChannel(Protocol):
    """One receiver. An object lives as long as its process, so it may keep a connection."""

    def send(self, notice: Notice, now: datetime) -> Receipt:
        """Tell the receiver, once.

        Raises
        ------
        PeerRefused
            It said no for good; a person must change something first.
        PeerUnreachable, PeerBusy
            It may take the notice later.
        """
        ...

    def close(self) -> None:
        """Let go of what is kept open."""
        ...


@runtime_checkable
class KeepsWorkItems(Protocol):
    """A channel that can be asked whether what it made of a notice is taken elsewhere."""

    def state_of(self, reference: str) -> WorkItemState | None:
        """Where the work item of an answer's reference stands; None where that is not said.

        Raises
        ------
        PeerRefused
            It is not there, or we are not told.
        PeerUnreachable, PeerBusy
            It may be told later.
        """
        ...
