"""The parts that all tables share: moments, words, and the names of constraints."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, DateTime, Enum, MetaData, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

UID_LENGTH = 64  # PS3.5 Section 9.1
AE_TITLE_LENGTH = 16  # PS3.5 Table 6.2-1
LABEL_LENGTH = 32  # of the finer class of a finding
KIND_LENGTH = 64  # of the name of an error


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always with its time zone in Python, always UTC in the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a time zone: it could mean anything."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the time zone back that SQLite does not keep."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What all tables share: constraint names that migrations can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 SQLAlchemy reads a plain class attribute
        datetime: UtcDateTime,
        # The words of an enum are stored as text: readable in the database, no type to migrate.
        StrEnum: Enum(
            StrEnum,
            native_enum=False,
            create_constraint=False,
            length=32,
            values_callable=lambda members: [member.value for member in members],
        ),
        dict[str, Any]: JSON,
    }


class Leased:
    """What a row has that workers claim; `database.lease` says how.

    `trace` is where the last attempt broke down, if it ended in a defect: only lines of our code,
    and no text of the error's message. "" after every other end.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    fencing_token: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    trace: Mapped[str] = mapped_column(Text, default="", server_default="")
