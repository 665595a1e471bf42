"""One result as plain values, found by its number; and what is stored beside its reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.tables.analysis import Result, Study
from radiology.urgency import LimitOf


@dataclass(frozen=True, slots=True)
class StoredRule:
    """One row of the table of urgency, and what it saw.

    Attributes
    ----------
    seen, limit : as a person reads them
    of_site : whether the limit is the site's own, and not that of the bundle
    """

    name: str
    urgency: str
    held: bool
    seen: str
    limit: str
    of_site: bool = False


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


def stored_rules(reading: Mapping[str, Any]) -> tuple[StoredRule, ...]:
    """The rules of urgency in the order in which they were asked; none where none were stored.

    Parameters
    ----------
    reading : as the result's row holds it
    """
    return tuple(
        StoredRule(
            name=str(one.get("name", "")),
            urgency=str(one.get("urgency", "")),
            held=bool(one.get("held")),
            seen=str(one.get("seen", "")),
            limit=str(one.get("limit", "")),
            of_site=one.get("whose") == LimitOf.SITE,
        )
        for one in reading.get("urgency_rules") or ()
        if isinstance(one, Mapping)
    )


def refused_by(reading: Mapping[str, Any]) -> str:
    """The kind of error that refused the study before it was read; empty where it was read."""
    return str(reading.get("refused_by") or "")
