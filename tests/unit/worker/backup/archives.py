"""Archives that tests make and read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.builders.stored.kept_studies import START, KeptSite
from worker.backup.archive import ArchiveFacts
from worker.backup.make_backup import MadeBackup, make_backup
from worker.backup.read_archive import ArchiveReader
from worker.backup.write_archive import ArchiveWriter


def back_up(site: KeptSite, path: Path) -> MadeBackup:
    """An archive of a site."""
    with path.open("wb") as file:
        return make_backup(site.settings, site.engine, lambda: START, file, path.parent)


def check(path: Path) -> ArchiveFacts:
    """Read it whole; what it says of itself."""
    with ArchiveReader(path) as archive:
        return archive.check()


def written(path: Path, fill: Callable[[ArchiveWriter], None], **facts: object) -> Path:
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
