"""The instances that we hold, originals and results in force, as DICOMweb shows them.

A result that was withdrawn or superseded has no objects here, as it has no answer on the page; nor
has a note that rejects one. Read-only; each query brings a bounded number of rows or those of one
study.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from database.states import ObjectKind
from database.tables.study.analysis import Instance, Result, ResultObject, Study
from database.unindexed import unindexed

_ESCAPE = "\\"


class Folder(Enum):
    """Where the file of an instance lies."""

    SPOOL = auto()
    RESULTS = auto()


@dataclass(frozen=True, slots=True)
class HeldInstance:
    """One instance with its file.

    Attributes
    ----------
    path : within `folder`
    transfer_syntax_uid : "" where only the file says it
    removed : its file has gone by its age or a mark, as its row says
    """

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    folder: Folder
    path: str
    removed: bool = False


@dataclass(frozen=True, slots=True)
class HeldStudy:
    """One study, as its row says."""

    study_id: int
    study_instance_uid: str
    received_at: datetime


def held_instances(
    session: Session, study_instance_uids: Collection[str], *, only_here: bool = False
) -> Mapping[str, tuple[HeldInstance, ...]]:
    """Every instance of some studies, by study: originals as they came, then results.

    Parameters
    ----------
    only_here : without those whose files have gone: of most studies of a year there are no others
    """
    found: dict[str, list[HeldInstance]] = {uid: [] for uid in study_instance_uids}
    studies = session.execute(
        select(Study.id, Study.study_instance_uid).where(
            Study.study_instance_uid.in_(study_instance_uids)
        )
    )
    uids: dict[int, str] = dict(studies.all())
    originals = select(
        Instance.study_id,
        Instance.series_instance_uid,
        Instance.sop_instance_uid,
        Instance.sop_class_uid,
        Instance.transfer_syntax_uid,
        Instance.path,
        Instance.removed_at.is_not(None),
    ).where(Instance.study_id.in_(uids))
    results = (
        select(
            Result.study_id,
            ResultObject.series_instance_uid,
            ResultObject.sop_instance_uid,
            ResultObject.sop_class_uid,
            ResultObject.path,
            Result.files_removed_at.is_not(None),
        )
        .join(Result, Result.id == ResultObject.result_id)
        .where(Result.study_id.in_(uids), unindexed(_in_force()))
    )
    if only_here:
        originals = originals.where(Instance.removed_at.is_(None))
        results = results.where(unindexed(Result.files_removed_at.is_(None)))
    for study, series, sop, sop_class, syntax, path, gone in session.execute(
        originals.order_by(Instance.id)
    ):
        uid = uids[study]
        held = HeldInstance(uid, series, sop, sop_class, syntax, Folder.SPOOL, path, gone)
        found[uid].append(held)
    for study, series, sop, sop_class, path, gone in session.execute(
        results.order_by(ResultObject.id)
    ):
        uid = uids[study]
        held = HeldInstance(uid, series, sop, sop_class, "", Folder.RESULTS, path, gone)
        found[uid].append(held)
    return {uid: tuple(of_study) for uid, of_study in found.items()}


def _in_force() -> ColumnElement[bool]:
    return and_(
        Result.superseded_by_id.is_(None),
        Result.withdrawn_at.is_(None),
        ResultObject.kind != ObjectKind.REJECTION,
    )


@dataclass(frozen=True, slots=True)
class StudyFilter:
    """What rows can say of a study, to narrow a search before any file is read.

    Attributes
    ----------
    study_instance_uids : one of these; None: any
    patient_id, accession_number : with * and ? as in PS3.4 Section C.2.2.2.4; "": any
    """

    study_instance_uids: Collection[str] | None = None
    patient_id: str = ""
    accession_number: str = ""


def held_studies(
    session: Session, wanted: StudyFilter, *, before: int | None, most: int
) -> list[HeldStudy]:
    """Studies that the rows let pass and that have a file here, the newest first.

    What we fetched only to compare with is found by its UID alone, as on the page.

    Parameters
    ----------
    before : only studies with a lower number than this one, to go on after a first piece
    most : how many at the most
    """
    has_files = (
        select(Result.id)
        .where(Result.study_id == Study.id, unindexed(Result.files_removed_at.is_(None)))
        .correlate(Study)
        .exists()
    )
    chosen = select(Study.id, Study.study_instance_uid, Study.received_at).where(
        Study.originals_removed_at.is_(None) | has_files
    )
    if wanted.study_instance_uids is None:
        chosen = chosen.where(Study.asked_for.is_(False))
    else:
        chosen = chosen.where(Study.study_instance_uid.in_(wanted.study_instance_uids))
    for column, value in (
        (Study.patient_id, wanted.patient_id),
        (Study.accession_number, wanted.accession_number),
    ):
        if value:
            # With SQLite also what differs in case; whoever asks looks at what is found.
            chosen = chosen.where(column.like(_pattern(value), escape=_ESCAPE))
    if before is not None:
        chosen = chosen.where(Study.id < before)
    rows = session.execute(chosen.order_by(Study.id.desc()).limit(most))
    return [HeldStudy(*row) for row in rows]


def _pattern(value: str) -> str:
    """The same wildcards as SQL has them."""
    for letter in (_ESCAPE, "%", "_"):
        value = value.replace(letter, _ESCAPE + letter)
    return value.replace("*", "%").replace("?", "_")
