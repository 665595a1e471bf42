"""The table of clinical values: what was entered for a study beside its images."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from database.tables.base import Base


class ClinicalEntry(Base):
    """Some clinical values of a study, entered together; never changed and never removed.

    The values in force are those of all entries in their order: a later one replaces what it
    names and leaves the rest. They are patients' data: they stand here and on the page, in no log
    and no event.
    """

    __tablename__ = "clinical_entry"
    __table_args__ = (Index("ix_clinical_entry_study", "study_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    # Field of radiology.clinical.ClinicalValues to its value; null: taken back
    changes: Mapped[dict[str, Any]]
    entered_by: Mapped[str] = mapped_column(String(128))  # a reader, or a system
    through: Mapped[str] = mapped_column(String(32))  # "page", "hl7"
    entered_at: Mapped[datetime]
