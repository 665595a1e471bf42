"""The table of objects that were not stored."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from database.tables.base import AE_TITLE_LENGTH, Base


class QuarantinedObject(Base):
    """An object that was not stored, kept with the reason for a person to look at."""

    __tablename__ = "quarantine"

    id: Mapped[int] = mapped_column(primary_key=True)
    association_id: Mapped[int | None] = mapped_column(ForeignKey("association.id"))
    calling_ae_title: Mapped[str] = mapped_column(String(AE_TITLE_LENGTH))
    received_at: Mapped[datetime] = mapped_column(index=True)
    error_kind: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    status: Mapped[int]  # the DIMSE status that the sender got
    path: Mapped[str | None] = mapped_column(Text)  # within the quarantine folder
    size_bytes: Mapped[int] = mapped_column(BigInteger)
