"""Received instances, the associations that carried them, and what went into quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from database.events import record_event
from database.retention.removals import SPOOL, unmark
from database.states import AssociationEnding, StudyState, WorklistRank
from database.studies.patient import (
    StatedPatient,
    apply_what_was_said,
    note_correction,
    note_stated_patient,
    raise_as_ordered,
)
from database.studies.priorities import MOST_URGENT_FIRST
from database.tables.study.analysis import Association, Instance, Study
from database.tables.study.quarantine import QuarantinedObject
from radiology.arrivals.place import NO_PLACE, ImagePlace
from radiology.clinical.age_band import age_band
from radiology.errors import InstanceConflict
from settings.peers import RequestPriority


class Recorded(Enum):
    """What recording an instance did."""

    NEW = auto()
    DUPLICATE = auto()  # the same object was there already; nothing changed
    CORRECTED = auto()  # the same image was there, of another patient or order


@dataclass(frozen=True, slots=True)
class Arrival:
    """An instance whose bytes have come whole, ready to become a row."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    path: str
    sha256: str
    size_bytes: int
    calling_ae_title: str
    association_id: int | None
    priority: RequestPriority
    patient_id: str = ""
    issuer_of_patient_id: str = ""
    accession_number: str = ""
    patient_sex: str = ""
    patient_age: str = ""
    asked_for: bool = False  # by us, to compare a later study with it, or the doctor's phantom
    place: ImagePlace = NO_PLACE

    @property
    def stated(self) -> StatedPatient:
        """What it says of the patient and the order."""
        return StatedPatient(
            patient_id=self.patient_id,
            issuer_of_patient_id=self.issuer_of_patient_id,
            accession_number=self.accession_number,
            patient_sex=self.patient_sex,
            patient_age=self.patient_age,
        )


def record_instance(session: Session, arrival: Arrival, now: datetime) -> Recorded:
    """Make the row of an instance whose bytes are durable.

    Raises
    ------
    InstanceConflict
        Another object was stored under this SOP Instance UID.
    """
    study = _find_study(session, arrival.study_instance_uid)
    if study is None:
        stored = find_instance(session, arrival.sop_instance_uid)
        if stored is not None:
            return _same_object(stored, arrival)
        study = _make_study(session, arrival, now)
    made = session.execute(
        _insert(session)(Instance)
        .values(
            study_id=study.id,
            association_id=arrival.association_id,
            series_instance_uid=arrival.series_instance_uid,
            sop_instance_uid=arrival.sop_instance_uid,
            sop_class_uid=arrival.sop_class_uid,
            transfer_syntax_uid=arrival.transfer_syntax_uid,
            path=arrival.path,
            sha256=arrival.sha256,
            size_bytes=arrival.size_bytes,
            received_at=now,
            instance_number=arrival.place.number,
            position_mm=arrival.place.position_mm,
            claimed_instances=arrival.place.claimed,
        )
        .on_conflict_do_nothing(index_elements=["sop_instance_uid"])
        .returning(Instance.id)
    ).scalar()
    if made is None:
        stored = find_instance(session, arrival.sop_instance_uid)
        assert stored is not None
        if stored.removed_at is not None and stored.study_id == study.id:
            _come_back(session, study, stored, arrival, now)
            return Recorded.NEW
        recorded = _same_object(stored, arrival)
        if study.asked_for and not arrival.asked_for:
            _want_for_itself(session, study, arrival, now)
        return recorded
    unmark(session, SPOOL, arrival.path)
    if study.asked_for and not arrival.asked_for:
        _want_for_itself(session, study, arrival, now)
    note_stated_patient(session, study, arrival.stated, now)
    _await_assembly(study, now)
    study.priority = min(study.priority, arrival.priority, key=MOST_URGENT_FIRST.index)
    return Recorded.NEW


def _come_back(
    session: Session, study: Study, stored: Instance, arrival: Arrival, now: datetime
) -> None:
    """An instance whose file was removed is sent again: it is no duplicate, for nothing is here.

    The study is read again, as a version of its own. Only what we have fetched ourselves, to
    compare a later study with it, is put back and no more: its result stands.
    """
    another = stored.sha256 != arrival.sha256
    if another and arrival.asked_for:
        raise InstanceConflict(sop_instance_uid=arrival.sop_instance_uid)
    unmark(session, SPOOL, arrival.path)
    if study.originals_removed_at is not None:
        study.originals_removed_at = None
        record_event(session, "originals_came_again", now, study_id=study.id)
    stored.path, stored.sha256, stored.size_bytes = arrival.path, arrival.sha256, arrival.size_bytes
    stored.series_instance_uid = arrival.series_instance_uid
    stored.transfer_syntax_uid = arrival.transfer_syntax_uid
    stored.association_id, stored.received_at = arrival.association_id, now
    stored.removed_at = None
    if arrival.asked_for and not study.asked_for:
        return
    if study.asked_for and not arrival.asked_for:
        _want_for_itself(session, study, arrival, now)
    stored.study_version = None
    if another:
        # The image before may have been of another patient, and cannot be looked at any more.
        stored.corrected = True
        note_correction(session, study, arrival.stated, now)
    else:
        note_stated_patient(session, study, arrival.stated, now)
    _await_assembly(study, now)
    study.priority = min(study.priority, arrival.priority, key=MOST_URGENT_FIRST.index)


def correct_instance(session: Session, arrival: Arrival, now: datetime) -> None:
    """Put a copy with another patient or order in the place of a stored instance.

    Parameters
    ----------
    arrival : of the same image, its bytes durable at a place of their own; those of the old copy
        stay where they are

    Raises
    ------
    InstanceConflict
        The stored instance belongs to another study or series.
    """
    study = _find_study(session, arrival.study_instance_uid)
    stored = find_instance(session, arrival.sop_instance_uid)
    if (
        study is None
        or stored is None
        or stored.study_id != study.id
        or stored.series_instance_uid != arrival.series_instance_uid
    ):
        raise InstanceConflict(sop_instance_uid=arrival.sop_instance_uid)
    unmark(session, SPOOL, arrival.path)
    stored.path, stored.sha256, stored.size_bytes = arrival.path, arrival.sha256, arrival.size_bytes
    stored.transfer_syntax_uid = arrival.transfer_syntax_uid
    stored.association_id = arrival.association_id
    stored.corrected = True
    note_correction(session, study, arrival.stated, now)
    _await_assembly(study, now)


def _await_assembly(study: Study, now: datetime) -> None:
    """A locked study has images that no version holds: it is assembled when it is quiet."""
    study.last_instance_at = max(study.last_instance_at, now)
    study.state = StudyState.RECEIVED
    study.opened = False  # whoever has seen it has seen other images
    if study.worklist_rank is WorklistRank.ROUTINE:
        study.worklist_rank = WorklistRank.PENDING  # "routine" was said of other images


def _want_for_itself(session: Session, study: Study, arrival: Arrival, now: datetime) -> None:
    """A study that we had asked for was now sent to be read: it is listed and delivered after all.

    Its next version is assembled of what is there, though not one instance of it be new.
    """
    study.asked_for = False
    study.state = StudyState.RECEIVED
    study.last_instance_at = max(study.last_instance_at, now)
    study.calling_ae_title = arrival.calling_ae_title
    study.priority = arrival.priority
    raise_as_ordered(session, study, now)


def _same_object(stored: Instance, arrival: Arrival) -> Recorded:
    if stored.sha256 != arrival.sha256:
        raise InstanceConflict(sop_instance_uid=arrival.sop_instance_uid)
    return Recorded.DUPLICATE


def find_instance(session: Session, sop_instance_uid: str) -> Instance | None:
    """The instance with this UID, if we hold it."""
    return session.scalar(select(Instance).where(Instance.sop_instance_uid == sop_instance_uid))


def _find_study(session: Session, study_instance_uid: str) -> Study | None:
    """The study's row, locked, but not against references: see `database.studies.patient`."""
    return session.scalar(
        select(Study)
        .where(Study.study_instance_uid == study_instance_uid)
        .with_for_update(key_share=True)
    )


def _make_study(session: Session, arrival: Arrival, now: datetime) -> Study:
    """The study's row, made with its first instance, and locked.

    Two associations may bring the first instance of a study at once: the insert that comes second
    does nothing, and both go on with the same row.
    """
    made = session.execute(
        _insert(session)(Study)
        .values(
            study_instance_uid=arrival.study_instance_uid,
            patient_id=arrival.patient_id,
            issuer_of_patient_id=arrival.issuer_of_patient_id,
            accession_number=arrival.accession_number,
            patient_sex=arrival.patient_sex,
            patient_age=arrival.patient_age,
            age_band=age_band(arrival.patient_age),
            calling_ae_title=arrival.calling_ae_title,
            priority=arrival.priority,
            state=StudyState.RECEIVED,
            version=0,
            worklist_rank=WorklistRank.PENDING,
            asked_for=arrival.asked_for,
            opened=False,
            label="",
            heading_due_at=now,
            received_at=now,
            last_instance_at=now,
        )
        .on_conflict_do_nothing(index_elements=["study_instance_uid"])
        .returning(Study.id)
    ).scalar()
    study = _find_study(session, arrival.study_instance_uid)
    assert study is not None
    if made is not None:
        record_event(session, "received", now, study_id=study.id)
        apply_what_was_said(session, study, now)
    return study


def _insert(session: Session) -> Any:
    # Only the dialects' own INSERT knows ON CONFLICT DO NOTHING
    return postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert


def record_quarantine(
    session: Session,
    now: datetime,
    *,
    calling_ae_title: str,
    association_id: int | None,
    error_kind: str,
    reason: str,
    status: int,
    path: str | None,
    size_bytes: int,
) -> None:
    """Note an object that was not stored, why, and where its bytes are kept."""
    session.add(
        QuarantinedObject(
            association_id=association_id,
            calling_ae_title=calling_ae_title,
            received_at=now,
            error_kind=error_kind,
            reason=reason,
            status=status,
            path=path,
            size_bytes=size_bytes,
        )
    )


def open_association(
    session: Session, now: datetime, *, calling_ae_title: str, called_ae_title: str, address: str
) -> int:
    """Note an accepted association; returns its id."""
    association = Association(
        calling_ae_title=calling_ae_title,
        called_ae_title=called_ae_title,
        address=address,
        accepted_at=now,
    )
    session.add(association)
    session.flush()  # the id is needed by the instances that follow
    return association.id


def end_association(
    session: Session, association_id: int, ending: AssociationEnding, now: datetime
) -> None:
    """Note how an association ended, once: what comes after the first ending is an echo."""
    session.execute(
        update(Association)
        .where(Association.id == association_id, Association.ended_at.is_(None))
        .values(ended_at=now, ending=ending)
    )
