"""A site with a row in nearly every table, and its rows and files as drivers and disk have them.

What compares knows nothing of ours: it asks sqlite3 and psycopg, and reads files.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from pydantic import SecretStr
from typer.testing import CliRunner

from database.retention.removals import SPOOL, MarkedFile, mark
from database.session import Engine, open_engine, transaction
from database.states import StudyState
from firstread.__main__ import app
from settings.environment import Settings
from tests.builders.old_rows.old_site import FILES
from tests.builders.old_rows.rows_file import old_database, read_file
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.kept_studies import START, KeptSite, days, write
from tests.peers.firstreads.hospital import native_command

KEY = "feedback-export.key"
_FOLDERS = ("spool", "results", "quarantine")
_MOMENTS = ("DATETIME", "TIMESTAMP")


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said to a person."""

    returncode: int
    stderr: str


@dataclass(frozen=True)
class Site:
    """A data folder and its database."""

    settings: Settings
    engine: Engine

    @property
    def url(self) -> str:
        """Of its database, with everything that a driver needs."""
        return self.engine.url.render_as_string(hide_password=False)

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Every row that stands there."""
        return rows_at(self.url)

    def files(self) -> dict[str, str]:
        """Every file that is kept, with its digest."""
        return files_in(self.settings.data_folder)

    def firstread(self, *words: str | Path) -> Said:
        """Run the command with the settings of this site."""
        return firstread(environment_of(self.settings), *words)


def new_site(folder: Path, url: str | None) -> Site:
    """Nothing yet; `url` None: SQLite in the data folder."""
    settings = Settings(
        data_folder=folder, database_url=SecretStr(url) if url else None, min_free_bytes=0
    )
    return Site(settings, open_engine(settings.database_address))


def full_site(folder: Path, url: str | None) -> Site:
    """What a day of an old release left, brought up to date, and studies of today."""
    site = new_site(folder, url)
    folder.mkdir()
    old_database(site.engine, read_file(FILES[0]))
    make_tables(site.engine)
    for table, column, where in (
        ("instance", "path", "spool"),
        ("result", "key_picture", "results"),
        ("result", "comparison_file", "results"),
        ("result_object", "path", "results"),
        ("quarantine", "path", "quarantine"),
    ):
        for row in site.rows()[table]:
            if row[column]:
                write(folder / where / row[column], f"{table} {row['id']}".encode())
    kept = KeptSite(site.engine, site.settings)
    for day in range(4):
        kept.study(START + days(day))
    kept.study(state=StudyState.RECEIVED)
    kept.quarantine()
    with transaction(site.engine) as session:  # its file is gone already: nothing names it
        mark(session, [MarkedFile(SPOOL, "1.2.3/1.2.3.dcm", 7)], START)
    write(folder / KEY, b"k" * 32)
    return site


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables of a process of this site."""
    named = {"FIRSTREAD_DATA_FOLDER": str(settings.data_folder)}
    if settings.database_url is not None:
        named["FIRSTREAD_DATABASE_URL"] = settings.database_url.get_secret_value()
    return named


def firstread(environment: Mapping[str, str], *words: str | Path) -> Said:
    """Run the command to its end, in this process: starting Python takes longer than the rest."""
    done = CliRunner().invoke(app, [str(word) for word in words], env=dict(environment))
    return Said(done.exit_code, done.stderr)


def firstread_process(environment: Mapping[str, str], *words: str) -> Said:
    """Run the command to its end as a process of its own, as a part is started."""
    command = native_command(("firstread", *words))
    given = os.environ | environment
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=120)
    return Said(done.returncode, done.stderr)


def files_in(folder: Path) -> dict[str, str]:
    """Files that are kept in a data folder, with their digests; unfinished ones are none."""
    found = [
        path
        for name in _FOLDERS
        for path in (folder / name).rglob("*")
        if path.is_file() and ".incoming" not in path.parts
    ]
    found += [folder / KEY] if (folder / KEY).exists() else []
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
    }


def rows_at(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, by the drivers alone; both databases give the same values."""
    found = _sqlite(url) if url.startswith("sqlite") else _postgresql(url)
    del found["alembic_version"]
    return {
        table: sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
        for table, rows in found.items()
    }


def _sqlite(url: str) -> dict[str, list[dict[str, Any]]]:
    found = {}
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.row_factory = sqlite3.Row
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in names.fetchall():
            kinds = {
                row["name"]: row["type"]
                for row in connection.execute(f'PRAGMA table_info("{table}")')
            }
            found[table] = [
                {name: _value(kinds[name], row[name]) for name in row.keys()}  # noqa: SIM118
                for row in connection.execute(f'SELECT * FROM "{table}"')
            ]
    return found


def _value(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "JSON":
        return json.loads(value)
    if kind == "BOOLEAN":
        return bool(value)
    return value if kind in _MOMENTS or not isinstance(value, datetime) else str(value)


def _postgresql(url: str) -> dict[str, list[dict[str, Any]]]:
    found = {}
    with psycopg.connect(url.replace("+psycopg", ""), row_factory=dict_row) as connection:
        names = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall()
        for name in names:
            asked = sql.SQL("SELECT * FROM {}").format(sql.Identifier(name["table_name"]))
            found[name["table_name"]] = [
                {
                    column: f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
                    if isinstance(value, datetime)
                    else value
                    for column, value in row.items()
                }
                for row in connection.execute(asked)
            ]
    return found
