"""Who or what is to be forgotten: its studies, and the identifiers that must not be left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from database.forget.held_by import HeldElsewhere
from database.tables.operation.retention import Forgetting
from database.tables.study.analysis import Study
from database.tables.study.hl7 import ImagingOrder, PatientVisit, ReceivedValue, StudyReport
from radiology.errors import NotForgotten

_PATIENT, _STUDY, _ACCESSION = "patient:", "study:", "accession:"
_HELD = "held_elsewhere"


@dataclass(frozen=True, slots=True)
class ToForget:
    """What is to be forgotten.

    Attributes
    ----------
    asked : the name that it goes by, with "patient:" or "study:" before it
    patient_id : "" where single studies are meant: their patient may have others
    issuer : of the Patient ID, where it was said
    shared : another patient has the same Patient ID, by another issuer: alone it names neither
    patient_ids : that the studies name
    study_ids, study_uids, accession_numbers : of its studies that are here, and of those that an
        attempt before this one has removed already
    """

    asked: str
    patient_id: str
    study_ids: tuple[int, ...]
    study_uids: tuple[str, ...]
    accession_numbers: tuple[str, ...]
    patient_ids: tuple[str, ...] = ()
    issuer: str = ""
    shared: bool = False

    @property
    def identifiers(self) -> tuple[str, ...]:
        """All of them: none may be left."""
        patient = (self.patient_id,) if self.patient_id and not self.shared else ()
        return (*patient, *self.study_uids, *self.accession_numbers)


def to_forget(session: Session, name: str, *, issuer: str | None) -> ToForget:
    """Find what a person means.

    Parameters
    ----------
    name : Study Instance UID, accession number or Patient ID; "study:", "accession:" or "patient:"
        before it says which
    issuer : of the Patient ID; None where only one has used it

    Raises
    ------
    NotForgotten
        Nothing here goes by it, or several things do.
    """
    for prefix in (_PATIENT, _STUDY, _ACCESSION):
        if name.startswith(prefix):
            return _begun_too(session, _of_kind(session, prefix, name.removeprefix(prefix), issuer))
    found = [
        _of_kind(session, prefix, name, issuer)
        for prefix in (_STUDY, _ACCESSION, _PATIENT)
        if _is_known(session, prefix, name)
    ]
    if not found:
        raise NotForgotten(
            "Nothing here goes by this name. A Patient ID that only messages or uploads may name "
            "is searched for with patient: before it"
        )
    if len({(one.patient_id, one.study_ids) for one in found}) > 1:
        raise NotForgotten(
            "It is the accession number of one and the Patient ID of another: put study:, "
            "accession: or patient: before it"
        )
    return _begun_too(session, found[0])


def note_begun(session: Session, what: ToForget, now: datetime) -> None:
    """Keep the identifiers until it is proved that they are gone."""
    row = session.scalar(select(Forgetting).where(Forgetting.asked == what.asked))
    facts = {
        "study_uids": list(what.study_uids),
        "accession_numbers": list(what.accession_numbers),
        "patient_ids": list(what.patient_ids),
        "issuer": what.issuer,
        "shared": what.shared,
    }
    if row is None:
        session.add(Forgetting(asked=what.asked, identifiers=facts, asked_at=now))
    else:
        row.identifiers = {**row.identifiers, **facts}


def note_held(session: Session, what: ToForget, held: Iterable[HeldElsewhere]) -> None:
    """Keep what others have of a study, in the transaction in which its rows go."""
    row = session.scalars(select(Forgetting).where(Forgetting.asked == what.asked)).one()
    before = row.identifiers.get(_HELD, [])
    row.identifiers = {**row.identifiers, _HELD: [*before, *(list(astuple(one)) for one in held)]}


def noted_held(session: Session, what: ToForget) -> tuple[HeldElsewhere, ...]:
    """All of that, also of attempts that did not come to their end."""
    row = session.scalars(select(Forgetting).where(Forgetting.asked == what.asked)).one()
    return tuple(HeldElsewhere(*one) for one in row.identifiers.get(_HELD, []))


def note_ended(session: Session, what: ToForget) -> None:
    """It is proved: the identifiers go too."""
    row = session.scalar(select(Forgetting).where(Forgetting.asked == what.asked))
    if row is not None:
        session.delete(row)


def unfinished_forgettings(session: Session) -> int:
    """How many were begun and are not proved; one that runs counts too."""
    return session.scalar(select(func.count()).select_from(Forgetting)) or 0


def _is_known(session: Session, prefix: str, name: str) -> bool:
    known = session.scalar(select(Study.id).where(_of(prefix, name)).limit(1)) is not None
    asked = (_PATIENT if prefix == _PATIENT else _STUDY) + name
    begun = session.scalar(select(Forgetting.id).where(Forgetting.asked == asked)) is not None
    if prefix == _PATIENT:
        tables: tuple[Any, ...] = (PatientVisit, ImagingOrder, ReceivedValue, StudyReport)
        return (
            known
            or begun
            or any(
                session.scalar(select(one.id).where(one.patient_id == name).limit(1)) is not None
                for one in tables
            )
        )
    return known or begun


def _of(prefix: str, name: str) -> ColumnElement[bool]:
    column = {
        _PATIENT: Study.patient_id,
        _STUDY: Study.study_instance_uid,
        _ACCESSION: Study.accession_number,
    }[prefix]
    return column == name


def _of_kind(session: Session, prefix: str, name: str, issuer: str | None) -> ToForget:
    if not name:
        raise NotForgotten("No identifier is named")
    wanted, shared = [_of(prefix, name)], False
    if prefix == _PATIENT:
        shared = _is_shared(session, name, issuer)
        if issuer is not None:  # of a study without an issuer nobody knows which of two it is of
            issuers = (issuer,) if shared else (issuer, "")
            wanted.append(Study.issuer_of_patient_id.in_(issuers))
    rows = session.execute(
        select(
            Study.id,
            Study.study_instance_uid,
            Study.accession_number,
            Study.patient_id,
            Study.issuer_of_patient_id,
        )
        .where(*wanted)
        .order_by(Study.id)
    ).all()
    if prefix == _ACCESSION and len({row[3:] for row in rows}) > 1:
        raise NotForgotten(
            "Studies of several patients have this accession number: name one by its UID",
            studies=", ".join(row.study_instance_uid for row in rows),
        )
    return ToForget(
        asked=(_PATIENT if prefix == _PATIENT else _STUDY) + name,
        patient_id=name if prefix == _PATIENT else "",
        study_ids=tuple(row.id for row in rows),
        # Where nothing goes by the name any more, the name itself is searched for.
        study_uids=tuple(row.study_instance_uid for row in rows)
        or ((name,) if prefix == _STUDY else ()),
        accession_numbers=tuple(
            dict.fromkeys(row.accession_number for row in rows if row.accession_number)
        )
        or ((name,) if prefix == _ACCESSION else ()),
        patient_ids=tuple(dict.fromkeys(row.patient_id for row in rows if row.patient_id)),
        issuer=issuer or "",
        shared=shared,
    )


def _is_shared(session: Session, name: str, issuer: str | None) -> bool:
    """Whether others have this Patient ID too, by another issuer.

    Raises
    ------
    NotForgotten
        It is not clear who is meant, or a study is of several patients.
    """
    begun = session.scalar(
        select(Forgetting.identifiers).where(Forgetting.asked == _PATIENT + name)
    )
    if begun is not None and begun.get("issuer", "") != (issuer or ""):
        raise NotForgotten(
            "Forgetting this Patient ID has begun and not come to its end: "
            "first call it again as before, with the same --issuer",
            issuer=begun.get("issuer", "") or "none",
        )
    issuers = {
        one
        for table in (Study, PatientVisit, ImagingOrder)
        for one in session.scalars(
            select(table.issuer_of_patient_id).where(table.patient_id == name).distinct()
        )
    } - {""}
    # Of whom an attempt was removing there may be nothing any more, and of the other one there is.
    if issuer and issuers and issuer not in issuers and begun is None:
        raise NotForgotten(
            "Nobody here has this Patient ID by this issuer", issuers=", ".join(sorted(issuers))
        )
    if issuer is None and len(issuers) > 1:
        raise NotForgotten(
            "Two issuers have used this Patient ID: name one with --issuer",
            issuers=", ".join(sorted(issuers)),
        )
    mixed = session.scalars(
        select(Study.study_instance_uid).where(
            or_(
                Study.several_patients == name,
                Study.several_patients.startswith(f"{name}, ", autoescape=True),
                Study.several_patients.contains(f", {name}", autoescape=True),
            )
        )
    ).all()
    if mixed:
        raise NotForgotten(
            "A study has images of this patient and of others: forget it by its UID first",
            studies=", ".join(sorted(mixed)),
        )
    return len(issuers) > 1 or (begun is not None and bool(begun.get("shared")))


def _begun_too(session: Session, found: ToForget) -> ToForget:
    """With what an attempt that did not come to its end has removed."""
    row = session.scalar(select(Forgetting).where(Forgetting.asked == found.asked))
    if row is None:
        return found
    before = row.identifiers
    return replace(
        found,
        study_uids=tuple(dict.fromkeys((*found.study_uids, *before.get("study_uids", ())))),
        accession_numbers=tuple(
            dict.fromkeys((*found.accession_numbers, *before.get("accession_numbers", ())))
        ),
        patient_ids=tuple(dict.fromkeys((*found.patient_ids, *before.get("patient_ids", ())))),
    )
