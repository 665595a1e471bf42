"""A result as plain values, found by its number, and what is stored beside its reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.tables.study.analysis import Result, Study


def result_reading(session: Session, result_id: int) -> tuple[str, Mapping[str, Any]] | None:
    """The Study Instance UID of a result and its reading; None if there is no such result."""
    row = session.execute(
        select(Study.study_instance_uid, Result.reading)
        .join(Study, Study.id == Result.study_id)
        .where(Result.id == result_id)
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def study_id_of(session: Session, study_instance_uid: str) -> int | None:
    """The number of a study; None if we do not know it."""
    return session.scalar(select(Study.id).where(Study.study_instance_uid == study_instance_uid))


def refused_by(reading: Mapping[str, Any]) -> str:
    """The kind of error that refused the study before it was read; empty where it was read."""
    return str(reading.get("refused_by") or "")
