"""One flush for file, folder and row: what is seen before it, and what stays when it fails."""

from __future__ import annotations

import dataclasses
import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from database import session
from database.session import folder_of, open_engine, plain_transaction, query, transaction
from database.studies.instances import Recorded
from database.tables.study.analysis import Instance
from dicom_node.receive.record_arrivals import ArrivalRecorder
from dicom_node.spool import Spool, _disk_faults
from radiology.errors import DatabaseUnavailable, InstanceConflict, SpoolFull
from storage.local_files import LOCAL
from tests.builders.stored.rows import NOON, arrival
from tests.unit.dicom_node.test_record_arrivals import Setup


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    """A study of which one instance is there: those that come now change nothing else of it."""
    made = Setup(tmp_path)
    assert made.recorder.record(*made.waiting(1)) is Recorded.NEW
    yield made
    made.engine.dispose()


def broken() -> None:
    """A disk that cannot be written any more."""
    with _disk_faults:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def seen_at_the_flush(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], Callable[[], None]]:
    """How many rows there are at each flush of everything."""
    seen: list[int] = []
    flush = setup.spool.sync_everything

    def noted() -> None:
        seen.append(setup.count())
        flush()

    monkeypatch.setattr(setup.spool, "sync_everything", noted)
    return seen, flush


def test_an_instance_alone_waits_for_one_flush(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row is there before, and neither file nor folder is flushed by itself."""
    seen, _ = seen_at_the_flush(setup, monkeypatch)
    file = setup.spool.begin(b"")
    file.write(b"second")
    made = dataclasses.replace(setup.waiting(2)[0], sha256=file.sha256)
    monkeypatch.setattr(os, "fsync", lambda descriptor: pytest.fail("flushed by itself"))
    assert setup.recorder.record(made, file) is Recorded.NEW
    assert seen == [2]
    assert (setup.spool.folder / made.path).read_bytes() == b"second"


def test_what_comes_together_waits_for_one_flush(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three of one association; one of them was here before, and is said to be."""
    seen, _ = seen_at_the_flush(setup, monkeypatch)
    new = [setup.waiting(number) for number in (2, 3, 4)]
    assert setup.recorder.record_all(new) == [Recorded.NEW] * 3
    assert seen == [4]
    again = [setup.waiting(5), setup.waiting(1), setup.waiting(2, b"another")]
    *first, conflict = setup.recorder.record_all(again)
    assert first == [Recorded.NEW, Recorded.DUPLICATE]
    assert isinstance(conflict, InstanceConflict)
    assert setup.count() == 5
    assert setup.recorder.record_all([]) == []


def test_other_commits_are_flushed_by_the_database_as_ever(setup: Setup) -> None:
    """Of the same connections: what a worker commits waits for nobody's flush."""
    assert setup.recorder.record(*setup.waiting(2)) is Recorded.NEW
    with setup.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_a_connection_that_would_not_flush_goes_to_nobody_else(setup: Setup) -> None:
    """SQLite refuses to flush each commit again: whoever commits next has another connection."""
    raw = setup.engine.raw_connection()
    raw.driver_connection.set_authorizer(  # type: ignore[union-attr]
        lambda _, name, value, *__: sqlite3.SQLITE_DENY if value == "FULL" else sqlite3.SQLITE_OK
    )
    raw.close()
    with (
        pytest.raises(sqlite3.DatabaseError),
        plain_transaction(setup.engine, flushed_by_caller=True),
    ):
        pass
    with setup.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_a_flush_that_fails_takes_the_row_back(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender is told, comes again, and its instance is a new one then."""
    monkeypatch.setattr(setup.spool, "sync_everything", broken)
    with pytest.raises(SpoolFull):
        setup.recorder.record(*setup.waiting(2))
    assert setup.count() == 1
    monkeypatch.undo()
    assert setup.recorder.record(*setup.waiting(2)) is Recorded.NEW


def test_a_row_that_cannot_be_taken_back_is_taken_back_before_the_next(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is locked just then: until it answers, nobody gets Success for anything."""
    with monkeypatch.context() as impatient:
        impatient.setattr(session, "_BUSY_TIMEOUT_S", 0.1)
        engine = open_engine(str(setup.engine.url))
    setup.recorder = ArrivalRecorder(engine, setup.spool, LOCAL, lambda: NOON)
    lock = setup.engine.connect()

    def locks_and_breaks() -> None:
        lock.exec_driver_sql("SELECT 1")  # it begins a transaction that may write
        broken()

    monkeypatch.setattr(setup.spool, "sync_everything", locks_and_breaks)
    with pytest.raises(DatabaseUnavailable):
        setup.recorder.record(*setup.waiting(2))
    assert setup.count() == 2  # the row is still there
    with pytest.raises(DatabaseUnavailable):
        setup.recorder.record(*setup.waiting(2))  # not: a duplicate, so Success
    lock.rollback()
    monkeypatch.undo()
    assert setup.recorder.record(*setup.waiting(2)) is Recorded.NEW
    assert setup.count() == 2
    lock.close()
    engine.dispose()


def test_a_row_that_a_version_holds_already_stays_as_one_without_a_file(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version is not read without it; what comes again makes another one."""
    second = setup.waiting(2)

    def assembled_and_broken() -> None:
        with transaction(setup.engine) as opened:
            opened.execute(update(Instance).values(study_version=1))
        broken()

    monkeypatch.setattr(setup.spool, "sync_everything", assembled_and_broken)
    with pytest.raises(SpoolFull):
        setup.recorder.record(*second)
    monkeypatch.undo()
    with query(setup.engine) as opened:
        rows = opened.scalars(select(Instance).order_by(Instance.id)).all()
        assert [row.removed_at for row in rows] == [None, NOON]
    assert setup.recorder.record(*setup.waiting(2)) is Recorded.NEW
    with query(setup.engine) as opened:
        rows = opened.scalars(select(Instance).order_by(Instance.id)).all()
        assert [(row.removed_at, row.study_version) for row in rows] == [(None, 1), (None, None)]


def test_a_duplicate_is_answered_behind_a_flush_too(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever recorded the first one may have died before its own."""
    seen, _ = seen_at_the_flush(setup, monkeypatch)
    assert setup.recorder.record(*setup.waiting(1)) is Recorded.DUPLICATE
    assert seen == [1]
    monkeypatch.setattr(setup.spool, "sync_everything", broken)
    with pytest.raises(SpoolFull):
        setup.recorder.record(*setup.waiting(1))


def test_a_duplicate_waits_for_no_flush_where_rows_come_behind_it(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PostgreSQL each row that is seen has a file that is durable."""
    setup.recorder._rows_lie_beside = False
    monkeypatch.setattr(setup.spool, "sync_everything", broken)
    assert setup.recorder.record(*setup.waiting(1)) is Recorded.DUPLICATE


def test_a_database_elsewhere_is_not_flushed_with_the_spool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another file system its rows are committed behind the flush, by a flush of its own."""
    elsewhere = Path("/dev/shm")
    if elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system only")
    spool = Spool(tmp_path / "spool", min_free_bytes=0)
    assert spool.lies_beside(tmp_path)
    assert not spool.lies_beside(elsewhere)
    assert not spool.lies_beside(folder_of(open_engine("sqlite://")))
    assert not spool.lies_beside(folder_of(open_engine("postgresql://localhost/x")))


def test_the_moment_is_the_groups(setup: Setup) -> None:
    """The clock that was given says it, for instance and study."""
    later = NOON + timedelta(seconds=9)
    setup.recorder._clock = lambda: later
    assert setup.recorder.record(*setup.waiting(2)) is Recorded.NEW
    with query(setup.engine) as opened:
        row = opened.scalars(select(Instance).order_by(Instance.id.desc())).first()
        assert row is not None
        assert (row.received_at, row.study.last_instance_at) == (later, later)
        assert row.sop_instance_uid == arrival(1, 2).sop_instance_uid
