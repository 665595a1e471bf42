"""Which files rows name, folder by folder: what else lies there is an orphan."""

from __future__ import annotations

from dataclasses import dataclass

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


def named_files(session: Session, study_instance_uid: str) -> NamedFiles:
    """Of a study; nothing is named where there is no such study."""
    study_id = session.scalar(
        select(Study.id).where(Study.study_instance_uid == study_instance_uid)
    )
    if study_id is None:
        return NamedFiles(frozenset(), frozenset(), frozenset())
    instances = session.execute(
        select(Instance.sop_instance_uid, Instance.path, Instance.removed_at).where(
            Instance.study_id == study_id
        )
    ).all()
    results = session.execute(
        select(Result.id, Result.key_picture, Result.comparison_file).where(
            Result.study_id == study_id, Result.files_removed_at.is_(None)
        )
    ).all()
    objects = session.scalars(
        select(ResultObject.path).where(ResultObject.result_id.in_([one.id for one in results]))
    )
    paths = {path for one in results for path in (one.key_picture, one.comparison_file) if path}
    here = [one for one in instances if one.removed_at is None]
    return NamedFiles(
        frozenset(one.sop_instance_uid for one in here),
        frozenset(one.path for one in here),
        frozenset(paths | set(objects)),
    )


def named_in_quarantine(session: Session, paths: list[str]) -> set[str]:
    """Those of the paths that a row names."""
    rows = session.scalars(select(QuarantinedObject.path).where(QuarantinedObject.path.in_(paths)))
    return {path for path in rows if path is not None}
