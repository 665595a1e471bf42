"""The tables of readers' feedback on results."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from database.tables.base import Base
from radiology.feedback import Fault, Judgement

READER_LENGTH = 128


class Feedback(Base):
    """What one reader said of one result.

    It is never changed: a reader who changes the judgement adds a row, and the row before gets
    `replaced_at`. So one row of a reader stands for each result, and the history is kept.
    """

    __tablename__ = "feedback"
    __table_args__ = (
        Index(
            "ix_feedback_standing",
            "result_id",
            "reader",
            unique=True,
            sqlite_where=text("replaced_at IS NULL"),
            postgresql_where=text("replaced_at IS NULL"),
        ),
        Index("ix_feedback_given_at", "given_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"), index=True)
    reader: Mapped[str] = mapped_column(String(READER_LENGTH))
    judgement: Mapped[Judgement]
    comment: Mapped[str] = mapped_column(Text, default="")  # may hold patient data
    given_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]

    faults: Mapped[list[FeedbackFault]] = relationship(
        back_populates="feedback", lazy="selectin", order_by="FeedbackFault.id"
    )


class FeedbackFault(Base):
    """One thing that a reader found wrong."""

    __tablename__ = "feedback_fault"
    __table_args__ = (UniqueConstraint("feedback_id", "fault"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id"))
    fault: Mapped[Fault]

    feedback: Mapped[Feedback] = relationship(back_populates="faults")
