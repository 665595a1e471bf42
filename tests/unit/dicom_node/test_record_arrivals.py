"""One transaction for what waits; all or nothing; an answer for everybody."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from database.session import Engine, open_engine, query
from database.studies.instances import Arrival, Recorded
from database.tables.study.analysis import Instance
from dicom_node.receive.record_arrivals import ArrivalRecorder
from dicom_node.spool import Spool, SpoolFile, instance_path
from radiology.errors import InstanceConflict, SpoolFull
from storage.local_files import LOCAL
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.rows import NOON, arrival


class Setup:
    """A database, a spool and a recorder."""

    def __init__(self, folder: Path) -> None:
        self.engine: Engine = open_engine(f"sqlite:///{folder / 'test.sqlite'}")
        make_tables(self.engine)
        self.spool = Spool(folder / "spool", min_free_bytes=0)
        self.recorder = ArrivalRecorder(self.engine, self.spool, LOCAL, lambda: NOON)

    def waiting(self, number: int, content: bytes = b"data") -> tuple[Arrival, SpoolFile]:
        """An instance whose bytes are durable."""
        file = self.spool.begin(b"")
        file.write(content)
        file.make_durable()
        made = dataclasses.replace(arrival(1, number, sha256=file.sha256), size_bytes=file.size)
        path = instance_path(
            made.study_instance_uid, made.series_instance_uid, made.sop_instance_uid
        )
        return dataclasses.replace(made, path=path), file

    def count(self) -> int:
        """Rows of instances."""
        with query(self.engine) as session:
            return session.scalar(select(func.count()).select_from(Instance)) or 0


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    """Everything that recording needs."""
    made = Setup(tmp_path)
    yield made
    made.engine.dispose()


def test_new_and_duplicate(setup: Setup) -> None:
    """The first makes a row and a file; the same again neither."""
    assert setup.recorder.record(*setup.waiting(1)) is Recorded.NEW
    again, file = setup.waiting(1)
    assert setup.recorder.record(again, file) is Recorded.DUPLICATE
    assert file.path.exists()  # the caller discards it
    assert setup.count() == 1


def test_a_conflict_does_not_touch_the_stored_file(setup: Setup) -> None:
    """The file of the first object stays as it was."""
    first, file = setup.waiting(1, b"first")
    setup.recorder.record(first, file)
    with pytest.raises(InstanceConflict):
        setup.recorder.record(*setup.waiting(1, b"second"))
    assert (setup.spool.folder / first.path).read_bytes() == b"first"


def test_a_file_without_a_row_is_replaced(setup: Setup) -> None:
    """The trace of a crash before the row was made is no obstacle."""
    made, file = setup.waiting(1)
    place = setup.spool.folder / made.path
    place.parent.mkdir(parents=True)
    place.write_bytes(b"from before the crash")
    assert setup.recorder.record(made, file) is Recorded.NEW
    assert place.read_bytes() == b"data"


def test_many_threads_share_transactions(setup: Setup) -> None:
    """Sixteen senders at once: each gets its answer, and fewer transactions than instances."""
    transactions = 0
    original = setup.recorder._commit

    def counted(together: object) -> list[Recorded | Exception]:
        nonlocal transactions
        transactions += 1
        return original(together)  # type: ignore[arg-type]

    setup.recorder._commit = counted  # type: ignore[method-assign]
    waiting = [setup.waiting(number) for number in range(96)]
    start = threading.Barrier(16)

    def sender(first: int) -> list[Recorded]:
        start.wait()
        return [setup.recorder.record(*one) for one in waiting[first::16]]

    with ThreadPoolExecutor(16) as pool:
        answers = [answer for part in pool.map(sender, range(16)) for answer in part]
    assert answers == [Recorded.NEW] * 96
    assert setup.count() == 96
    assert transactions < 96


def test_a_failure_is_everybodys_answer(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be flushed has no row, and the next instance is recorded again."""

    def full(*_folders: object) -> None:
        raise SpoolFull

    monkeypatch.setattr(setup.spool, "sync", full)
    monkeypatch.setattr(setup.spool, "sync_everything", full)
    with pytest.raises(SpoolFull):
        setup.recorder.record(*setup.waiting(1))
    monkeypatch.undo()
    assert setup.count() == 0
    assert setup.recorder.record(*setup.waiting(1)) is Recorded.NEW


def test_a_defect_is_the_answer_of_its_own_instance_only(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who shared the transaction that failed are recorded each in one of its own."""
    together = [setup.waiting(number) for number in range(3)]
    entered, go_on = threading.Event(), threading.Event()
    place = setup.spool.place

    def slow_then_broken(file: SpoolFile, relative: str) -> set[str]:
        entered.set()
        go_on.wait(10)
        if relative == together[1][0].path:
            raise KeyError("a defect")
        return place(file, relative)

    monkeypatch.setattr(setup.spool, "place", slow_then_broken)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(setup.recorder.record, *together[0])
        entered.wait(10)
        others = [pool.submit(setup.recorder.record, *one) for one in together[1:]]
        while len(setup.recorder._waiting) < 2:
            threading.Event().wait(0.01)
        go_on.set()
        assert first.result(10) is Recorded.NEW
        assert isinstance(others[0].exception(10), KeyError)
        assert others[1].result(10) is Recorded.NEW
    assert setup.count() == 2
    assert not setup.recorder._waiting


def test_a_defect_among_instances_that_came_together(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None has a row, although one is in its place already; then each may be recorded alone."""
    together = [setup.waiting(number, b"%d" % number) for number in (1, 2, 3)]
    place = setup.spool.place

    def broken(file: SpoolFile, relative: str) -> set[str]:
        if relative == together[1][0].path:
            raise KeyError("a defect")
        return place(file, relative)

    monkeypatch.setattr(setup.spool, "place", broken)
    with pytest.raises(KeyError):
        setup.recorder.record_all(together)
    assert setup.count() == 0
    assert [setup.recorder.record(*together[k]) for k in (0, 2)] == [Recorded.NEW] * 2
    for made, _ in (together[0], together[2]):
        assert setup.spool.holds(made.path, 1, made.sha256)


def test_the_clock_is_the_one_that_was_given(setup: Setup) -> None:
    """No moment is taken from the system."""
    setup.recorder.record(*setup.waiting(1))
    with query(setup.engine) as session:
        assert session.scalars(select(Instance.received_at)).one() == NOON
    assert datetime(2026, 1, 1, 12, tzinfo=UTC) == NOON
