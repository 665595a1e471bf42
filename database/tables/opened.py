"""The table of readers who have a study open."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from database.tables.base import Base

READER_LENGTH = 128


class StudyOpen(Base):
    """A reader who has a study open: true while `seen_at` is fresh.

    One row for each reader and study, renewed while the page is open. It is no audit: who has
    looked at what is an event.
    """

    __tablename__ = "study_open"
    __table_args__ = (
        UniqueConstraint("study_id", "reader"),
        Index("ix_study_open_seen_at", "seen_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    reader: Mapped[str] = mapped_column(String(READER_LENGTH))
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
