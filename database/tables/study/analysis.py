"""The tables of studies, instances, jobs, results and deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from database.states import (
    AssociationEnding,
    DeliveryPurpose,
    DeliveryState,
    JobState,
    ObjectKind,
    ObjectState,
    RejectionReason,
    StudyState,
    WorklistRank,
)
from database.tables.base import AE_TITLE_LENGTH, LABEL_LENGTH, UID_LENGTH, Base, Leased
from radiology.clinical.age_band import AgeBand
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from settings.peers import RequestPriority

BUNDLE_LENGTH = 64  # of a bundle's name, and of its version

# What the list is ordered by (list_order), behind whatever it is filtered by.
_LISTED = ("worklist_rank", "opened", "acknowledged", "received_at")


class Association(Base):
    """One DICOM association with a sender, from acceptance to its end."""

    __tablename__ = "association"
    __table_args__ = (Index("ix_association_last_seen", "calling_ae_title", "accepted_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    calling_ae_title: Mapped[str] = mapped_column(String(AE_TITLE_LENGTH))
    called_ae_title: Mapped[str] = mapped_column(String(AE_TITLE_LENGTH))
    address: Mapped[str] = mapped_column(String(64))
    accepted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ending: Mapped[AssociationEnding | None]


class Study(Base):
    """A study as it was received, and where it stands.

    `version` counts assemblies: it is 0 until the study was first quiet, and grows by one each
    time that instances came late, or that an earlier study to compare it with did. `patient_id`
    and `accession_number` are identifiers; the name is kept in `StudyHeading` where the setting
    shows names, the birth date nowhere outside the received instances. A study that was `asked_for`
    came only because we wanted to compare with it: it is read, but neither listed, counted nor
    delivered. The doctor's phantom is one too, and is delivered (`database.doctor.ticket`).
    `opened` says that a reader has opened it since its last image came; `acknowledged` that it
    stands in the list among what is flagged, and that its flag is acknowledged
    (`database.list_place`). `label` and
    `suspicion` are those of its most urgent result in force, `bundle` is that of its most urgent
    answer. `heading_due_at` asks for its heading to be read again; it is None where that holds what
    the files say. `judgement` is what counts of what readers said of it
    (`database.feedback.given`): a word of `Judgement`, "" where nobody has. `several_patients`
    lists the Patient IDs of a study whose instances contradict each other; the row names nobody
    then (`database.studies.patient`). `corrected_version` is the first version that holds the
    newest corrections: what was read of an earlier one is not sent.
    `originals_removed_at` says when the files of its instances went; None while any is here.
    `awaits` is what a study that has been still for a while waits for before it is assembled: a
    word of `radiology.arrivals.whole.Why`.
    """

    __tablename__ = "study"
    __table_args__ = (
        Index("ix_study_worklist", "asked_for", *_LISTED),
        Index("ix_study_list_by_sex", "asked_for", "patient_sex", *_LISTED),
        Index("ix_study_list_by_age", "asked_for", "age_band", *_LISTED),
        Index("ix_study_list_by_scanner", "asked_for", "calling_ae_title", *_LISTED),
        Index("ix_study_list_by_label", "asked_for", "label", *_LISTED),
        Index("ix_study_list_by_state", "asked_for", "state", *_LISTED),
        Index("ix_study_list_by_judgement", "asked_for", "judgement", *_LISTED),
        Index("ix_study_state", "state", "asked_for"),
        Index("ix_study_last_instance_at", "last_instance_at"),
        Index("ix_study_heading_due_at", "heading_due_at"),
        # Those whose images are here, the oldest first: what retention looks for
        Index("ix_study_originals", "originals_removed_at", "last_instance_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH), unique=True)
    patient_id: Mapped[str] = mapped_column(String(64), default="", index=True)
    issuer_of_patient_id: Mapped[str] = mapped_column(String(64), default="", server_default="")
    accession_number: Mapped[str] = mapped_column(String(64), default="", index=True)
    several_patients: Mapped[str] = mapped_column(Text, default="", server_default="")
    patient_sex: Mapped[str] = mapped_column(String(16), default="")
    patient_age: Mapped[str] = mapped_column(String(4), default="")
    calling_ae_title: Mapped[str] = mapped_column(String(AE_TITLE_LENGTH))
    priority: Mapped[RequestPriority] = mapped_column(default=RequestPriority.ROUTINE)
    state: Mapped[StudyState] = mapped_column(default=StudyState.RECEIVED)
    version: Mapped[int] = mapped_column(default=0)
    corrected_version: Mapped[int] = mapped_column(default=0, server_default="0")
    worklist_rank: Mapped[WorklistRank] = mapped_column(default=WorklistRank.PENDING)
    asked_for: Mapped[bool] = mapped_column(default=False, server_default=false())
    opened: Mapped[bool] = mapped_column(default=False, server_default=false())
    acknowledged: Mapped[bool] = mapped_column(default=False, server_default=false())
    age_band: Mapped[AgeBand] = mapped_column(default=AgeBand.UNKNOWN, server_default="")
    label: Mapped[str] = mapped_column(String(LABEL_LENGTH), default="", server_default="")
    bundle: Mapped[str] = mapped_column(String(BUNDLE_LENGTH), default="", server_default="")
    suspicion: Mapped[float | None]
    judgement: Mapped[str] = mapped_column(String(32), default="", server_default="")
    heading_due_at: Mapped[datetime | None]
    received_at: Mapped[datetime]  # of the first instance
    last_instance_at: Mapped[datetime]
    originals_removed_at: Mapped[datetime | None]
    awaits: Mapped[str] = mapped_column(String(32), default="", server_default="")

    instances: Mapped[list[Instance]] = relationship(back_populates="study")
    jobs: Mapped[list[Job]] = relationship(back_populates="study", order_by="Job.id")


class Instance(Base):
    """One received instance: its bytes are in their place before this row exists.

    They are there until `removed_at`; the row stays, so that one that comes again is known, and
    that no version is read without it.
    """

    __tablename__ = "instance"
    __table_args__ = (Index("ix_instance_study_version", "study_id", "study_version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    association_id: Mapped[int | None] = mapped_column(ForeignKey("association.id"))
    series_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    sop_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH), unique=True)
    sop_class_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    transfer_syntax_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    path: Mapped[str] = mapped_column(Text)  # within the spool folder
    sha256: Mapped[str] = mapped_column(String(64))  # of the encoded data set as it came
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[datetime]
    study_version: Mapped[int | None]  # the first version that holds it; None: not assembled yet
    # A copy with another patient or order has taken its place and is not assembled yet
    corrected: Mapped[bool] = mapped_column(default=False, server_default=false())
    removed_at: Mapped[datetime | None]
    # Its place in the series, as far as it states one: see `radiology.arrivals`
    instance_number: Mapped[int | None]
    position_mm: Mapped[float | None]  # along the normal of its plane
    claimed_instances: Mapped[int | None]  # of its series, by the sender's word

    study: Mapped[Study] = relationship(back_populates="instances")


class Job(Leased, Base):
    """One bundle applied to one version of a study.

    `due_at` orders the queue: the moment of queueing plus what the priority may wait, so an old
    routine job comes before a new urgent job in the end, and no job starves. A worker holds a job
    while `lease_until` lies in the future; `fencing_token` grows with each claim, and a write that
    carries an old token is refused. `bundle` is the bundle's name; `bundle_version` is the version
    that the last attempt ran, "" before one began. `rank` is the place in the list that the end of
    the job asks for: None before it has ended, and where it says nothing of the study.
    """

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("study_id", "study_version", "bundle"),
        Index("ix_job_queue", "state", "due_at"),
        Index("ix_job_log", "queued_at", "claimed_at", "finished_at", "priority"),
    )

    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    study_version: Mapped[int]
    bundle: Mapped[str] = mapped_column(String(BUNDLE_LENGTH))
    bundle_version: Mapped[str] = mapped_column(
        String(BUNDLE_LENGTH), default="", server_default=""
    )
    rank: Mapped[WorklistRank | None]
    state: Mapped[JobState] = mapped_column(default=JobState.QUEUED)
    priority: Mapped[RequestPriority]
    queued_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    looked_at: Mapped[datetime | None]  # before its turn: see database.jobs.first_looks
    claimed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    worker: Mapped[str] = mapped_column(String(128), default="")
    progress_percent: Mapped[int] = mapped_column(default=0)
    error_kind: Mapped[str] = mapped_column(String(64), default="")
    error_message: Mapped[str] = mapped_column(Text, default="")

    study: Mapped[Study] = relationship(back_populates="jobs")
    decisions: Mapped[list[SeriesDecision]] = relationship(back_populates="job")
    result: Mapped[Result | None] = relationship(back_populates="job")


class SeriesDecision(Base):
    """Why a series of the study was chosen for analysis, or why not."""

    __tablename__ = "series_decision"

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), index=True)
    series_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    chosen: Mapped[bool]
    rule: Mapped[str] = mapped_column(String(64))
    seen: Mapped[str] = mapped_column(String(128), default="")
    limit: Mapped[str] = mapped_column(String(128), default="")
    reason: Mapped[str] = mapped_column(Text, default="")

    job: Mapped[Job] = relationship(back_populates="decisions")


class Result(Base):
    """What a job found. Exactly one per job; a newer one of the same bundle supersedes it.

    `label` is the finer class of its first finding that has one, by which the list is filtered.
    """

    __tablename__ = "result"
    __table_args__ = (
        # Each holds all that is asked of it, so that no row with its reading is looked up
        Index("ix_result_made", "created_at", "superseded_by_id", "urgency", "study_id"),
        Index("ix_result_of_study", "study_id", "created_at", "superseded_by_id", "urgency"),
        Index("ix_result_of_bundle", "study_id", "bundle", "study_version"),
        Index("ix_result_slices", "slices_removed_at", "created_at", "id"),
        Index("ix_result_files", "files_removed_at", "created_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), unique=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), index=True)
    study_version: Mapped[int]
    bundle: Mapped[str] = mapped_column(String(BUNDLE_LENGTH), default="", server_default="")
    outcome: Mapped[Outcome]
    urgency: Mapped[Urgency | None]  # None: not assessable
    urgency_rule: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")  # why not assessable
    suspicion: Mapped[float | None]
    label: Mapped[str] = mapped_column(String(LABEL_LENGTH), default="", server_default="")
    reading: Mapped[dict[str, Any]]  # `radiology.answer.stored_reading.to_facts`
    execution_provider: Mapped[str] = mapped_column(String(64), default="")
    key_picture: Mapped[str | None] = mapped_column(Text)  # PNG, within the results folder
    # Within the results folder: what a later study of the patient is compared with.
    comparison_file: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    superseded_by_id: Mapped[int | None] = mapped_column(ForeignKey("result.id"), index=True)
    withdrawn_at: Mapped[datetime | None]
    withdrawal_reason: Mapped[RejectionReason | None]
    slices_removed_at: Mapped[datetime | None]  # the slices for the page
    files_removed_at: Mapped[datetime | None]  # objects, pictures, and what is compared with

    job: Mapped[Job] = relationship(back_populates="result")
    objects: Mapped[list[ResultObject]] = relationship(back_populates="result")
    deliveries: Mapped[list[Delivery]] = relationship(back_populates="result")


class ResultObject(Base):
    """One DICOM object that we made.

    `recipe` says which of the forms of its kind it is, for example "SEG:binary:lesions"; "" for one
    that was made before there were several.
    """

    __tablename__ = "result_object"

    id: Mapped[int] = mapped_column(primary_key=True)
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"), index=True)
    kind: Mapped[ObjectKind]
    recipe: Mapped[str] = mapped_column(String(64), default="", server_default="")
    sop_class_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    sop_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH), index=True)
    series_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    path: Mapped[str] = mapped_column(Text)  # within the results folder
    size_bytes: Mapped[int] = mapped_column(BigInteger)

    result: Mapped[Result] = relationship(back_populates="objects")


class Delivery(Leased, Base):
    """One result, or the note that rejects it, on its way to one destination.

    `attempts` counts how often it was sent, `unanswered` how many of these attempts found nobody,
    `asks` how often storage commitment was asked for.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("result_id", "destination", "purpose"),
        Index("ix_delivery_queue", "state", "due_at"),
        # The few that did not arrive whole, among all that have arrived
        Index(
            "ix_delivery_fault",
            "destination",
            sqlite_where=text("error_kind <> ''"),
            postgresql_where=text("error_kind <> ''"),
        ),
    )

    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"))
    destination: Mapped[str] = mapped_column(String(64))  # the peer's name in the settings
    purpose: Mapped[DeliveryPurpose] = mapped_column(
        default=DeliveryPurpose.RESULT, server_default="result"
    )
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.WAITING)
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    unanswered: Mapped[int] = mapped_column(default=0, server_default="0")
    asks: Mapped[int] = mapped_column(default=0, server_default="0")
    finished_at: Mapped[datetime | None]
    error_kind: Mapped[str] = mapped_column(String(64), default="")
    error_message: Mapped[str] = mapped_column(Text, default="")

    result: Mapped[Result] = relationship(back_populates="deliveries")
    statuses: Mapped[list[DeliveredObject]] = relationship(back_populates="delivery")


class DeliveredObject(Base):
    """One object that a destination is to have, and what it last answered for it.

    A delivery without such rows sends every object of its result.
    """

    __tablename__ = "delivered_object"
    __table_args__ = (UniqueConstraint("delivery_id", "result_object_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    result_object_id: Mapped[int] = mapped_column(ForeignKey("result_object.id"))
    state: Mapped[ObjectState] = mapped_column(
        default=ObjectState.WAITING, server_default="waiting"
    )
    status: Mapped[int | None]  # DIMSE status; None: no presentation context, or not sent
    # why it is refused, or not committed
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    answered_at: Mapped[datetime | None]  # None: not sent yet

    delivery: Mapped[Delivery] = relationship(back_populates="statuses")


class Event(Base):
    """Something that happened to a study: each step with its time, for the page and the log."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_study", "study_id", "id"),
        # All that the scorecard asks of events, so that it reads no row of them
        Index("ix_event_name", "name", "study_id", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime]
    study_id: Mapped[int | None] = mapped_column(ForeignKey("study.id"))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    name: Mapped[str] = mapped_column(String(64))
    facts: Mapped[dict[str, Any]]
