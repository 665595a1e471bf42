"""The table of how far the traces have got."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from database.tables.base import Base


class TraceCursor(Base):
    """The youngest event whose spans the collector has taken: a single row."""

    __tablename__ = "trace_cursor"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigInteger)
