"""Makes an archive while Firstread works: rows of one moment, and every file that they name.

Files take hours, rows take minutes. So files come first, as the rows name them when it begins; then
the rows are read in one transaction, and the few files that have come since follow. A file that the
retention took meanwhile is named by no row of that moment. One that goes in the minutes between is
the reason to read the rows once more; a file that is missing both times was missing before.
Files are written once and renamed, so what is read is whole.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

from database.accounts.audit import Actor, record_audit
from database.backup.named import LeftOut, named_paths
from database.backup.rows import RowsSeen, line_of, read_rows, stored_tables
from database.backup.target import OF_THE_MOMENT
from database.retention.state import BACKUP, note_state
from database.schema import newest_revision, standing_revision
from database.session import Engine, Session, query, transaction
from radiology.errors import BackupNotWritten
from settings.environment import Settings
from settings.log.log_events import get_logger
from storage.kept_files import kept_files
from storage.local_files import LOCAL
from worker.backup.archive import DATA, ArchiveFacts, file_member, folders, rows_member
from worker.backup.left_out import EVERYTHING, WithoutWhat, left_out_now
from worker.backup.write_archive import ArchiveWriter, writing_may_fail
from worker.retention.files import beside_picture

_log = get_logger("backup")
_MOST_LOOKS = 10
OnFile = Callable[[int, int], None]


@dataclass(slots=True)
class _Look:
    """What the rows said at one moment."""

    left_out: LeftOut
    names: IO[bytes]  # a line for each file: folder, path, whether it must be there
    count: int = 0
    rows: dict[str, IO[bytes]] = field(default_factory=dict)
    seen: dict[str, RowsSeen] = field(default_factory=dict)

    def close(self) -> None:
        """Give back what it takes on the disk."""
        for file in (self.names, *self.rows.values()):
            file.close()


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """An archive, and the digest by which its manifest is known."""

    facts: ArchiveFacts
    manifest_sha256: str


def make_backup(
    settings: Settings,
    engine: Engine,
    clock: Callable[[], datetime],
    stream: IO[bytes],
    scratch: Path,
    *,
    without: WithoutWhat = EVERYTHING,
    keys: tuple[str, ...] = (),
    on_file: OnFile = lambda _done, _total: None,
) -> MadeBackup:
    """Write an archive to a stream.

    Parameters
    ----------
    scratch : a folder for files without a name, on the disk that the archive goes to
    keys : files of the data folder itself that belong to it
    on_file : told how many of the files are done

    Raises
    ------
    BackupNotWritten
        There is no room, or a file cannot be read.
    """
    return _Backup(settings, engine, clock, scratch, without, keys, on_file).write(stream)


def note_backup(
    engine: Engine, made: MadeBackup, clock: Callable[[], datetime], actor: Actor
) -> None:
    """Note in the running database that an archive has been made."""
    facts = made.facts
    with transaction(engine) as session:
        note_state(session, BACKUP, clock(), taken_at=facts.taken_at, files=facts.files)
        record_audit(
            session,
            "backup_made",
            clock(),
            actor,
            files=facts.files,
            size_bytes=facts.size_bytes,
            manifest_sha256=made.manifest_sha256,
        )
    _log.info(
        "backup_made", files=facts.files, size_bytes=facts.size_bytes, missing=len(facts.missing)
    )


class _Backup:
    """One attempt."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        clock: Callable[[], datetime],
        scratch: Path,
        without: WithoutWhat,
        keys: tuple[str, ...],
        on_file: OnFile,
    ) -> None:
        self._settings, self._engine, self._clock = settings, engine, clock
        self._scratch, self._without, self._keys = scratch, without, keys
        self._on_file = on_file
        self._folders = folders(settings)
        self._copied: set[bytes] = set()  # digests: there may be millions of files

    def write(self, stream: IO[bytes]) -> MadeBackup:
        with ArchiveWriter(
            stream, self._scratch, version=version("firstread"), revision=newest_revision()
        ) as writer:
            return self._write(writer)

    def _write(self, writer: ArchiveWriter) -> MadeBackup:
        look = self._look(rows=False)
        try:
            gone = self._copy(writer, look)
            for _ in range(_MOST_LOOKS):
                look.close()
                before, look = gone, self._look(rows=True)
                gone = self._copy(writer, look)
                if gone <= before:
                    break
            else:
                raise BackupNotWritten(
                    "Files go faster than they can be copied: let 'firstread retention --now' end "
                    "before the backup"
                )
            if gone:
                _log.error("files_missing", files=len(gone))
            return self._end(writer, look, gone)
        finally:
            look.close()

    def _look(self, *, rows: bool) -> _Look:
        with query(self._engine) as session:
            left_out = left_out_now(self._settings, session, self._clock(), self._without)
            look = _Look(left_out, self._nameless())
            try:
                for named in self._names(session, left_out):
                    with writing_may_fail():
                        look.names.write(json.dumps(named).encode() + b"\n")
                    look.count += 1
                if rows:
                    self._dump(session, look)
            except BaseException:
                look.close()
                raise
        return look

    def _names(self, session: Session, left_out: LeftOut) -> Iterator[tuple[str, str, bool]]:
        for one in named_paths(session, left_out):
            yield one.folder, one.path, True
            if one.is_picture:
                for path in beside_picture(one.path, slices=one.slices):
                    yield one.folder, path, False
        for key in self._keys:
            yield DATA, key, False

    def _dump(self, session: Session, look: _Look) -> None:
        connection = session.connection()
        if standing_revision(connection) != newest_revision():
            raise BackupNotWritten("The schema was changed meanwhile: run the backup again")
        for table in stored_tables(connection):
            if table.name in OF_THE_MOMENT:
                continue
            seen = look.seen[table.name] = RowsSeen()
            kept = look.rows[table.name] = self._nameless()
            with writing_may_fail(), gzip.GzipFile(fileobj=kept, mode="wb", mtime=0) as packed:
                for row in read_rows(connection, table):
                    line = line_of(look.left_out.row(table.name, row))
                    seen.add(line)
                    packed.write(line)

    def _copy(self, writer: ArchiveWriter, look: _Look) -> set[str]:
        """Copy what is not in the archive as it is now; gives the files that are not there."""
        gone = set()
        look.names.seek(0)
        for done, line in enumerate(look.names, start=1):
            folder, path, required = json.loads(line)
            if not self._copy_file(writer, folder, path) and required:
                gone.add(file_member(folder, path))
            self._on_file(done, look.count)
        return gone

    def _copy_file(self, writer: ArchiveWriter, folder: str, path: str) -> bool:
        name = file_member(folder, path)
        files = LOCAL if folder == DATA else kept_files(self._settings)
        try:
            with files.reading(self._folders[folder] / path) as file:
                mark = _digest(f"{name} {file.mark}")  # another file in its place is another one
                if mark not in self._copied:
                    writer.add(name, file.stream, file.size_bytes)
                    self._copied.add(mark)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return False
            raise BackupNotWritten(
                f"A file of the data folder cannot be read ({error.strerror})", file=name
            ) from error
        return True

    def _end(self, writer: ArchiveWriter, look: _Look, gone: set[str]) -> MadeBackup:
        named, files, size_bytes = set(), 0, 0
        look.names.seek(0)
        for line in look.names:
            folder, path, _ = json.loads(line)
            named.add(_digest(file_member(folder, path)))
        dropped = []
        for line in writer.members():
            member = json.loads(line)
            if not member["name"].startswith("files/"):
                continue
            if _digest(member["name"]) in named:
                files, size_bytes = files + 1, size_bytes + member["size"]
            else:
                dropped.append(member["name"])
        for table, kept in look.rows.items():
            size = kept.tell()
            kept.seek(0)
            writer.add(rows_member(table), kept, size)
        facts = ArchiveFacts(
            version=version("firstread"),
            revision=newest_revision(),
            taken_at=look.left_out.at.isoformat(),
            rows={name: (seen.count, f"{seen.total:x}") for name, seen in look.seen.items()},
            files=files,
            size_bytes=size_bytes,
            missing=tuple(sorted(gone)),
            dropped=tuple(dropped),
            studies_without_originals=len(look.left_out.originals_of),
            slices=not self._without.slices,
        )
        return MadeBackup(facts, writer.end(facts))

    def _nameless(self) -> IO[bytes]:
        """A file that is gone when this process is."""
        with writing_may_fail():
            return tempfile.TemporaryFile(dir=self._scratch)


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=16).digest()
