"""The tables of the audit trail beside its events: where the chain stands, and what was sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from database.tables.base import KIND_LENGTH, Base, Leased

SHA256_LENGTH = 64


class AuditHead(Base):
    """Where the chain of audit events begins and ends: one row, locked by whoever adds an event.

    `before_first_sha256` is the hash of the last event that went by its age; without one, zeros.
    """

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    last_id: Mapped[int] = mapped_column(BigInteger)
    last_sha256: Mapped[str] = mapped_column(String(SHA256_LENGTH))
    first_id: Mapped[int] = mapped_column(BigInteger)
    before_first_sha256: Mapped[str] = mapped_column(String(SHA256_LENGTH))


class AuditSending(Leased, Base):
    """How far the audit repository has been told: one row, there while one is in the settings."""

    __tablename__ = "audit_sending"

    due_at: Mapped[datetime]
    sent_id: Mapped[int] = mapped_column(BigInteger, default=0)  # up to and with this event
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)  # since the last that succeeded
    error_kind: Mapped[str] = mapped_column(String(KIND_LENGTH), default="", server_default="")
    error_message: Mapped[str] = mapped_column(Text, default="", server_default="")
