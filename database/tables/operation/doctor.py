"""The table of what the doctor found: its last run, and one that is under way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from database.tables.base import AE_TITLE_LENGTH, Base
from database.tables.readers.account import NAME_LENGTH


class DoctorRun(Base):
    """One run of `firstread doctor`.

    `ticket` is the AE title under which it sends its phantom: the node lets it in until the run has
    ended. `report` holds how far it is, and its lines.
    """

    __tablename__ = "doctor_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    asked_by: Mapped[str] = mapped_column(String(NAME_LENGTH))
    machine: Mapped[str] = mapped_column(String(255))
    ticket: Mapped[str] = mapped_column(String(AE_TITLE_LENGTH), unique=True)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any]]
