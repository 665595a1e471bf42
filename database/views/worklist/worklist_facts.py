"""The values that the worklist page shows: frozen copies of rows.

They carry no session, so a template can neither change a row nor query for more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from database.states import (
    DeliveryPurpose,
    DeliveryState,
    JobState,
    ObjectKind,
    ObjectState,
    RejectionReason,
    StudyState,
    WorklistRank,
)
from database.views.flag_pages import ListedFlag
from radiology.feedback import Fault
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from settings.peers import RequestPriority


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """A study as it was received, and where it stands."""

    id: int
    study_instance_uid: str
    patient_id: str
    several_patients: str  # whom its images name, where they name more than one; else ""
    accession_number: str
    patient_sex: str
    patient_age: str
    calling_ae_title: str
    priority: RequestPriority
    state: StudyState
    version: int
    worklist_rank: WorklistRank
    opened: bool  # by a reader, since its last image came
    acknowledged: bool  # its flag, while the list shows it among what is flagged
    received_at: datetime
    last_instance_at: datetime
    awaits: str  # what keeps it from being assembled: a word of `Why`, "" where nothing is said
    issuer_of_patient_id: str = ""


@dataclass(frozen=True, slots=True)
class HeadingFacts:
    """What the headers of a study say that the list shows; "" where it is not known.

    Attributes
    ----------
    patient_name : only where the setting shows names
    scanned_at : YYYY-MM-DDTHH:MM:SS, or the date alone
    """

    patient_name: str = field(repr=False)
    scanned_at: str
    study_description: str
    series_description: str
    body_part: str


NO_HEADING = HeadingFacts("", "", "", "", "")
"""Of a study whose files have not been looked at yet."""


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """Why a series was chosen, or why not."""

    series_instance_uid: str
    chosen: bool
    rule: str
    seen: str
    limit: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobFacts:
    """One analysis. `decisions` is empty where a list is shown."""

    id: int
    study_version: int
    bundle: str
    bundle_version: str  # "" before an attempt began
    state: JobState
    queued_at: datetime
    due_at: datetime
    lease_until: datetime | None
    claimed_at: datetime | None
    finished_at: datetime | None
    attempts: int
    worker: str
    progress_percent: int
    error_kind: str
    error_message: str
    decisions: tuple[DecisionFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """One DICOM object of a result and what a destination answered for it."""

    kind: ObjectKind
    sop_instance_uid: str
    size_bytes: int
    state: ObjectState
    status: int | None  # DIMSE status; None: not sent, or no presentation context
    reason: str  # why it is refused, or not committed
    answered_at: datetime | None  # None: not sent yet


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """One result on its way to one destination. `objects` is empty where a list is shown."""

    id: int
    destination: str
    purpose: DeliveryPurpose
    state: DeliveryState
    due_at: datetime
    lease_until: datetime | None
    attempts: int
    asks: int
    finished_at: datetime | None
    error_kind: str
    error_message: str
    objects: tuple[ObjectFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class ResultFacts:
    """What a job found. `reading` is what was stored: `models.older_readings` reads it."""

    id: int
    job_id: int
    study_version: int
    bundle: str
    outcome: Outcome
    urgency: Urgency | None
    urgency_rule: str
    reason: str
    suspicion: float | None
    reading: Mapping[str, Any]
    execution_provider: str
    key_picture: str | None
    created_at: datetime
    superseded_by_id: int | None
    withdrawn_at: datetime | None
    withdrawal_reason: RejectionReason | None
    files_removed_at: datetime | None
    bundle_version: str = ""
    deliveries: tuple[DeliveryFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class EventFacts:
    """Something that happened, and when."""

    at: datetime
    job_id: int | None
    name: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenBy:
    """A reader who has a study open, and since when."""

    reader: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What a reader finds wrong, by the opinion that counts for the study.

    `current` says that it is about the result in force, and not about an earlier one.
    """

    faults: tuple[Fault, ...]
    current: bool


@dataclass(frozen=True, slots=True)
class Agreed:
    """That the opinion that counts for the study finds nothing wrong; `current` as above."""

    current: bool


@dataclass(frozen=True, slots=True)
class BundleAnswer:
    """What one bundle says of a study: its newest job, and its result in force.

    Attributes
    ----------
    state : of the job, as that of a study
    rank : the place in the list that the study has for this bundle; None: it says nothing
    current : whether the job is about the newest images
    superseded : results that a newer result has replaced
    """

    bundle: str
    state: StudyState
    rank: WorklistRank | None
    current: bool
    job: JobFacts
    result: ResultFacts | None
    superseded: int


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """One line of the list: the study, and what its most urgent bundle says.

    `answers` are those of all bundles, the most urgent first; `job`, `result`, `superseded` and
    `current` are those of the first one. `open_by`, `disagreement`, `agreement` and
    `flag` are empty where a study is shown alone.
    """

    study: StudyFacts
    job: JobFacts | None
    result: ResultFacts | None
    superseded: int  # results that a newer one took the place of
    current: bool = True  # whether the job is about the newest images
    answers: tuple[BundleAnswer, ...] = ()
    open_by: tuple[OpenBy, ...] = ()
    disagreement: Disagreement | None = None
    agreement: Agreed | None = None
    flag: ListedFlag | None = None
    heading: HeadingFacts = NO_HEADING

    def of(self, answer: BundleAnswer) -> WorklistRow:
        """The same study as if this were the only answer."""
        rank = WorklistRank.UNANSWERED if answer.rank is None else answer.rank
        arriving = self.study.state is StudyState.RECEIVED
        state = self.study.state if arriving else answer.state
        return replace(
            self,
            study=replace(self.study, state=state, worklist_rank=rank),
            job=answer.job,
            result=answer.result,
            superseded=answer.superseded,
            current=answer.current,
        )


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the list's order; the next page begins after it."""

    due_at: datetime  # as list_order says
    study_id: int


@dataclass(frozen=True, slots=True)
class WorklistPage:
    """Some rows in the list's order. `following` is None on the last page."""

    rows: tuple[WorklistRow, ...]
    following: Position | None


@dataclass(frozen=True, slots=True)
class SortedPage:
    """Some rows in another order. `following` is the last study, None on the last page."""

    rows: tuple[WorklistRow, ...]
    following: int | None


@dataclass(frozen=True, slots=True)
class StudyPage:
    """Everything about one study; jobs and results newest first, events in their order."""

    row: WorklistRow
    jobs: tuple[JobFacts, ...]
    results: tuple[ResultFacts, ...]
    events: tuple[EventFacts, ...]
    instances: int
    series: int
    originals_removed_at: datetime | None = None  # from here; other archives keep theirs


@dataclass(frozen=True, slots=True)
class QuarantineFacts:
    """An object that was not stored."""

    id: int
    calling_ae_title: str
    received_at: datetime
    error_kind: str
    reason: str
    status: int
    size_bytes: int
