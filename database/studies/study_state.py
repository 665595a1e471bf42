"""Writes what a study shows of its job: state, rank on the worklist page, type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from database.states import StudyState, WorklistRank
from database.tables.analysis import Study

_SUSPECTED_RANKS = (WorklistRank.URGENT, WorklistRank.SUSPECTED)


def show_on_study(
    session: Session,
    study_id: int,
    study_version: int,
    state: StudyState,
    rank: WorklistRank | None = None,
) -> None:
    """Show a job's state on its study, unless newer instances have come since.

    The rank follows from the newest result even then: an urgent first result must not wait for
    the late half of its study. A newer version without an answer does not take an urgent rank away.
    """
    session.execute(
        update(Study)
        .where(
            Study.id == study_id,
            Study.version == study_version,
            Study.state != StudyState.RECEIVED,
        )
        .values(state=state)
        .execution_options(synchronize_session=False)
    )
    if rank is not None:
        keeps = _SUSPECTED_RANKS if rank is WorklistRank.UNANSWERED else ()
        session.execute(
            update(Study)
            .where(
                Study.id == study_id,
                Study.version == study_version,
                Study.worklist_rank.not_in(keeps),
            )
            .values(worklist_rank=rank)
            .execution_options(synchronize_session=False)
        )


def show_finding(session: Session, study_id: int, reading: Mapping[str, Any]) -> None:
    """Keep beside the study what the list is filtered by: the type that its result in force says.

    Parameters
    ----------
    reading : `Reading.facts()`; empty when no result is in force
    """
    session.execute(
        update(Study)
        .where(Study.id == study_id)
        .values(pneumonia_type=str(reading.get("pneumonia_type") or ""))
        .execution_options(synchronize_session="fetch")
    )
