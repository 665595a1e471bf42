"""The tables of what the list shows of a study beside its own row: its heading, and its readers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from database.tables.base import Base

READER_LENGTH = 128
HEADING_LENGTH = 64  # PS3.5 Table 6.2-1, LO
SCANNED_LENGTH = 19  # YYYY-MM-DDTHH:MM:SS


class StudyHeading(Base):
    """What the headers of a study say of it that the list shows, and that nothing else needs.

    The housekeeping reads it from the received files (`worker.heading`), for studies of any age,
    whenever `Study.heading_due_at` asks for it. The name of the patient is only kept where the
    setting shows names: `named` says whether it did when the files were read. It is empty while
    the instances name several patients.

    Attributes
    ----------
    patient_name : Patient's Name (0010,0010), all groups as they came
    searched_name : its words as a search compares them
    scanned_at : date and time of the acquisition, or the date alone, by the clock of the scanner;
        by that of the site where the headers state an offset from UTC; sorts as it is written
    """

    __tablename__ = "study_heading"

    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), primary_key=True)
    named: Mapped[bool] = mapped_column(default=False, server_default=false())
    patient_name: Mapped[str] = mapped_column(Text, default="")
    searched_name: Mapped[str] = mapped_column(Text, default="")
    scanned_at: Mapped[str] = mapped_column(String(SCANNED_LENGTH), default="")
    study_description: Mapped[str] = mapped_column(String(HEADING_LENGTH), default="")
    series_description: Mapped[str] = mapped_column(String(HEADING_LENGTH), default="")
    body_part: Mapped[str] = mapped_column(String(HEADING_LENGTH), default="")


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
