"""Studies that images are still coming for, and which have come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.states import StudyState
from database.tables.study.analysis import Instance, Study


def coming_studies(session: Session, since: datetime) -> dict[int, datetime]:
    """Studies that are not assembled and got an image since then, the latest one first.

    Returns
    -------
    When the last image came, by the key of the study.
    """
    rows = session.execute(
        select(Study.id, Study.last_instance_at)
        .where(Study.state == StudyState.RECEIVED, Study.last_instance_at > since)
        .order_by(Study.last_instance_at.desc(), Study.id)
    )
    return {one.id: one.last_instance_at for one in rows}


def came_so_far(session: Session, study_id: int) -> list[tuple[int, str]]:
    """The instances of a study, in the order in which they came.

    Returns
    -------
    The key of each, and its path within the spool; without those whose file was removed.
    """
    rows = session.execute(
        select(Instance.id, Instance.path)
        .where(
            Instance.study_id == study_id,
            Instance.removed_at.is_(None),
        )
        .order_by(Instance.id)
    )
    return [(key, path) for key, path in rows]
