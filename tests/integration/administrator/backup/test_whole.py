"""Backup, restore and move with both databases: rows and files are equal, and nothing else is."""

from __future__ import annotations

import itertools
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from database.accounts.audit import Actor
from database.audit.verify import verify_chain
from database.backup.move import move
from database.backup.target import begin_filling
from database.schema import check_schema, upgrade_schema
from database.session import query, transaction
from database.tables.study.analysis import Event
from tests.builders.stored.kept_studies import START, KeptSite
from tests.integration.administrator.backup.conftest import MakeSite
from tests.integration.administrator.backup.sites import Site, environment_of, firstread_process

pytestmark = pytest.mark.integration

_SIZES = ("sqlite", "postgresql")
_NOT_IN_AN_ARCHIVE = {
    "bundle_sign",
    "list_search",
    "process_sign",
    "reader_session",
    "sign_in_failures",
    "study_open",
    "upload",
}
_NOTES = {"audit_event", "retention_state"}  # that it was restored stands there too


def _without_notes(rows: dict[str, list[dict[str, Any]]], *left_out: str) -> dict[str, Any]:
    kept = {name: found for name, found in rows.items() if name not in {*left_out, *_NOTES}}
    kept["audit_event"] = [
        one
        for one in rows["audit_event"]
        if one["name"] not in ("backup_made", "backup_restored", "database_moved")
    ]
    del kept["audit_head"]  # goes on with those notes; whether it is right, the chain says
    return kept


def _require_whole_chain(site: Site) -> None:
    with query(site.engine) as session:
        _, findings = verify_chain(session)
        assert list(findings) == []


def _archive(site: Site, folder: Path, *options: str) -> Path:
    done = site.firstread("backup", folder, *options)
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("firstread-*.tar")
    return found


@pytest.mark.parametrize(("old", "new"), list(itertools.product(_SIZES, _SIZES)))
def test_rows_and_files_are_equal(
    old: str, new: str, make_full: MakeSite, make_empty: MakeSite, tmp_path: Path
) -> None:
    """From either size to either size; what is counted next has a number of its own."""
    site, restored = make_full("old", old), make_empty("new", new)
    before, kept = site.rows(), tmp_path / "kept"
    kept.mkdir()
    archive = _archive(site, kept)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert {one.name for one in kept.iterdir()} == {archive.name}

    done = restored.firstread("restore", archive)
    assert done.returncode == 0, done.stderr
    after = restored.rows()
    wanted = _without_notes(before, *_NOT_IN_AN_ARCHIVE)
    assert sum(map(len, wanted.values())) > 500
    assert sum(bool(rows) for rows in wanted.values()) > 25
    assert _without_notes(after, *_NOT_IN_AN_ARCHIVE) == wanted
    assert {name for name in _NOT_IN_AN_ARCHIVE if after[name]} == set()
    assert restored.files() == site.files()
    assert len(site.files()) > 100
    assert stat.S_IMODE((restored.settings.data_folder / "feedback-export.key").stat().st_mode) == (
        0o600
    )
    check_schema(restored.engine)
    _require_whole_chain(restored)
    with transaction(restored.engine) as session:
        session.add(event := Event(at=START, name="received", facts={}))
        session.flush()
        assert event.id == max(row["id"] for row in after["event"]) + 1
    made = [row for row in site.rows()["audit_event"] if row["name"] == "backup_made"]
    came = [row for row in after["audit_event"] if row["name"] == "backup_restored"]
    assert len(made) == len(came) == 1
    assert made[0]["facts"]["manifest_sha256"] == came[0]["facts"]["manifest_sha256"]


@pytest.mark.parametrize("old", _SIZES)
def test_moved(old: str, make_full: MakeSite, make_empty: MakeSite) -> None:
    """By one command; the old database says where it went, and the data folder is untouched."""
    site, target = make_full("old", old), make_empty("other", "postgresql")
    before, files = site.rows(), site.files()
    done = site.firstread("move", "--to", target.url)
    assert done.returncode == 0, done.stderr
    after = target.rows()
    assert _without_notes(after, "process_sign", "bundle_sign") == _without_notes(
        before, "process_sign", "bundle_sign"
    )
    assert after["upload"] == before["upload"] != []
    assert [one["name"] for one in after["retention_state"]].count("moved") == 1
    assert [one["name"] for one in after["audit_event"]].count("database_moved") == 1
    _require_whole_chain(target)
    assert site.files() == files
    check_schema(target.engine)
    refused = firstread_process(environment_of(site.settings), "serve", "--only", "node")
    assert refused.returncode == 2
    assert "has moved to another one" in refused.stderr
    again = site.firstread("move", "--to", target.url)
    assert (again.returncode, target.rows()) == (2, after)
    with transaction(target.engine) as session:
        session.add(event := Event(at=START, name="received", facts={}))
        session.flush()
        assert event.id == max(row["id"] for row in before["event"]) + 1


@pytest.mark.parametrize("database", _SIZES)
def test_what_is_left_out_is_named_by_no_row(
    database: str, make_full: MakeSite, make_empty: MakeSite, tmp_path: Path
) -> None:
    """Images that PACS has, and slices: the rows say that they are not here."""
    site, restored = make_full("old", database), make_empty("new", database)
    archive = _archive(site, tmp_path, "--without-originals", "--without-slices")
    assert restored.firstread("restore", archive).returncode == 0
    left = set(site.files()) - set(restored.files())
    assert any(name.endswith(".slices.zip") for name in left)
    rows = restored.rows()
    here = {f"spool/{row['path']}" for row in rows["instance"] if row["removed_at"] is None}
    assert here == {name for name in restored.files() if name.startswith("spool/")}
    of_study = {row["id"]: row for row in rows["study"]}
    waiting = {row["id"] for row in rows["study"] if row["state"] == "received"}
    gone = {row["study_id"] for row in rows["instance"] if row["removed_at"] is not None}
    assert gone
    assert waiting
    assert gone & waiting == set(), "an image that nobody has read is in every archive"
    assert all(of_study[one]["originals_removed_at"] for one in gone)
    assert all(row["slices_removed_at"] for row in rows["result"])


@pytest.mark.parametrize("database", _SIZES)
def test_nothing_is_restored_over_something(
    database: str, make_full: MakeSite, make_empty: MakeSite, tmp_path: Path
) -> None:
    """Neither over rows nor over files, nor beside tables of somebody else."""
    site, other = make_full("old", database), make_full("other", database)
    archive = _archive(site, tmp_path)
    before = (other.rows(), other.files())
    refused = other.firstread("restore", archive)
    assert refused.returncode == 2
    assert "NotRestored" in refused.stderr
    assert (other.rows(), other.files()) == before
    empty = make_empty("empty", database)
    empty.settings.data_folder.mkdir()
    with empty.engine.begin() as connection:
        connection.execute(text("CREATE TABLE somebody_else (id INTEGER)"))
    refused = empty.firstread("restore", archive)
    assert (refused.returncode, "none of ours" in refused.stderr) == (2, True)
    with empty.engine.begin() as connection:
        connection.execute(text("DROP TABLE somebody_else"))
    upgrade_schema(empty.engine)  # as a container that migrates at every start leaves it
    assert empty.firstread("restore", archive).returncode == 0


@pytest.mark.parametrize("database", _SIZES)
def test_half_restored_nothing_runs(database: str, make_empty: MakeSite) -> None:
    """Every part says why, and what to do."""
    site = make_empty("half", database)
    site.settings.data_folder.mkdir()
    begin_filling(site.engine, "0001_first_schema", START)
    for words in (("serve",), ("serve", "--only", "beat")):
        refused = firstread_process(environment_of(site.settings), *words)
        assert refused.returncode == 2
        assert "A restore into this database has not ended" in refused.stderr


def test_a_row_that_does_not_fit(make_full: MakeSite, make_empty: MakeSite) -> None:
    """SQLite takes any text; PostgreSQL does not. The old database goes on."""
    site, target = make_full("old", "sqlite"), make_empty("other", "postgresql")
    with site.engine.begin() as connection:
        connection.execute(text("UPDATE study SET calling_ae_title = 'a'||char(0)||'Jane^Doe'"))
    refused = site.firstread("move", "--to", target.url)
    assert refused.returncode == 2
    assert re.search(r"table=study, column=calling_ae_title, row=\d+", refused.stderr)
    assert "Jane" not in refused.stderr
    check_schema(site.engine)


def test_what_runs_is_not_moved(make_full: MakeSite, make_empty: MakeSite) -> None:
    """A part that gives signs would go on writing to the old database."""
    from database.process_signs import record_sign
    from radiology.errors import NotRestored

    site, target = make_full("old", "sqlite"), make_empty("other", "postgresql")
    with transaction(site.engine) as session:
        record_sign(session, "here:1", "node", started_at=START, now=START)
    with pytest.raises(NotRestored, match="stop every part"):
        move(site.engine, target.engine, lambda: START, Actor("wu", "administrator", ""))
    check_schema(site.engine)
    KeptSite(site.engine, site.settings, _next=100).study()
