"""The table of answers of bundles in shadow: apart from results, because no reader sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from database.tables.base import Base
from database.tables.study.analysis import BUNDLE_LENGTH
from radiology.outcome import Outcome
from radiology.urgency import Urgency


class ShadowAnswer(Base):
    """The answer of a job of a bundle in shadow. Exactly one per job."""

    __tablename__ = "shadow_answer"
    __table_args__ = (Index("ix_shadow_answer_of_bundle", "bundle", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), unique=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), index=True)
    bundle: Mapped[str] = mapped_column(String(BUNDLE_LENGTH))
    bundle_version: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[Outcome]
    urgency: Mapped[Urgency | None]  # None: not assessable
    urgency_rule: Mapped[str] = mapped_column(Text)
    suspicion: Mapped[float | None]
    reading: Mapped[dict[str, Any]]  # `radiology.answer.stored_reading.to_facts`
    execution_provider: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
