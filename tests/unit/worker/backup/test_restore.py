"""What a restore does where it cannot write, and where something is there already."""

from __future__ import annotations

import ctypes
import errno
from pathlib import Path

import pytest

from database.accounts.audit import Actor, record_audit
from database.schema import check_schema
from database.session import open_engine, transaction
from dicom_node import whole_flush
from radiology.errors import (
    NotRestored,
    SettingsRefused,
    SpoolFull,
)
from settings.environment import Settings
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.kept_studies import START, KeptSite
from tests.unit.worker.backup.archives import back_up
from worker.backup.read_archive import ArchiveReader
from worker.backup.restore import Restored, restore


def test_a_restore_that_cannot_write(site: KeptSite, tmp_path: Path) -> None:
    """It says what to do, nothing is served, and the same command ends it."""
    made = back_up(site, path := tmp_path / "whole.tar")
    settings = Settings(data_folder=tmp_path / "new", min_free_bytes=0)
    settings.data_folder.mkdir()
    settings.spool_folder.write_bytes(b"")  # a file where a folder is to be
    engine = open_engine(settings.database_address)
    with ArchiveReader(path) as archive:
        facts = archive.check()

        def again() -> Restored:
            actor = Actor("wu", "administrator", "")
            return restore(settings, engine, lambda: START, archive, facts, actor)

        with pytest.raises(SpoolFull, match="run the command again"):
            again()
        with pytest.raises(SettingsRefused, match="has not ended"):
            check_schema(engine)
        settings.spool_folder.unlink()
        assert again().facts == made.facts
    check_schema(engine)
    engine.dispose()


def test_files_that_did_not_reach_the_disk_are_not_restored(
    site: KeptSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel says so only when it is asked to flush; no row names them then."""
    made = back_up(site, path := tmp_path / "whole.tar")
    settings = Settings(data_folder=tmp_path / "new", min_free_bytes=0)
    settings.data_folder.mkdir()
    engine = open_engine(settings.database_address)
    answers = [-1, *[0] * 8]

    def syncfs(_descriptor: int) -> int:
        ctypes.set_errno(errno.EIO)
        return answers.pop(0)

    monkeypatch.setattr(whole_flush, "_SYNCFS", syncfs)
    monkeypatch.setattr(whole_flush, "file_system_of", lambda _folder: "ext4")
    monkeypatch.setattr(whole_flush.platform, "release", lambda: "6.1.0")
    actor = Actor("wu", "administrator", "")
    with ArchiveReader(path) as archive:
        facts = archive.check()
        with pytest.raises(SpoolFull, match="Input/output error"):
            restore(settings, engine, lambda: START, archive, facts, actor)
        with pytest.raises(SettingsRefused, match="has not ended"):
            check_schema(engine)
        assert restore(settings, engine, lambda: START, archive, facts, actor).facts == made.facts
    check_schema(engine)
    engine.dispose()


@pytest.mark.parametrize(("event", "is_empty"), [("process_started", True), ("audit_read", False)])
def test_a_database_that_was_only_started_is_empty(
    event: str, is_empty: bool, site: KeptSite, tmp_path: Path
) -> None:
    """`firstread serve` notes its start; whatever else the trail tells of is somebody's."""
    made = back_up(site, path := tmp_path / "whole.tar")
    settings = Settings(data_folder=tmp_path / "new", min_free_bytes=0)
    settings.data_folder.mkdir()
    engine = open_engine(settings.database_address)
    make_tables(engine)
    actor = Actor("wu", "administrator", "")
    with transaction(engine) as session:
        record_audit(session, event, START, actor)
    with ArchiveReader(path) as archive:
        facts = archive.check()
        if is_empty:
            assert restore(settings, engine, lambda: START, archive, facts, actor).facts == facts
            assert facts == made.facts
        else:
            with pytest.raises(NotRestored, match="not empty"):
                restore(settings, engine, lambda: START, archive, facts, actor)
    engine.dispose()
