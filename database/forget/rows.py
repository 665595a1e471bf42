"""Deletes every row of a study, and what messages have said of a patient.

One study is one transaction: its rows go, its files are marked, and an event without a study says
so, which also wakes pages that show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table, delete, or_, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from database.accounts.audit import Actor, record_audit
from database.audit.chain import in_ranges
from database.audit.seal import chain_ends
from database.events import record_event
from database.forget.named import ToForget
from database.tables.every import METADATA
from database.tables.readers.account import AuditEvent, ListSearch
from database.tables.readers.upload import Upload
from database.tables.readers.work_item import WorkItemRow, WorkItemSubscription
from database.tables.study.analysis import Study
from database.tables.study.hl7 import ImagingOrder, PatientVisit, ReceivedValue, StudyReport
from database.tables.study.prior import RequestedPrior
from database.tables.study.quarantine import QuarantinedObject

_DEADLOCK = "40P01"  # PostgreSQL's SQLSTATE


class WrittenMeanwhile(Exception):
    """Somebody has added a row to what was about to go, or waited for us while we did for them.

    PostgreSQL alone has several writers: a reader says what she thinks of a result, a worker notes
    an event, and neither has to wait for the lock of the study.
    """


def delete_study(session: Session, study_id: int, now: datetime) -> None:
    """Delete every row of a locked study; its files are marked by whoever calls this.

    Whatever refers to the study goes, and whatever refers to that: also tables of which nobody
    thinks here. Two more name it without a reference.

    Raises
    ------
    WrittenMeanwhile
        The transaction has failed; another one will see what came.
    """
    uid = session.scalars(select(Study.study_instance_uid).where(Study.id == study_id)).one()
    item_uids = select(WorkItemRow.sop_instance_uid).where(WorkItemRow.study_id == study_id)
    _delete(session, WorkItemSubscription.subject_uid, item_uids)
    _delete(session, RequestedPrior.study_instance_uid, [uid])
    try:
        _delete_tree(session, cast("Table", Study.__table__), [study_id])
    except IntegrityError as error:
        raise WrittenMeanwhile from error
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != _DEADLOCK:
            raise
        raise WrittenMeanwhile from error
    record_event(session, "study_forgotten", now)


def delete_said(session: Session, what: ToForget) -> None:
    """Delete what HL7 messages have said of a patient, or of orders.

    Where another patient has the same Patient ID, only rows with the issuer, or with an accession
    number, are known to be of this one. Orders under an accession number go only where they name
    no other patient. Searches of the list that are kept for some hours go whole: what was typed
    may be a name.
    """
    session.execute(delete(ListSearch))
    named: list[tuple[Any, ColumnElement[bool]]] = []
    if what.patient_id:
        for table in (ImagingOrder, PatientVisit):
            known = table.patient_id == what.patient_id
            if what.shared:
                known &= table.issuer_of_patient_id == what.issuer
            named.append((table, known))
        if not what.shared:
            named += [
                (table, table.patient_id == what.patient_id)
                for table in (ReceivedValue, StudyReport)
            ]
    named += [
        (
            table,
            table.accession_number.in_(what.accession_numbers)
            & table.patient_id.in_(("", *what.patient_ids)),
        )
        for table in (ImagingOrder, StudyReport)
    ]
    for table, rows in named:
        session.execute(delete(table).where(rows))


def delete_aside(session: Session, *, quarantine: Iterable[int], uploads: Iterable[int]) -> None:
    """Delete rows of the quarantine and of uploads whose files are marked."""
    _delete(session, QuarantinedObject.id, list(quarantine))
    _delete(session, Upload.id, list(uploads))


def without_identifiers(
    session: Session, *, patient_id: str, study_uids: Iterable[str]
) -> tuple[str, str]:
    """Let audit events about them name nobody.

    Who did what, from where and when, stays: the law asks for it (docs/decisions, 0045). That the
    events are of one patient or study stays to be seen too, by a number that nobody else has. Their
    salt goes with the identifiers, so that nobody can try identifiers until one fits.

    Returns
    -------
    What they are called by from now on; and which events these are, for `audit_forgotten`.
    """
    uids = list(study_uids)
    named: list[ColumnElement[bool]] = [AuditEvent.study_instance_uid.in_(uids)]
    if patient_id:
        named.append(AuditEvent.patient_id == patient_id)
    # Until the commit nobody else adds an event, so the number is the one of `audit_forgotten`.
    called = f"forgotten-{chain_ends(session, lock=True).last_id + 1}"
    events = session.scalars(select(AuditEvent.id).where(or_(*named)).order_by(AuditEvent.id)).all()
    session.execute(
        update(AuditEvent)
        .where(or_(*named))
        .values(study_instance_uid=called, patient_id="" if not patient_id else called, salt="")
    )
    return called, in_ranges(events)


def audit_forgotten(
    session: Session,
    actor: Actor,
    now: datetime,
    *,
    called: str,
    events: str,
    studies: int,
    files: int,
    size_bytes: int,
) -> None:
    """Note who has forgotten something, when, how much it was, and in which events; not whom."""
    record_audit(
        session,
        "record_forgotten",
        now,
        actor,
        called=called,
        events=events,
        studies=studies,
        files=files,
        size_bytes=size_bytes,
    )


def _delete(session: Session, column: Any, values: Select[Any] | list[Any]) -> None:
    session.execute(
        delete(column.class_).where(column.in_(values)).execution_options(synchronize_session=False)
    )


def _delete_tree(session: Session, table: Table, ids: Sequence[Any]) -> None:
    """Delete rows by their keys, and before them whatever refers to them."""
    if not ids:
        return
    for child in METADATA.sorted_tables:
        for column in child.columns:
            if not any(one.column.table is table for one in column.foreign_keys):
                continue
            if child is table:  # a result refers to the one that supersedes it
                session.execute(update(child).where(column.in_(ids)).values({column: None}))
                continue
            (key,) = child.primary_key.columns
            _delete_tree(session, child, session.scalars(select(key).where(column.in_(ids))).all())
    (key,) = table.primary_key.columns
    session.execute(delete(table).where(key.in_(ids)))
