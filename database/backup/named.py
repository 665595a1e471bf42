"""Which files all rows name, for an archive; and which of them it may do without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from database.backup.rows import Row
from database.retention.facts import studies_with_originals
from database.retention.held import held_back
from database.retention.removals import QUARANTINE, RESULTS, SPOOL
from database.tables.study.analysis import Instance, Result, ResultObject
from database.tables.study.quarantine import QuarantinedObject

_TOGETHER = 1000


@dataclass(frozen=True, slots=True)
class NamedPath:
    """A file that a row names; `path` lies within the folder.

    Attributes
    ----------
    is_picture : a key picture, which other files lie beside
    slices : whether those may be slices for the page
    """

    folder: str
    path: str
    is_picture: bool = False
    slices: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What an archive does without, as if the retention had removed it at the moment `at`.

    Attributes
    ----------
    originals_of : studies whose images are left out
    slices : whether the slices for the page are left out
    """

    at: datetime
    originals_of: frozenset[int] = frozenset()
    slices: bool = False

    def row(self, table: str, row: Row) -> Row:
        """A row as it stands in the archive: it names no file that is not there."""
        at = self.at.isoformat()
        if table == "instance" and row["study_id"] in self.originals_of:
            return {"removed_at": at, **row}
        if table == "study" and row["id"] in self.originals_of:
            return {"originals_removed_at": at, **row}
        if table == "result" and self.slices:
            return {"slices_removed_at": at, **row}
        return row


def originals_to_leave_out(
    session: Session, now: datetime, *, treatment: timedelta
) -> frozenset[int]:
    """Studies whose images nobody here needs any more: those that the retention may remove."""
    return frozenset(
        study.study_id
        for study in studies_with_originals(session, now, before=now)
        if held_back(study, now, treatment=treatment) is None
    )


def named_paths(session: Session, without: LeftOut) -> Iterator[NamedPath]:
    """Every file that rows name, folder by folder."""
    instances = select(Instance.path, Instance.study_id).where(Instance.removed_at.is_(None))
    for path, study_id in session.execute(instances).yield_per(_TOGETHER):
        if study_id not in without.originals_of:
            yield NamedPath(SPOOL, path)
    results = select(Result.key_picture, Result.comparison_file, Result.slices_removed_at).where(
        Result.files_removed_at.is_(None)
    )
    for picture, compared, slices_removed in session.execute(results).yield_per(_TOGETHER):
        if picture is not None:
            slices = slices_removed is None and not without.slices
            yield NamedPath(RESULTS, picture, is_picture=True, slices=slices)
        if compared is not None:
            yield NamedPath(RESULTS, compared)
    objects = (
        select(ResultObject.path)
        .join(Result, Result.id == ResultObject.result_id)
        .where(Result.files_removed_at.is_(None))
    )
    for path in session.scalars(objects).yield_per(_TOGETHER):
        yield NamedPath(RESULTS, path)
    aside = select(QuarantinedObject.path).where(QuarantinedObject.path.is_not(None))
    for kept in session.scalars(aside).yield_per(_TOGETHER):
        if kept is not None:
            yield NamedPath(QUARANTINE, kept)


def named_bytes(session: Session, without: LeftOut) -> int:
    """About how much the named files hold, by what rows know: pictures and slices are not in it."""
    by_study = session.execute(
        select(Instance.study_id, func.sum(Instance.size_bytes))
        .where(Instance.removed_at.is_(None))
        .group_by(Instance.study_id)
    )
    images = sum(int(size) for study_id, size in by_study if study_id not in without.originals_of)
    objects = session.scalar(
        select(func.coalesce(func.sum(ResultObject.size_bytes), 0))
        .join(Result, Result.id == ResultObject.result_id)
        .where(Result.files_removed_at.is_(None))
    )
    aside = session.scalar(
        select(func.coalesce(func.sum(QuarantinedObject.size_bytes), 0)).where(
            QuarantinedObject.path.is_not(None)
        )
    )
    return images + int(objects or 0) + int(aside or 0)
