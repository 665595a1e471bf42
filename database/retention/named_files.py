"""Which files rows name, folder by folder: what else lies there is an orphan."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.tables.study.analysis import Instance, Result, ResultObject, Study
from database.tables.study.quarantine import QuarantinedObject


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """What rows say of the files of one study.

    Attributes
    ----------
    instances : SOP Instance UIDs that the study has; an older copy of a corrected one lies beside
        the one in force, and is named by its UID alone
    here : paths, within the spool, of the instances whose files are to be there
    results : paths, within the results folder; of a picture, its own
    """

    instances: frozenset[str]
    here: frozenset[str]
    results: frozenset[str]


NOTHING_NAMED: Final = NamedFiles(frozenset(), frozenset(), frozenset())


def named_files(session: Session, study_instance_uids: Collection[str]) -> dict[str, NamedFiles]:
    """Of each of these studies that there is."""
    studies = session.execute(
        select(Study.id, Study.study_instance_uid).where(
            Study.study_instance_uid.in_(study_instance_uids)
        )
    ).all()
    ids = [one.id for one in studies]
    instances: dict[int, set[str]] = {study_id: set() for study_id in ids}
    here: dict[int, set[str]] = {study_id: set() for study_id in ids}
    results: dict[int, set[str]] = {study_id: set() for study_id in ids}
    for study_id, sop_instance_uid, path in session.execute(
        select(Instance.study_id, Instance.sop_instance_uid, Instance.path).where(
            Instance.study_id.in_(ids), Instance.removed_at.is_(None)
        )
    ):
        instances[study_id].add(sop_instance_uid)
        here[study_id].add(path)
    kept = Result.study_id.in_(ids), Result.files_removed_at.is_(None)
    beside = select(Result.study_id, Result.key_picture, Result.comparison_file).where(*kept)
    for study_id, *paths in session.execute(beside):
        results[study_id].update(filter(None, paths))
    objects = select(Result.study_id, ResultObject.path).join(
        ResultObject, ResultObject.result_id == Result.id
    )
    for study_id, path in session.execute(objects.where(*kept)):
        results[study_id].add(path)
    return {
        one.study_instance_uid: NamedFiles(
            frozenset(instances[one.id]), frozenset(here[one.id]), frozenset(results[one.id])
        )
        for one in studies
    }


def named_in_quarantine(session: Session, paths: list[str]) -> set[str]:
    """Those of the paths that a row names."""
    rows = session.scalars(select(QuarantinedObject.path).where(QuarantinedObject.path.in_(paths)))
    return {path for path in rows if path is not None}
