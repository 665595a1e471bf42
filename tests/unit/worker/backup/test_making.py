"""Making an archive: on a full disk, beside others who write, of a site with damage."""

from __future__ import annotations

import errno
import json
import re
import tarfile
from pathlib import Path
from typing import IO, Any

import pytest

from database.accounts.audit import Actor
from database.session import Engine
from radiology.errors import (
    BackupNotWritten,
    SettingsRefused,
)
from tests.builders.stored.kept_studies import START, KeptRows, KeptSite
from tests.unit.worker.backup.archives import back_up, check
from worker.backup.make_backup import make_backup, note_backup
from worker.backup.target_file import remove_parts, whole_file
from worker.backup.write_archive import ArchiveWriter
from worklist.metrics.scrape import Scrapes


class _FullDisk:
    """A file on a disk with room for so many bytes."""

    def __init__(self, file: IO[bytes], room: int) -> None:
        self._file, self._left = file, room

    def write(self, content: Any) -> int:
        self._left -= len(content)
        if self._left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(content)


@pytest.mark.parametrize("room", [0, 5000, 60_000])
def test_a_full_disk(room: int, site: KeptSite, tmp_path: Path) -> None:
    """It says what to do, and leaves nothing: at the head, among the files, among the rows."""
    folder = tmp_path / "kept"
    folder.mkdir()
    said = r"No space left on device.*make room"
    with pytest.raises(BackupNotWritten, match=said), whole_file(folder / "monday.tar") as file:
        make_backup(site.settings, site.engine, lambda: START, _FullDisk(file, room), folder)  # type: ignore[arg-type]
    assert list(folder.iterdir()) == []


def test_there_is_such_a_file(tmp_path: Path) -> None:
    """An archive never takes the place of another one."""
    (path := tmp_path / "monday.tar").write_bytes(b"the only copy")
    with pytest.raises(SettingsRefused, match="such a file already"), whole_file(path):
        pass
    assert path.read_bytes() == b"the only copy"


def test_another_backup_is_left_alone(tmp_path: Path) -> None:
    """What a killed one left is removed, what another one writes at this moment is not."""
    left = tmp_path / ".old.tar.firstread-part"
    left.write_bytes(b"half")
    with whole_file(tmp_path / "new.tar") as file:
        assert not left.exists()
        file.write(b"all")
        file.flush()
        remove_parts(tmp_path)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("new.tar", b"all")]


def test_files_that_go_and_come_while_it_is_made(
    site: KeptSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file that its rows name is in it, whenever retention and node were at work.

    At each file, one study goes and another one comes, for a while.
    """
    studies = [site.study() for _ in range(4)]
    first_add, moments = ArchiveWriter.add, 0

    def add(writer: ArchiveWriter, name: str, content: IO[bytes], size: int) -> None:
        nonlocal moments
        first_add(writer, name, content, size)
        moments += 1
        if moments % 9 == 0 and studies:
            _remove(site, studies.pop())
            site.study()

    monkeypatch.setattr(ArchiveWriter, "add", add)
    back_up(site, path := tmp_path / "whole.tar")
    facts = check(path)
    assert not studies, "nothing went while it was made"
    assert facts.missing == ()
    with tarfile.open(path) as tar:
        there = set(tar.getnames())
        packed = tar.extractfile("rows/instance.jsonl.gz")
        assert packed is not None
        rows = [json.loads(line) for line in _unpacked(packed)]
    named = {f"files/spool/{row['path']}" for row in rows if "removed_at" not in row}
    assert len(named) == 12
    assert named <= there
    assert {name for name in there if name.startswith("files/spool/")} - set(facts.dropped) == named
    assert facts.dropped


def _unpacked(packed: IO[bytes]) -> list[bytes]:
    import gzip

    return gzip.decompress(packed.read()).splitlines()


def _remove(site: KeptSite, study: KeptRows) -> None:
    """As the retention does: rows name the files no more, then they go."""
    from sqlalchemy import text

    with site.engine.begin() as connection:
        for statement in (
            "UPDATE instance SET removed_at = '2026-01-01 00:00:00' WHERE study_id = :id",
            "UPDATE result SET files_removed_at = '2026-01-01 00:00:00', key_picture = NULL,"
            " comparison_file = NULL WHERE study_id = :id",
        ):
            connection.execute(text(statement), {"id": study.study_id})
    for path in (*study.originals, *study.results, study.slices):
        path.unlink()


def test_a_file_that_was_missing_before(site: KeptSite, tmp_path: Path) -> None:
    """Damage does not keep a site from having an archive; it is said."""
    study = site.study()
    study.originals[0].unlink()
    made = back_up(site, tmp_path / "whole.tar")
    lost = study.originals[0].relative_to(site.settings.data_folder)
    assert made.facts.missing == (f"files/{lost}",)
    assert check(tmp_path / "whole.tar").missing == made.facts.missing


def test_a_file_that_cannot_be_read(site: KeptSite, tmp_path: Path) -> None:
    """That is no archive: what is there and is not in it would be lost without a word."""
    study = site.study()
    study.originals[0].unlink()
    study.originals[0].mkdir()
    with pytest.raises(BackupNotWritten, match="cannot be read"):
        back_up(site, tmp_path / "whole.tar")


def test_when_it_was_made_is_scraped(site: KeptSite, tmp_path: Path) -> None:
    """0 before the first one; a backup that fails changes nothing."""

    def scraped() -> float:
        text, _ = Scrapes(site.settings, site.engine, lambda: START).text("")
        (line,) = re.findall(rb"^firstread_last_backup_timestamp_seconds (\S+)", text, re.M)
        return float(line)

    assert scraped() == 0
    made = back_up(site, tmp_path / "whole.tar")
    assert scraped() == 0
    note_backup(site.engine, made, lambda: START, Actor("wu", "administrator", ""))
    assert scraped() == START.timestamp()


def test_the_engine_is_free_afterwards(site: KeptSite, tmp_path: Path) -> None:
    """No read is left open that would keep SQLite's write-ahead log from shrinking."""
    engine: Engine = site.engine
    back_up(site, tmp_path / "whole.tar")
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
