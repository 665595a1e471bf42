"""The tables of uploads, and of the processes that run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from database.states import UploadState
from database.tables.base import Base, Leased


class BundleSign(Base):
    """A bundle that a process keeps loaded, and what it takes there."""

    __tablename__ = "bundle_sign"

    process: Mapped[str] = mapped_column(String(128), primary_key=True)
    bundle: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[str] = mapped_column(String(64))
    memory_bytes: Mapped[int] = mapped_column(BigInteger)
    noted_at: Mapped[datetime]


class Upload(Leased, Base):
    """What a person gave the page to look at. It never becomes a study and never goes to PACS.

    `token` is the unguessable part of its address. `refusals` says of each file that was not read
    why; the files are numbered as they came, because their names may name a patient.
    """

    __tablename__ = "upload"
    __table_args__ = (Index("ix_upload_queue", "state", "id"),)

    token: Mapped[str] = mapped_column(String(64), unique=True)
    folder: Mapped[str] = mapped_column(String(64))  # within the uploads folder
    reader: Mapped[str] = mapped_column(String(64))  # who gave it
    state: Mapped[UploadState]
    received_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]
    files: Mapped[int] = mapped_column(default=0)
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str] = mapped_column(String(128), default="")
    step: Mapped[str] = mapped_column(String(32), default="")
    progress_percent: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(16), default="")  # "study" or "slice"
    answer: Mapped[dict[str, Any] | None]
    picture: Mapped[str | None] = mapped_column(Text)  # PNG, within the uploads folder
    refusals: Mapped[dict[str, Any]]  # {"files": [{number, size_bytes, error_kind, reason}]}
    error_kind: Mapped[str] = mapped_column(String(64), default="")
    error_message: Mapped[str] = mapped_column(Text, default="")


class ProcessSign(Base):
    """The last sign of life of one process of Firstread."""

    __tablename__ = "process_sign"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)  # host:process id
    part: Mapped[str] = mapped_column(String(32))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    doing: Mapped[str] = mapped_column(String(64), default="")


class DiskUse(Base):
    """How much one folder holds, as it was last counted."""

    __tablename__ = "disk_use"

    folder: Mapped[str] = mapped_column(String(32), primary_key=True)
    files: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    counted_at: Mapped[datetime]


class EchoAnswer(Base):
    """What a peer last answered to a C-ECHO request: an administrator's, or the deliveries'."""

    __tablename__ = "echo_answer"

    peer: Mapped[str] = mapped_column(String(64), primary_key=True)  # its name in the settings
    asked_at: Mapped[datetime]
    took_ms: Mapped[int]
    error_kind: Mapped[str] = mapped_column(String(64))  # "": it answered with success
    error_message: Mapped[str] = mapped_column(Text)
