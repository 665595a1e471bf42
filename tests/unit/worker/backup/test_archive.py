"""What passes for an archive: one that is whole, of a known form, and stays in the data folder."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from radiology.errors import (
    ArchiveRefused,
    SettingsRefused,
)
from tests.builders.stored.kept_studies import KeptSite
from tests.unit.worker.backup.archives import back_up, check, written
from worker.backup.archive import MANIFEST
from worker.backup.read_archive import ArchiveReader
from worker.backup.restore import require_restorable
from worker.backup.write_archive import ArchiveWriter


def test_one_that_is_whole(site: KeptSite, tmp_path: Path) -> None:
    """It says what it holds; another program finds the same in it."""
    made = back_up(site, tmp_path / "whole.tar")
    facts = check(tmp_path / "whole.tar")
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
    back_up(site, whole)
    content = whole.read_bytes()
    with tarfile.open(whole) as tar:
        members = [(one.offset_data, one.size) for one in tar.getmembers() if one.size]
    assert len(members) > 40
    for start, size in members:
        changed = bytearray(content)
        changed[start + size // 2] ^= 1
        damaged.write_bytes(changed)
        with pytest.raises(ArchiveRefused):
            check(damaged)
    last = members[-1][0]
    for cut in range(0, last, last // 40):
        damaged.write_bytes(content[:cut])
        with pytest.raises(ArchiveRefused):
            check(damaged)


def test_a_member_that_was_changed_behind_thecheck(site: KeptSite, tmp_path: Path) -> None:
    """Between reading it once and reading it again."""
    back_up(site, path := tmp_path / "whole.tar")
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
    path = written(tmp_path / "made.tar", lambda writer: writer.add(name, io.BytesIO(b"x"), 1))
    with pytest.raises(ArchiveRefused, match="leads out"):
        check(path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_a_member_that_is_no_file(kind: bytes, tmp_path: Path) -> None:
    """A link would lead what comes after it out of the folder."""

    def link(writer: ArchiveWriter) -> None:
        entry = tarfile.TarInfo("files/spool/1")
        entry.type, entry.linkname = kind, "/etc"
        writer._tar.addfile(entry)

    with pytest.raises(ArchiveRefused, match="no plain file"):
        check(written(tmp_path / "made.tar", link))


def test_of_a_newer_version(tmp_path: Path) -> None:
    """Its rows have columns that are not known here."""
    path = written(tmp_path / "made.tar", lambda _: None, revision="9999_much_later")
    facts = check(path)
    with pytest.raises(ArchiveRefused, match=r"newer version.*9999_much_later"):
        require_restorable(facts)


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\0" * 20_480])
def test_something_else(content: bytes, tmp_path: Path) -> None:
    """It is said that this is none."""
    (path := tmp_path / "letter.txt").write_bytes(content)
    with pytest.raises(ArchiveRefused):
        check(path)
    with pytest.raises(SettingsRefused, match="no such file"):
        ArchiveReader(tmp_path / "nowhere.tar")
