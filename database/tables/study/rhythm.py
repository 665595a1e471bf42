"""The table of what was learnt of each sender's way of sending."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from database.tables.base import AE_TITLE_LENGTH, Base


class SenderRhythm(Base):
    """How a sender usually sends, as `radiology.arrivals.rhythm` says it; of a fixed size."""

    __tablename__ = "sender_rhythm"

    calling_ae_title: Mapped[str] = mapped_column(String(AE_TITLE_LENGTH), primary_key=True)
    learnt: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]
