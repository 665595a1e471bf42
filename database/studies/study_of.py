"""Which study a row is about: the identifier by which a study is followed through the log."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from database.tables.readers.flag import Flag
from database.tables.readers.work_item import WorkItemRow
from database.tables.study.analysis import Result, Study


def uid_of_study(session: Session, study_id: int) -> str:
    """The Study Instance UID of a study; "" where there is no such row."""
    return _uid(session, select(Study.study_instance_uid).where(Study.id == study_id))


def uid_of_result(session: Session, result_id: int) -> str:
    """As `uid_of_study`, of the study that a result is about."""
    of_result = select(Study.study_instance_uid).join(Result, Result.study_id == Study.id)
    return _uid(session, of_result.where(Result.id == result_id))


def uid_of_flag(session: Session, flag_id: int) -> str:
    """As `uid_of_study`, of the study that a flag is about."""
    of_flag = select(Study.study_instance_uid).join(Flag, Flag.study_id == Study.id)
    return _uid(session, of_flag.where(Flag.id == flag_id))


def uid_of_work_item(session: Session, sop_instance_uid: str) -> str:
    """As `uid_of_study`, of the study that a work item is about."""
    of_item = select(Study.study_instance_uid).join(WorkItemRow, WorkItemRow.study_id == Study.id)
    return _uid(session, of_item.where(WorkItemRow.sop_instance_uid == sop_instance_uid))


def _uid(session: Session, asked: Select[str]) -> str:
    return session.scalars(asked).one_or_none() or ""
