"""The tables of requests to peers for earlier studies of a patient."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from database.states import PriorRequestState
from database.tables.base import UID_LENGTH, Base, Leased


class PriorRequest(Leased, Base):
    """The request to one peer for the earlier CTs of a study's patient: made once.

    Nothing more is asked or awaited after `expires_at`. `unanswered` counts the attempts that found
    the peer away.
    """

    __tablename__ = "prior_request"
    __table_args__ = (
        UniqueConstraint("study_id", "peer"),
        Index("ix_prior_request_queue", "state", "due_at"),
    )

    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    peer: Mapped[str] = mapped_column(String(64))  # its name in the settings
    state: Mapped[PriorRequestState] = mapped_column(default=PriorRequestState.WAITING)
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    unanswered: Mapped[int] = mapped_column(default=0, server_default="0")
    finished_at: Mapped[datetime | None]
    error_kind: Mapped[str] = mapped_column(String(64), default="")
    error_message: Mapped[str] = mapped_column(Text, default="")


class RequestedPrior(Base):
    """One earlier study that is wanted of a peer; its row is there before it is retrieved."""

    __tablename__ = "requested_prior"
    __table_args__ = (UniqueConstraint("prior_request_id", "study_instance_uid"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    prior_request_id: Mapped[int] = mapped_column(ForeignKey("prior_request.id"))
    study_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH))
    retrieved_at: Mapped[datetime | None]
