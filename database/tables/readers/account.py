"""The tables of accounts of the worklist page, of the lists that they keep, and of audit events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from database.tables.base import UID_LENGTH, Base
from settings.page.sign_in import Role

NAME_LENGTH = 64
ADDRESS_LENGTH = 64
DIGEST_LENGTH = 64  # of SHA-256, in hexadecimal digits


class Account(Base):
    """Somebody who may sign in: by a password of ours, or by an identity provider.

    `issuer` and `subject` name a person at an identity provider (OpenID Connect Core 1.0
    Section 2); both are empty for an account of ours, whose `password_hash` is then never empty.
    """

    __tablename__ = "account"
    __table_args__ = (Index("ix_account_identity", "issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH), unique=True)
    role: Mapped[Role]
    password_hash: Mapped[str] = mapped_column(Text, default="")  # argon2id, with its parameters
    issuer: Mapped[str] = mapped_column(String(255), default="")
    subject: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime]
    password_changed_at: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]

    sessions: Mapped[list[ReaderSession]] = relationship(
        back_populates="account", cascade="all, delete-orphan"
    )
    columns: Mapped[list[ListColumns]] = relationship(cascade="all, delete-orphan")
    filters: Mapped[list[SavedFilter]] = relationship(cascade="all, delete-orphan")
    searches: Mapped[list[ListSearch]] = relationship(cascade="all, delete-orphan")


class ReaderSession(Base):
    """One browser in which somebody has signed in, from then until it ends.

    Only the digest of the token is kept: who reads the database cannot go on with a session.
    """

    __tablename__ = "reader_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    token_sha256: Mapped[str] = mapped_column(String(DIGEST_LENGTH), unique=True)
    address: Mapped[str] = mapped_column(String(ADDRESS_LENGTH))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)

    account: Mapped[Account] = relationship(back_populates="sessions")


class ListColumns(Base):
    """Which columns of the list a reader wants. Without an account: whoever sits at the machine."""

    __tablename__ = "list_columns"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    columns: Mapped[list[str]] = mapped_column(JSON)


class SavedFilter(Base):
    """A part of the list that a reader has given a name.

    `asked` is what its address asks for. It holds no search: no name of a patient and no number.
    """

    __tablename__ = "saved_filter"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    asked: Mapped[str] = mapped_column(Text)
    first: Mapped[bool] = mapped_column(default=False, server_default=false())


class ListSearch(Base):
    """What somebody searches for, for as long as they look at what was found.

    It stands here and not in an address, because it may be the name of a patient, and addresses
    stay in histories and in the logs of proxies. Only the digest of its token is kept.
    """

    __tablename__ = "list_search"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    token_sha256: Mapped[str] = mapped_column(String(DIGEST_LENGTH), unique=True)
    sought: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(index=True)


class SignInFailures(Base):
    """How often signing in failed lately, by what is counted: an account, an address, or both.

    The key is a digest: what somebody typed as their name may have been their password.
    """

    __tablename__ = "sign_in_failures"

    key_sha256: Mapped[str] = mapped_column(String(DIGEST_LENGTH), primary_key=True)
    failures: Mapped[int]
    until: Mapped[datetime] = mapped_column(index=True)  # then counting begins again


class AuditEvent(Base):
    """Something that was done: by whom, from where, when, and to which study.

    No column refers to another table: a record of who saw a study outlives the study and the
    account. `database.audit` makes a chain of the rows; nobody else writes them.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_at", "at"),
        Index("ix_audit_event_study_instance_uid", "study_instance_uid", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime]
    name: Mapped[str] = mapped_column(String(64))
    succeeded: Mapped[bool]
    reader: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")
    role: Mapped[str] = mapped_column(String(32), default="")
    address: Mapped[str] = mapped_column(String(ADDRESS_LENGTH), default="")
    study_instance_uid: Mapped[str] = mapped_column(String(UID_LENGTH), default="")
    patient_id: Mapped[str] = mapped_column(String(64), default="")
    facts: Mapped[dict[str, Any]]
    salt: Mapped[str] = mapped_column(String(32), default="", server_default="")  # "": forgotten
    identifiers_sha256: Mapped[str] = mapped_column(
        String(DIGEST_LENGTH), default="", server_default=""
    )
    previous_sha256: Mapped[str] = mapped_column(
        String(DIGEST_LENGTH), default="", server_default=""
    )
    sha256: Mapped[str] = mapped_column(String(DIGEST_LENGTH), default="", server_default="")
