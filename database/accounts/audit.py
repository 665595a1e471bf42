"""Audit events: who did what, when, from where, and to which study.

The names and what they mean in DICOM (PS3.15 Section A.5, after RFC 3881 and IHE ATNA) are in
`AUDIT_EVENTS`: A.5.3.1 Application Activity, A.5.3.2 Audit Log Used, A.5.3.3 Begin Transferring
DICOM Instances, A.5.3.4 Data Export, A.5.3.5 Data Import, A.5.3.6 DICOM Instances Accessed, A.5.3.7
DICOM Instances Transferred, A.5.3.8 DICOM Study Deleted, A.5.3.10 Query, A.5.3.11 Security Alert,
A.5.3.12 User Authentication. Application Activity is about a program that starts or stops, so a
page without a study has no event there and gets a code of ours. `docs/audit.md` says when each is
recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.audit.chain import FORGOTTEN, REMOVED
from database.audit.seal import seal_at_commit
from database.tables.readers.account import ADDRESS_LENGTH, NAME_LENGTH, AuditEvent
from database.tables.study.analysis import Job, Result, Study
from radiology.codes import PRIVATE_SCHEME

_AT_A_TIME = 1000


@dataclass(frozen=True, slots=True)
class AuditCode:
    """What an event is by the standard.

    Attributes
    ----------
    event_id : code value and meaning (PS3.16 CID 400)
    event_type : the same of the kind of event (PS3.16 CID 401, of an alert CID 403), coding
        scheme DCM; None where there is none
    action : C, R, U, D or E, as in PS3.15 Table A.5.2-1
    scheme : of `event_id`
    """

    event_id: tuple[str, str]
    event_type: tuple[str, str] | None
    action: str
    scheme: str = "DCM"


_AUTHENTICATION = ("110114", "User Authentication")
_SECURITY_ALERT = ("110113", "Security Alert")
_ACCESSED = ("110103", "DICOM Instances Accessed")
_TRANSFERRED = ("110104", "DICOM Instances Transferred")
_ACTIVITY = ("110100", "Application Activity")
_QUERY = AuditCode(("110112", "Query"), None, "E")
_DELETED = AuditCode(("110105", "DICOM Study Deleted"), None, "D")
_NODE = AuditCode(_SECURITY_ALERT, ("110126", "Node Authentication"), "E")
_PAGE_USED = AuditCode(("PAGE_USED", "Page Used"), None, "E", PRIVATE_SCHEME)

AUDIT_EVENTS: dict[str, AuditCode] = {
    "signed_in": AuditCode(_AUTHENTICATION, ("110122", "Login"), "E"),
    "sign_in_failed": AuditCode(_AUTHENTICATION, ("110122", "Login"), "E"),
    "signed_out": AuditCode(_AUTHENTICATION, ("110123", "Logout"), "E"),
    "password_changed": AuditCode(
        _SECURITY_ALERT, ("110137", "User Security Attributes Changed"), "E"
    ),
    "account_changed": AuditCode(
        _SECURITY_ALERT, ("110137", "User Security Attributes Changed"), "E"
    ),
    "not_allowed": AuditCode(_SECURITY_ALERT, ("110132", "Use of Restricted Function"), "E"),
    "worklist_opened": _QUERY,
    "worklist_searched": _QUERY,
    "administration_opened": _PAGE_USED,
    "study_opened": AuditCode(_ACCESSED, None, "R"),
    "study_followed": AuditCode(_ACCESSED, None, "R"),
    "picture_opened": AuditCode(_ACCESSED, None, "R"),
    "study_data_read": AuditCode(_ACCESSED, None, "R"),
    "data_exported": AuditCode(("110106", "Export"), None, "R"),
    "study_changed": AuditCode(_ACCESSED, None, "U"),
    "studies_searched": _QUERY,
    "study_retrieved": AuditCode(_TRANSFERRED, None, "R"),
    "study_stored": AuditCode(_TRANSFERRED, None, "C"),
    FORGOTTEN: _DELETED,
    "images_removed": _DELETED,
    "backup_made": AuditCode(("110106", "Export"), None, "R"),
    "backup_restored": AuditCode(("110107", "Import"), None, "C"),
    "database_moved": AuditCode(("DATABASE_MOVED", "Database Moved"), None, "E", PRIVATE_SCHEME),
    "page_used": _PAGE_USED,
    "process_started": AuditCode(_ACTIVITY, ("110120", "Application Start"), "E"),
    "process_stopped": AuditCode(_ACTIVITY, ("110121", "Application Stop"), "E"),
    "audit_read": AuditCode(("110101", "Audit Log Used"), None, "R"),
    REMOVED: AuditCode(("AUDIT_REMOVED", "Audit Events Removed"), None, "D", PRIVATE_SCHEME),
    "study_received": AuditCode(_TRANSFERRED, None, "C"),
    "transfer_begun": AuditCode(("110102", "Begin Transferring DICOM Instances"), None, "E"),
    "results_sent": AuditCode(_TRANSFERRED, None, "R"),
    "archive_queried": _QUERY,
    "work_items_searched": _QUERY,
    "association_rejected": _NODE,
    "connection_not_secured": _NODE,
}

OURSELVES: Final = "firstread"
"""Who does what nobody has asked for: no account has this name."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, and from where. `reader` is "local" without sign-in, "" when not known."""

    reader: str
    role: str
    address: str

    @property
    def is_ourselves(self) -> bool:
        """Whether nobody has asked for it; a user of the machine, or an AE title, with the same
        name comes from somewhere.
        """
        return self.reader == OURSELVES and not self.address


@dataclass(frozen=True, slots=True)
class StudyReference:
    """Which study, and of which patient."""

    study_instance_uid: str
    patient_id: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One audit event.

    Attributes
    ----------
    event_id : its number in the chain
    sha256 : its hash there
    """

    event_id: int
    at: datetime
    name: str
    succeeded: bool
    actor: Actor
    study: StudyReference | None
    facts: dict[str, Any]
    sha256: str


def record_audit(
    session: Session,
    name: str,
    now: datetime,
    actor: Actor,
    *,
    succeeded: bool = True,
    study: StudyReference | None = None,
    **facts: Any,
) -> None:
    """Add an audit event to the chain, when this session is committed.

    Parameters
    ----------
    name : one of `AUDIT_EVENTS`
    facts : figures, and identifiers of nobody: `firstread forget` leaves them as they are
    """
    if name not in AUDIT_EVENTS:
        raise ValueError(f"not an audit event: {name}")
    seal_at_commit(
        session,
        AuditEvent(
            at=now,
            name=name,
            succeeded=succeeded,
            reader=actor.reader[:NAME_LENGTH],
            role=actor.role,
            address=actor.address[:ADDRESS_LENGTH],
            study_instance_uid=study.study_instance_uid if study else "",
            patient_id=study.patient_id if study else "",
            facts=facts,
        ),
    )


def study_reference(
    session: Session,
    *,
    study_instance_uid: str | None = None,
    result_id: int | None = None,
    job_id: int | None = None,
) -> StudyReference | None:
    """The study that one of these leads to; None when there is none."""
    query = select(Study.study_instance_uid, Study.patient_id)
    if study_instance_uid is not None:
        query = query.where(Study.study_instance_uid == study_instance_uid)
    elif result_id is not None:
        query = query.join(Result, Result.study_id == Study.id).where(Result.id == result_id)
    elif job_id is not None:
        query = query.join(Job, Job.study_id == Study.id).where(Job.id == job_id)
    else:
        return None
    found = session.execute(query).one_or_none()
    return None if found is None else StudyReference(*found)


def audit_events(
    session: Session,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    reader: str | None = None,
    name: str | None = None,
    study_instance_uid: str | None = None,
    after: int = 0,
) -> Iterator[AuditRow]:
    """Audit events that fit, the oldest first, read in pieces: there may be millions.

    Parameters
    ----------
    since, until : from this moment on; before that one
    after : only events with a higher id, for whoever fetches them again and again
    """
    query = select(AuditEvent).order_by(AuditEvent.id).limit(_AT_A_TIME)
    if since is not None:
        query = query.where(AuditEvent.at >= since)
    if until is not None:
        query = query.where(AuditEvent.at < until)
    if reader is not None:
        query = query.where(AuditEvent.reader == reader)
    if name is not None:
        query = query.where(AuditEvent.name == name)
    if study_instance_uid is not None:
        query = query.where(AuditEvent.study_instance_uid == study_instance_uid)
    while True:
        rows = session.scalars(query.where(AuditEvent.id > after)).all()
        for row in rows:
            yield _row(row)
        if len(rows) < _AT_A_TIME:
            return
        after = rows[-1].id
        session.expunge_all()


def _row(row: AuditEvent) -> AuditRow:
    uid = row.study_instance_uid
    return AuditRow(
        event_id=row.id,
        at=row.at,
        name=row.name,
        succeeded=row.succeeded,
        actor=Actor(row.reader, row.role, row.address),
        study=StudyReference(uid, row.patient_id) if uid else None,
        facts=row.facts,
        sha256=row.sha256,
    )
