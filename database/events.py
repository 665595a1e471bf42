"""Events: what happened to a study, each with its moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from database.tables import Event


def record_event(
    session: Session,
    name: str,
    now: datetime,
    *,
    study_id: int | None = None,
    job_id: int | None = None,
    **facts: Any,
) -> None:
    """Add an event. `name` is static; facts are identifiers and figures, never patient text."""
    session.add(Event(at=now, study_id=study_id, job_id=job_id, name=name, facts=facts))
