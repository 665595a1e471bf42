"""The tables of what goes: files that are to be removed, the disk's course, what is forgotten."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from database.tables.base import Base


class FileRemoval(Base):
    """A file that no row names any more and that is to be removed: the row goes with the file.

    It is written in the transaction that takes the file's name out of the other rows, so a crash
    leaves either the file with its name or the order to remove it.
    """

    __tablename__ = "file_removal"
    __table_args__ = (UniqueConstraint("folder", "path"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    folder: Mapped[str] = mapped_column(String(16))  # "spool", "results", "quarantine", "uploads"
    path: Mapped[str] = mapped_column(Text)  # within that folder
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    marked_at: Mapped[datetime]


class RetentionState(Base):
    """What operation leaves for the next time and for the page, by its name: turns, copies."""

    __tablename__ = "retention_state"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    noted_at: Mapped[datetime]
    facts: Mapped[dict[str, Any]]


class DiskSample(Base):
    """How full the disk of the data folder was at a moment: one an hour."""

    __tablename__ = "disk_sample"

    sampled_at: Mapped[datetime] = mapped_column(primary_key=True)
    free_bytes: Mapped[int] = mapped_column(BigInteger)
    total_bytes: Mapped[int] = mapped_column(BigInteger)


class Forgetting(Base):
    """A patient or study that is being forgotten: there until it is proved, then gone too.

    `identifiers` are those that are looked for at the end; no name and no birth date.
    """

    __tablename__ = "forgetting"

    id: Mapped[int] = mapped_column(primary_key=True)
    asked: Mapped[str] = mapped_column(String(128), unique=True)  # what to forget, as it was named
    identifiers: Mapped[dict[str, Any]]
    asked_at: Mapped[datetime]
