"""Conditions for which no index is to be looked for.

SQLite keeps statistics only where somebody calls ANALYZE, which nobody does at a site. Without them
it takes an index in which all rows but a few are alike (not superseded, delivered, not asked for)
for as good as one that leads to some rows among all, and reads the rows of years. PostgreSQL knows
better and loses nothing.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, case


def unindexed(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same condition, as a filter of rows that another condition finds."""
    return case((condition, 1), else_=0) == 1
