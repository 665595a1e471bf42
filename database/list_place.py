"""Keeps in step with its flag where a study stands in the list.

Among studies of one urgency those come first whose flag nobody has acknowledged (`list_order`). The
list is read through indexes of the study's own row, so the row says it too.

Whoever changes a flag locks the study before it, as whoever stores a result does: two that did it
the other way round would wait for each other.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, ScalarSelect, and_, select, update
from sqlalchemy.orm import Session

from database.flag_states import FlagState
from database.states import WorklistRank
from database.tables.readers.flag import Flag
from database.tables.study.analysis import Study

FLAGGED: Final = (WorklistRank.URGENT, WorklistRank.SUSPECTED)
"""The places in the list that a flag can be raised for."""


def is_acknowledged(study_id: int) -> ColumnElement[bool]:
    """Whether the flag of a study is in force and acknowledged."""
    return (
        select(Flag.id)
        .where(Flag.study_id == study_id, Flag.state == FlagState.ACKNOWLEDGED)
        .exists()
    )


def follow_flag(session: Session, study_id: int) -> None:
    """Write to the row of a study what its flag says by now."""
    says = and_(Study.worklist_rank.in_(FLAGGED), is_acknowledged(study_id))
    session.execute(
        update(Study)
        .where(Study.id == study_id)
        .values(acknowledged=says)
        .execution_options(synchronize_session="fetch")
    )


def lock_study(session: Session, study_id: int | ScalarSelect[int]) -> None:
    """Lock the row of a study, if there is one, before its flag or its work item is."""
    session.execute(select(Study.id).where(Study.id == study_id).with_for_update(key_share=True))
