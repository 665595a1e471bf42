"""A site whose rows an old release wrote."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from database.schema import upgrade_schema
from database.session import Engine, query
from database.tables.study.analysis import Result
from settings.environment import Settings
from tests.builders.old_rows.rows_file import FOLDER, OldRows

FILES = sorted(FOLDER.glob("*.json"))
"""A file for each release."""


@dataclass(frozen=True)
class OldSite:
    """A site that has gone from an old release to the present version."""

    rows: OldRows
    settings: Settings
    engine: Engine

    @property
    def now(self) -> datetime:
        """Shortly after the last thing that happened there."""
        return self.rows.last_moment + timedelta(minutes=1)

    def results(self) -> list[Result]:
        """Every result, the oldest first."""
        with query(self.engine) as session:
            return list(session.scalars(select(Result).order_by(Result.id)))

    def upgrade(self) -> None:
        """Bring the database up to date."""
        upgrade_schema(self.engine)
