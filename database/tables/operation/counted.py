"""The table of what has been counted: it only grows, while the rows that were counted may go."""

from __future__ import annotations

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from database.tables.base import Base


class Counted(Base):
    """One series of a counter or of a histogram, summed over all processes there ever were.

    Attributes
    ----------
    labels : a JSON object with sorted keys; names of the settings and words of ours, nothing else
    bucket : of a histogram, the upper bound of the bucket or "sum"; "" of a counter
    value : of a bucket, how many fell into this one and no lower one
    """

    __tablename__ = "counted"

    metric: Mapped[str] = mapped_column(String(96), primary_key=True)
    labels: Mapped[str] = mapped_column(Text, primary_key=True)
    bucket: Mapped[str] = mapped_column(String(16), primary_key=True)
    value: Mapped[float]
