"""Restores an archive into an empty data folder and an empty database of either size.

1. The archive has been read once and is whole.
2. The database gets empty tables and says, where its revision stands, that a restore has not ended:
   nothing is served from it. The data folder gets a file with the token of that attempt.
3. Files are written, and forced to the disk.
4. Rows come in one transaction, are compared with the archive, and are migrated.

Whoever is killed is called again: where database and data folder have the same token, what lies
there is removed, and the restore begins anew.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from database.accounts.audit import Actor, record_audit
from database.backup.rows import row_of, seen_rows, stored_tables, write_rows
from database.backup.target import begin_filling, filling, is_there, writing
from database.retention.state import BACKUP, RESTORED, note_state, noted_state
from database.schema import is_known, migrate, newest_revision, standing_revision
from database.session import Engine, query
from dicom_node.whole_flush import WholeFlush
from radiology.errors import ArchiveRefused, NotRestored, SpoolFull
from settings.environment import Settings
from settings.log.log_events import get_logger
from storage.kept_files import kept_files
from worker.backup.archive import DATA, ArchiveFacts, folders, place_of, table_of
from worker.backup.read_archive import ArchiveReader, ReadMember

_log = get_logger("backup")
_ATTEMPT = "restoring"  # a file in the data folder: the token of an attempt that has not ended
_KEY_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored; `already`: an earlier call had done it, and nothing was done now."""

    facts: ArchiveFacts
    already: bool = False


def restore(
    settings: Settings,
    engine: Engine,
    clock: Callable[[], datetime],
    archive: ArchiveReader,
    facts: ArchiveFacts,
    actor: Actor,
    *,
    keys: tuple[str, ...] = (),
    on_file: Callable[[int, int], None] = lambda _done, _total: None,
) -> Restored:
    """Restore an archive that has been checked.

    Parameters
    ----------
    facts : what `ArchiveReader.check` gave
    keys : files that may lie in the data folder itself
    on_file : told how many of the files are there

    Raises
    ------
    ArchiveRefused
        A newer version made it.
    NotRestored
        There is something in the database or in the data folder, or Firstread runs.
    SpoolFull
        There is no room for the files.
    ObjectStorageUnavailable
        The bucket does not take them.
    """
    return _Restore(settings, engine, clock, archive, facts, actor, keys, on_file).run()


class _Restore:
    """One attempt."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        clock: Callable[[], datetime],
        archive: ArchiveReader,
        facts: ArchiveFacts,
        actor: Actor,
        keys: tuple[str, ...],
        on_file: Callable[[int, int], None],
    ) -> None:
        self._settings, self._engine, self._clock = settings, engine, clock
        self._archive, self._facts, self._actor = archive, facts, actor
        self._keys, self._on_file = keys, on_file
        self._files = kept_files(settings)
        self._folders = folders(settings)
        self._mark = settings.data_folder / _ATTEMPT

    def run(self) -> Restored:
        require_restorable(self._facts)
        settings = self._settings
        makes_one = settings.database_url is None and not settings.sqlite_file.exists()
        if not makes_one and self._was_restored():
            self._mark.unlink(missing_ok=True)
            return Restored(self._facts, already=True)
        if not self._mark.exists():
            self._require_empty_folder()
        begun = begin_filling(self._engine, self._facts.revision, self._clock())
        self._prepare_folder(begun.token, goes_on=begun.goes_on)
        with ExitStack() as stack:
            rows = self._unpack(stack)
            self._fill(begun.token, rows)
        self._mark.unlink()
        _log.info("backup_restored", files=self._facts.files, size_bytes=self._facts.size_bytes)
        return Restored(self._facts)

    def _was_restored(self) -> bool:
        if not is_there(self._engine):
            return False
        with query(self._engine) as session:
            if standing_revision(session.connection()) != newest_revision():
                return False
            noted = noted_state(session, RESTORED)
        return noted is not None and noted.facts["archive"] == self._archive.manifest_sha256

    def _require_empty_folder(self) -> None:
        kept = [*self._folders.values(), self._settings.uploads_folder]
        there = [self._settings.data_folder / key for key in self._keys]
        there = [one for one in there if one.exists()]
        for folder in kept:
            if folder != self._settings.data_folder:
                there += [one for one in folder.rglob("*") if one.is_file()][:1]
        if not there and self._holds_objects(kept):
            raise NotRestored(
                "The bucket is not empty under the prefix: let object_storage.prefix name another "
                "one, or remove what is there if nobody needs it"
            )
        if there:
            raise NotRestored(
                "The data folder is not empty: let data_folder name another one (and database_url "
                "an empty database), or remove what is there if nobody needs it",
                data_folder=str(self._settings.data_folder),
            )

    def _holds_objects(self, folders: Iterable[Path]) -> bool:
        return self._files.are_elsewhere and any(
            True
            for folder in folders
            if folder != self._settings.data_folder
            for _ in self._files.names(folder)
        )

    def _prepare_folder(self, token: str, *, goes_on: bool) -> None:
        """Take away what an attempt left that had the same token, and put ours in its place."""
        if self._mark.exists():
            if not goes_on or self._mark.read_text() != token:
                raise NotRestored(
                    "The data folder has part of another restore: let data_folder name an empty "
                    "one",
                    data_folder=str(self._settings.data_folder),
                )
            for folder in self._folders.values():
                if folder != self._settings.data_folder:
                    self._files.remove_below(folder)
            for key in self._keys:
                (self._settings.data_folder / key).unlink(missing_ok=True)
        new = self._mark.with_name(f".{_ATTEMPT}")
        new.write_text(token)
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.rename(self._mark)
        free = shutil.disk_usage(self._settings.data_folder).free
        if free < self._facts.size_bytes:
            raise SpoolFull(
                f"The files take {self._facts.size_bytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB "
                "are free where the data folder is: make room, and run the command again"
            )

    def _unpack(self, stack: ExitStack) -> dict[str, IO[bytes]]:
        """Write files, durably; gives the rows of each table, in the order of the archive."""
        flushes = {name: self._flush_of(one, stack) for name, one in self._folders.items()}
        dropped, rows = set(self._facts.dropped), dict[str, IO[bytes]]()
        done = 0
        for member in self._archive.members():
            table = table_of(member.name)
            if table is not None:
                rows[table] = self._nameless(stack)
                _write(rows[table], member)
                continue
            folder, path = place_of(member.name, self._keys)
            if member.name in dropped:
                for _ in member.pieces:
                    pass
                continue
            with _room_may_end():
                (self._folders[folder] / path).parent.mkdir(parents=True, exist_ok=True)
                with (self._folders[folder] / path).open("wb") as file:
                    _write(file, member)
                    if folder == DATA:
                        os.fchmod(file.fileno(), _KEY_MODE)
                    if not flushes[folder].is_sure:
                        file.flush()
                        os.fsync(file.fileno())
            if folder != DATA:
                place = self._folders[folder] / path
                self._files.keep([(place, place)])
            done += 1
            self._on_file(done, self._facts.files)
        with _room_may_end():
            for flush in flushes.values():
                if flush.is_sure:
                    flush.flush()
        os.sync()  # of those that are not sure the folders; it tells of no fault
        return rows

    def _flush_of(self, folder: Path, stack: ExitStack) -> WholeFlush:
        """What tells of any fault of what is written into a folder from now on."""
        with _room_may_end():
            folder.mkdir(parents=True, exist_ok=True)
            return stack.enter_context(closing(WholeFlush(folder)))

    def _nameless(self, stack: ExitStack) -> IO[bytes]:
        """A file that is gone when this process is."""
        with _room_may_end():
            return stack.enter_context(tempfile.TemporaryFile(dir=self._settings.data_folder))

    def _fill(self, token: str, rows: dict[str, IO[bytes]]) -> None:
        with filling(self._engine, self._facts.revision, token) as connection:
            tables = {one.name: one for one in stored_tables(connection)}
            if set(rows) != set(self._facts.rows) or not set(rows) <= set(tables):
                raise ArchiveRefused("The archive has other tables than its schema")
            for name, packed in rows.items():
                packed.seek(0)
                with gzip.GzipFile(fileobj=packed) as lines:
                    try:
                        write_rows(connection, tables[name], (row_of(line) for line in lines))
                    except (ValueError, KeyError, TypeError) as error:
                        raise ArchiveRefused("A row has another form", table=name) from error
                if seen_rows(connection, tables[name]) != self._facts.seen(name):
                    raise ArchiveRefused("Rows are not the same after the restore", table=name)
            migrate(connection)
            taken_at = datetime.fromisoformat(self._facts.taken_at)
            with writing(connection) as session:
                note_state(session, BACKUP, taken_at, taken_at=self._facts.taken_at)
                note_state(session, RESTORED, self._clock(), archive=self._archive.manifest_sha256)
                record_audit(
                    session,
                    "backup_restored",
                    self._clock(),
                    self._actor,
                    files=self._facts.files,
                    size_bytes=self._facts.size_bytes,
                    taken_at=self._facts.taken_at,
                    manifest_sha256=self._archive.manifest_sha256,
                )


def require_restorable(facts: ArchiveFacts) -> None:
    """Make sure that migrations lead from the archive's schema to ours.

    Raises
    ------
    ArchiveRefused
        A newer version made it.
    """
    if not is_known(facts.revision):
        raise ArchiveRefused(
            "A newer version of Firstread made this archive: restore it with that version",
            version=facts.version,
            revision=facts.revision,
        )


def _write(file: IO[bytes], member: ReadMember) -> None:
    with _room_may_end():
        file.writelines(member.pieces)


@contextmanager
def _room_may_end() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpoolFull(
            f"The files of the archive cannot be written ({error.strerror}): mend that, and run "
            "the command again",
            os_error=error.errno,
        ) from error
