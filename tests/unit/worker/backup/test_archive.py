"""What passes for an archive: one that is whole, of a known form, and stays in the data folder."""

from __future__ import annotations

import ctypes
import errno
import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from database.accounts.audit import Actor, record_audit
from database.schema import check_schema, upgrade_schema
from database.session import Engine, open_engine, transaction
from dicom_node import whole_flush
from radiology.errors import (
    ArchiveRefused,
    BackupNotWritten,
    NotRestored,
    SettingsRefused,
    SpoolFull,
)
from settings.environment import Settings
from tests.builders.stored.kept_studies import START, KeptRows, KeptSite
from worker.backup.archive import MANIFEST, ArchiveFacts
from worker.backup.make_backup import MadeBackup, make_backup, note_backup
from worker.backup.read_archive import ArchiveReader
from worker.backup.restore import Restored, require_restorable, restore
from worker.backup.target_file import remove_parts, whole_file
from worker.backup.write_archive import ArchiveWriter
from worklist.metrics.scrape import Scrapes


@pytest.fixture
def site(tmp_path: Path) -> KeptSite:
    """Two studies, with their schema as migrations make it."""
    settings = Settings(data_folder=tmp_path / "data", min_free_bytes=0)
    settings.data_folder.mkdir()
    engine = open_engine(settings.database_address)
    upgrade_schema(engine)
    made = KeptSite(engine, settings, image_bytes=3000)
    made.study()
    made.study()
    return made


def _back_up(site: KeptSite, path: Path) -> MadeBackup:
    with path.open("wb") as file:
        return make_backup(site.settings, site.engine, lambda: START, file, path.parent)


def _check(path: Path) -> ArchiveFacts:
    with ArchiveReader(path) as archive:
        return archive.check()


def _written(path: Path, fill: Callable[[ArchiveWriter], None], **facts: object) -> Path:
    """An archive with members of the test's own, and a manifest that is right."""
    with (
        path.open("wb") as file,
        ArchiveWriter(file, path.parent, version="0.1.0", revision="0001_first_schema") as writer,
    ):
        fill(writer)
        writer.end(
            ArchiveFacts(
                **{
                    "version": "0.1.0",
                    "revision": "0001_first_schema",
                    "taken_at": START.isoformat(),
                    "rows": {},
                    "files": 0,
                    "size_bytes": 0,
                    "missing": (),
                    "dropped": (),
                    "studies_without_originals": 0,
                    "slices": True,
                }
                | facts  # type: ignore[arg-type]
            )
        )
    return path


def test_one_that_is_whole(site: KeptSite, tmp_path: Path) -> None:
    """It says what it holds; another program finds the same in it."""
    made = _back_up(site, tmp_path / "whole.tar")
    facts = _check(tmp_path / "whole.tar")
    assert facts == made.facts
    assert (facts.files, facts.missing, facts.dropped) == (12, (), ())
    assert facts.rows["study"][0] == 2
    with tarfile.open(tmp_path / "whole.tar") as tar:
        names = tar.getnames()
        manifest = tar.extractfile(MANIFEST)
        assert manifest is not None
        lines = manifest.read().splitlines()
    assert [json.loads(line)["name"] for line in lines[:-1]] == names[:-2]
    assert len(set(names)) == len(names)


def test_any_damage_is_found(site: KeptSite, tmp_path: Path) -> None:
    """One bit in any member, a cut anywhere, something behind it: nothing of it is taken.

    Only the padding between members may differ: it holds nothing.
    """
    whole, damaged = tmp_path / "whole.tar", tmp_path / "damaged.tar"
    _back_up(site, whole)
    content = whole.read_bytes()
    with tarfile.open(whole) as tar:
        members = [(one.offset_data, one.size) for one in tar.getmembers() if one.size]
    assert len(members) > 40
    for start, size in members:
        changed = bytearray(content)
        changed[start + size // 2] ^= 1
        damaged.write_bytes(changed)
        with pytest.raises(ArchiveRefused):
            _check(damaged)
    last = members[-1][0]
    for cut in range(0, last, last // 40):
        damaged.write_bytes(content[:cut])
        with pytest.raises(ArchiveRefused):
            _check(damaged)


def test_a_member_that_was_changed_behind_the_check(site: KeptSite, tmp_path: Path) -> None:
    """Between reading it once and reading it again."""
    _back_up(site, path := tmp_path / "whole.tar")
    with ArchiveReader(path) as archive:
        archive.check()
        content = bytearray(path.read_bytes())
        content[content.index(b"i" * 3000) + 5] ^= 1
        path.write_bytes(content)
        with pytest.raises(ArchiveRefused, match="damaged"):
            _read_again(archive)


def _read_again(archive: ArchiveReader) -> None:
    for member in archive.members():
        for _ in member.pieces:
            pass


@pytest.mark.parametrize(
    "name",
    [
        "files/spool//etc/passwd",
        "/etc/passwd",
        "files/spool/../../etc/passwd",
        "files/spool/1.2/..",
        "files/../spool/1.dcm",
        "files/spool/.hidden",
        "files/broker/messages/1",
        "files/data/firstread.sqlite",
        "files/spool/",
        "files/",
        "rows/../study.jsonl.gz",
        "somewhere/else",
    ],
)
def test_a_name_that_leads_out(name: str, tmp_path: Path) -> None:
    """Its digests are right, and it is refused all the same."""
    path = _written(tmp_path / "made.tar", lambda writer: writer.add(name, io.BytesIO(b"x"), 1))
    with pytest.raises(ArchiveRefused, match="leads out"):
        _check(path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_a_member_that_is_no_file(kind: bytes, tmp_path: Path) -> None:
    """A link would lead what comes after it out of the folder."""

    def link(writer: ArchiveWriter) -> None:
        entry = tarfile.TarInfo("files/spool/1")
        entry.type, entry.linkname = kind, "/etc"
        writer._tar.addfile(entry)

    with pytest.raises(ArchiveRefused, match="no plain file"):
        _check(_written(tmp_path / "made.tar", link))


def test_of_a_newer_version(tmp_path: Path) -> None:
    """Its rows have columns that are not known here."""
    path = _written(tmp_path / "made.tar", lambda _: None, revision="9999_much_later")
    facts = _check(path)
    with pytest.raises(ArchiveRefused, match=r"newer version.*9999_much_later"):
        require_restorable(facts)


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\0" * 20_480])
def test_something_else(content: bytes, tmp_path: Path) -> None:
    """It is said that this is none."""
    (path := tmp_path / "letter.txt").write_bytes(content)
    with pytest.raises(ArchiveRefused):
        _check(path)
    with pytest.raises(SettingsRefused, match="no such file"):
        ArchiveReader(tmp_path / "nowhere.tar")


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


def test_a_restore_that_cannot_write(site: KeptSite, tmp_path: Path) -> None:
    """It says what to do, nothing is served, and the same command ends it."""
    made = _back_up(site, path := tmp_path / "whole.tar")
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
    made = _back_up(site, path := tmp_path / "whole.tar")
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
    made = _back_up(site, path := tmp_path / "whole.tar")
    settings = Settings(data_folder=tmp_path / "new", min_free_bytes=0)
    settings.data_folder.mkdir()
    engine = open_engine(settings.database_address)
    upgrade_schema(engine)
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
    _back_up(site, path := tmp_path / "whole.tar")
    facts = _check(path)
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
    made = _back_up(site, tmp_path / "whole.tar")
    lost = study.originals[0].relative_to(site.settings.data_folder)
    assert made.facts.missing == (f"files/{lost}",)
    assert _check(tmp_path / "whole.tar").missing == made.facts.missing


def test_a_file_that_cannot_be_read(site: KeptSite, tmp_path: Path) -> None:
    """That is no archive: what is there and is not in it would be lost without a word."""
    study = site.study()
    study.originals[0].unlink()
    study.originals[0].mkdir()
    with pytest.raises(BackupNotWritten, match="cannot be read"):
        _back_up(site, tmp_path / "whole.tar")


def test_when_it_was_made_is_scraped(site: KeptSite, tmp_path: Path) -> None:
    """0 before the first one; a backup that fails changes nothing."""

    def scraped() -> float:
        text, _ = Scrapes(site.settings, site.engine, lambda: START).text("")
        (line,) = re.findall(rb"^firstread_last_backup_timestamp_seconds (\S+)", text, re.M)
        return float(line)

    assert scraped() == 0
    made = _back_up(site, tmp_path / "whole.tar")
    assert scraped() == 0
    note_backup(site.engine, made, lambda: START, Actor("wu", "administrator", ""))
    assert scraped() == START.timestamp()


def test_the_engine_is_free_afterwards(site: KeptSite, tmp_path: Path) -> None:
    """No read is left open that would keep SQLite's write-ahead log from shrinking."""
    engine: Engine = site.engine
    _back_up(site, tmp_path / "whole.tar")
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
