"""Studies and jobs by what a person calls them: a number, an accession number, or a UID."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.tables.readers.flag import Flag
from database.tables.study.analysis import Job, Study

_MOST_JOB_ID = 2**31 - 1


def studies_named(session: Session, name: str) -> list[str]:
    """The Study Instance UIDs of the studies with this UID or accession number."""
    return list(
        session.scalars(
            select(Study.study_instance_uid)
            .where((Study.study_instance_uid == name) | (Study.accession_number == name))
            .order_by(Study.id)
        )
    )


def jobs_named(session: Session, name: str) -> list[int]:
    """The jobs of the studies with this UID or accession number, the oldest first."""
    return list(
        session.scalars(
            select(Job.id)
            .join(Study, Study.id == Job.study_id)
            .where((Study.study_instance_uid == name) | (Study.accession_number == name))
            .order_by(Job.id)
        )
    )


def is_job(session: Session, number: int) -> bool:
    """Whether there is a job of this number."""
    if number > _MOST_JOB_ID:
        return False
    return session.scalar(select(Job.id).where(Job.id == number)) is not None


def flags_named(session: Session, name: str) -> list[str]:
    """The UIDs of the flags with this UID, or of the studies with this accession number or UID."""
    return list(
        session.scalars(
            select(Flag.flag_uid)
            .join(Study, Study.id == Flag.study_id)
            .where(
                (Flag.flag_uid == name)
                | (Study.study_instance_uid == name)
                | (Study.accession_number == name)
            )
            .order_by(Flag.id)
        )
    )
