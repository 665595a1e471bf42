"""Files that are to be removed: marked with the rows that named them, and settled when gone.

The order is always the same: in one transaction the other rows stop naming the file and a row of
`file_removal` begins to; then the file goes; then that row. Wherever a process dies in between, the
next turn goes on from the rows of `file_removal`.

An instance that arrives at a place that is marked takes the mark away (`unmark`), in the
transaction in which its own file takes the place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from database.accounts.audit import OURSELVES, Actor, StudyReference, record_audit
from database.events import record_event
from database.tables.operation.retention import FileRemoval
from database.tables.study.analysis import Instance, Result, Study
from database.tables.study.quarantine import QuarantinedObject

SPOOL, RESULTS, QUARANTINE, UPLOADS = "spool", "results", "quarantine", "uploads"


@dataclass(frozen=True, slots=True)
class MarkedFile:
    """A file to remove; `path` lies within the folder."""

    folder: str
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class GoneOriginals:
    """Images of a study that go: why, and what their files hold."""

    study_id: int
    because: str
    size_bytes: int


def mark(session: Session, files: Iterable[MarkedFile], now: datetime) -> None:
    """Have files removed that no other row names once this transaction is committed."""
    rows = [
        {"folder": one.folder, "path": one.path, "size_bytes": one.size_bytes, "marked_at": now}
        for one in files
    ]
    if rows:
        insert: Any = (
            postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        )
        session.execute(insert(FileRemoval).on_conflict_do_nothing(), rows)


def unmark(session: Session, folder: str, path: str) -> None:
    """Something new takes a place: what lay there is not removed any more, or is gone by now."""
    session.execute(
        delete(FileRemoval).where(FileRemoval.folder == folder, FileRemoval.path == path)
    )


def take_marked(session: Session, *, limit: int, after: int = 0) -> list[tuple[int, MarkedFile]]:
    """Files to remove, the first marked first, locked until the transaction ends."""
    rows = session.scalars(
        select(FileRemoval)
        .where(FileRemoval.id > after)
        .order_by(FileRemoval.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [(row.id, MarkedFile(row.folder, row.path, row.size_bytes)) for row in rows]


def settle_removed(session: Session, ids: Iterable[int]) -> None:
    """These files are gone."""
    session.execute(delete(FileRemoval).where(FileRemoval.id.in_(list(ids))))


def marked_bytes(session: Session) -> int:
    """What is marked and not removed yet."""
    return int(session.scalar(select(func.coalesce(func.sum(FileRemoval.size_bytes), 0))) or 0)


def lock_study(session: Session, study_id: int) -> None:
    """Nothing arrives for a study until the transaction ends."""
    session.execute(select(Study.id).where(Study.id == study_id).with_for_update(key_share=True))


def lock_studies(session: Session, ids: Collection[int]) -> list[int]:
    """Lock those of several studies that nobody else has: waiting with some in hand may never end.

    Returns
    -------
    Those that are locked until the transaction ends.
    """
    return list(
        session.scalars(
            select(Study.id)
            .where(Study.id.in_(ids))
            .with_for_update(key_share=True, skip_locked=True)
        )
    )


def originals_of(session: Session, study_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """Of each study, where its images are that are still here, and how large each is."""
    found: dict[int, dict[str, int]] = {study_id: {} for study_id in study_ids}
    rows = session.execute(
        select(Instance.study_id, Instance.path, Instance.size_bytes).where(
            Instance.study_id.in_(study_ids), Instance.removed_at.is_(None)
        )
    )
    for study_id, path, size_bytes in rows:
        found[study_id][path] = size_bytes
    return found


def note_originals_removed(
    session: Session, gone: Collection[GoneOriginals], now: datetime
) -> None:
    """The images of locked studies are not named any more: their pages say so."""
    ids = [one.study_id for one in gone]
    here = Instance.study_id.in_(ids), Instance.removed_at.is_(None)
    counted = select(Instance.study_id, func.count()).where(*here).group_by(Instance.study_id)
    images = {row[0]: row[1] for row in session.execute(counted)}
    session.execute(update(Instance).where(*here).values(removed_at=now))
    studies = {
        row.id: StudyReference(row.study_instance_uid, row.patient_id)
        for row in session.execute(
            select(Study.id, Study.study_instance_uid, Study.patient_id).where(Study.id.in_(ids))
        )
    }
    session.execute(update(Study).where(Study.id.in_(ids)).values(originals_removed_at=now))
    for one in gone:
        record_audit(
            session,
            "images_removed",
            now,
            Actor(OURSELVES, "", ""),
            study=studies[one.study_id],
            reason=one.because,
            instances=images.get(one.study_id, 0),
        )
        record_event(
            session,
            "originals_removed",
            now,
            study_id=one.study_id,
            because=one.because,
            images=images.get(one.study_id, 0),
            size_bytes=one.size_bytes,
        )


def note_slices_removed(session: Session, result_ids: Iterable[int], now: datetime) -> None:
    """The slices of these results are not there any more."""
    session.execute(
        update(Result).where(Result.id.in_(list(result_ids))).values(slices_removed_at=now)
    )


def note_files_removed(session: Session, result_id: int, study_id: int, now: datetime) -> None:
    """No file of a result is named any more; its reading stays. Again it changes nothing."""
    gone = session.execute(
        update(Result)
        .where(Result.id == result_id, Result.files_removed_at.is_(None))
        .values(
            files_removed_at=now,
            slices_removed_at=func.coalesce(Result.slices_removed_at, now),
            key_picture=None,
            comparison_file=None,
        )
        .returning(Result.id)
    )
    if gone.one_or_none() is not None:
        record_event(session, "result_files_removed", now, study_id=study_id)


def delete_quarantine(session: Session, ids: Iterable[int]) -> None:
    """Delete rows of objects whose files are marked."""
    session.execute(delete(QuarantinedObject).where(QuarantinedObject.id.in_(list(ids))))
