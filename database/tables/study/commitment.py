"""The tables of storage commitment (PS3.4 Annex J)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from database.tables.base import UID_LENGTH, Base


class StorageCommitment(Base):
    """One request to a destination to keep what it has stored (PS3.4 Section J.3.2)."""

    __tablename__ = "storage_commitment"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    transaction_uid: Mapped[str] = mapped_column(String(UID_LENGTH), unique=True)
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    objects: Mapped[list[CommitmentObject]] = relationship(back_populates="commitment")


class CommitmentObject(Base):
    """One object of a storage commitment request, and the destination's answer for it."""

    __tablename__ = "commitment_object"
    __table_args__ = (UniqueConstraint("commitment_id", "delivered_object_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    commitment_id: Mapped[int] = mapped_column(ForeignKey("storage_commitment.id"))
    delivered_object_id: Mapped[int] = mapped_column(ForeignKey("delivered_object.id"))
    committed: Mapped[bool | None]  # None: not answered yet
    failure_reason: Mapped[int | None]  # PS3.3 C.14.1.1

    commitment: Mapped[StorageCommitment] = relationship(back_populates="objects")
