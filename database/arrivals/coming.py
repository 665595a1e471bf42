"""Studies that images are still coming for, and which have come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.states import StudyState
from database.tables.study.analysis import Instance, Study

_STILL_S: Final = 60.0
"""A study without a new image for so long waits for something else."""


def coming_studies(session: Session, now: datetime) -> list[int]:
    """Studies that are not assembled and got an image lately, the latest one first."""
    return list(
        session.scalars(
            select(Study.id)
            .where(
                Study.state == StudyState.RECEIVED,
                Study.last_instance_at > now - timedelta(seconds=_STILL_S),
            )
            .order_by(Study.last_instance_at.desc(), Study.id)
        )
    )


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
