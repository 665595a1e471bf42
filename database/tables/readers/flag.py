"""The tables of flags, notices and every attempt to send a notice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from database.flag_states import FlagState, NoticeKind, NoticeState
from database.tables.base import UID_LENGTH, Base, Leased
from radiology.urgency import Urgency

NAME_LENGTH = 64  # of a channel, and of whoever acknowledges


class Flag(Base):
    """That a study should be looked at soon: a single flag for each study, whatever its results.

    `escalation` is the step that has been told last, `escalate_at` when the next one is due; None
    where there is none, or where the flag is not waiting any more. `token` makes the address
    unguessable at which a receiver acknowledges.
    """

    __tablename__ = "flag"
    __table_args__ = (
        Index("ix_flag_state", "state", "urgency"),
        Index("ix_flag_escalate_at", "escalate_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    flag_uid: Mapped[str] = mapped_column(String(UID_LENGTH), unique=True)
    token: Mapped[str] = mapped_column(String(64))
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), unique=True)
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"))  # what it speaks of
    urgency: Mapped[Urgency]
    rule: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[FlagState] = mapped_column(default=FlagState.OPEN)
    raised_at: Mapped[datetime]
    escalation: Mapped[int] = mapped_column(default=0)
    escalate_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")
    acknowledged_through: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")
    ended_at: Mapped[datetime | None]  # withdrawn or superseded

    notices: Mapped[list[FlagNotice]] = relationship(
        back_populates="flag", order_by="FlagNotice.id"
    )


class FlagNotice(Leased, Base):
    """One notice of one kind to one channel.

    `maybe_told` is true from the first attempt on, unless the receiver refused: an answer that was
    lost does not mean that nothing arrived. `unanswered` counts the attempts that found the
    receiver away. `ask_at` is when a channel that took the notice is asked whether somebody has
    taken what it made of it; None where it is not asked.
    """

    __tablename__ = "flag_notice"
    __table_args__ = (
        Index("ix_flag_notice_queue", "state", "channel", "id"),
        Index("ix_flag_notice_flag_id", "flag_id"),
        Index("ix_flag_notice_ask_at", "ask_at"),
        # The few of them that ended in a defect, for the administrator.
        Index(
            "ix_flag_notice_defect",
            "id",
            sqlite_where=text("trace <> ''"),
            postgresql_where=text("trace <> ''"),
        ),
    )

    notice_uid: Mapped[str] = mapped_column(String(UID_LENGTH), unique=True)
    flag_id: Mapped[int] = mapped_column(ForeignKey("flag.id"))
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"))
    channel: Mapped[str] = mapped_column(String(NAME_LENGTH))  # its name in the settings
    kind: Mapped[NoticeKind]
    step: Mapped[int]  # of the escalation
    keeps_state: Mapped[bool]  # whether the channel wants to know of an acknowledgement
    state: Mapped[NoticeState] = mapped_column(default=NoticeState.WAITING)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    unanswered: Mapped[int] = mapped_column(default=0, server_default="0")
    maybe_told: Mapped[bool] = mapped_column(default=False)
    finished_at: Mapped[datetime | None]
    reference: Mapped[str] = mapped_column(String(256), default="")
    ask_at: Mapped[datetime | None]
    ask_error: Mapped[str] = mapped_column(String(64), default="", server_default="")
    # Whom to name in place of the study's patient: told under a name that was corrected since
    named: Mapped[dict[str, Any] | None]
    error_kind: Mapped[str] = mapped_column(String(64), default="")
    error_message: Mapped[str] = mapped_column(Text, default="")

    flag: Mapped[Flag] = relationship(back_populates="notices")
    tries: Mapped[list[FlagAttempt]] = relationship(
        back_populates="notice", order_by="FlagAttempt.id"
    )


class FlagAttempt(Base):
    """One attempt at a notice. The row is there before anything is sent; `ended_at` says the rest.

    One without an end is under way, or its worker died: the receiver may have got it. `number` says
    which attempt it is; 0 where that was not kept. Of a long outage some rows are missing.
    """

    __tablename__ = "flag_attempt"
    __table_args__ = (Index("ix_flag_attempt_notice_id", "notice_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("flag_notice.id"))
    number: Mapped[int] = mapped_column(default=0, server_default="0")
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    code: Mapped[str] = mapped_column(String(64), default="")  # in the receiver's own terms
    error_kind: Mapped[str] = mapped_column(String(64), default="")
    error_message: Mapped[str] = mapped_column(Text, default="")

    notice: Mapped[FlagNotice] = relationship(back_populates="tries")
