"""Instances that wait together: flushed once, and answered afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from database.studies.instances import Arrival, Recorded
from dicom_node.spool import SpoolFile, _disk_faults
from radiology.errors import SpoolFull
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.test_record_arrivals import Setup

Waiting = tuple[Arrival, SpoolFile]


class Group:
    """One instance that is being recorded, and three that wait behind it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.setup = Setup(folder)
        self.flushed: list[str] = []
        self._monkeypatch = monkeypatch

    def waiting(self, number: int) -> Waiting:
        """An instance that is written and not flushed."""
        arrival, _ = self.setup.waiting(number, b"%d" % number)
        file = self.setup.spool.begin(b"")
        file.write(b"%d" % number)
        self._monkeypatch.setattr(file, "make_durable", self._noted(number, file.make_durable))
        return arrival, file

    def _noted(self, number: int, flush: Callable[[], None]) -> Callable[[], None]:
        def noted() -> None:
            self.flushed.append(f"file {number}")
            flush()

        return noted

    def record(self, everything: Callable[[], None]) -> list[Recorded | BaseException]:
        """Record the four; `everything` is called for the flush of the three that wait."""
        begun, go_on = threading.Event(), threading.Event()
        spool = self.setup.spool
        sync, flush = spool.sync, spool.sync_everything

        def wait() -> None:
            begun.set()
            assert go_on.wait(60)

        def slow(folders: set[str]) -> None:
            wait()
            sync(folders)

        def slow_or_given() -> None:
            if not begun.is_set():
                wait()
                flush()
            else:
                everything()

        self._monkeypatch.setattr(spool, "sync", slow)
        self._monkeypatch.setattr(spool, "sync_everything", slow_or_given)
        recorder = self.setup.recorder
        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(recorder.record, *self.waiting(1))]
            assert begun.wait(60)
            answers += [pool.submit(recorder.record, *self.waiting(k)) for k in (2, 3, 4)]
            wait_until(lambda: len(recorder._waiting) == 3, what="three that wait", limit_s=60)
            go_on.set()
            return [one.exception(60) or one.result(60) for one in answers]


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Group:
    """Four instances of one study."""
    return Group(tmp_path, monkeypatch)


@pytest.mark.parametrize("beside", [True, False])
def test_three_that_wait_are_flushed_once(group: Group, beside: bool) -> None:
    """All are in their places then; rows are made before where the flush is of the rows too."""
    spool = group.setup.spool
    assert group.setup.recorder._rows_lie_beside
    group.setup.recorder._rows_lie_beside = beside
    seen: list[tuple[int, int]] = []
    flush = spool.sync_everything

    def everything() -> None:
        placed = [one for one in spool.folder.rglob("*.dcm") if ".incoming" not in one.parts]
        seen.append((len(placed), group.setup.count()))
        flush()

    assert group.record(everything) == [Recorded.NEW] * 4
    assert seen == [(4, 4 if beside else 1)]
    assert group.flushed == []  # none by itself
    assert group.setup.count() == 4


def test_a_flush_that_fails_is_the_answer_of_all(group: Group) -> None:
    """No row of theirs stays; who sent them sends again."""

    def broken() -> None:
        with _disk_faults:
            raise OSError(5, "Input/output error")

    first, *others = group.record(broken)
    assert first is Recorded.NEW
    assert [type(one) for one in others] == [SpoolFull] * 3
    assert group.setup.count() == 1
    group.setup.spool._whole.is_sure = False  # as after a real one
    assert group.setup.recorder.record(*group.waiting(2)) is Recorded.NEW


def test_where_one_flush_cannot_be_believed_each_is_flushed(group: Group) -> None:
    """Before any of them has a row; the flush of all is not called."""
    group.setup.spool._whole.is_sure = False

    def everything() -> None:
        raise AssertionError("flushed together")

    assert group.record(everything) == [Recorded.NEW] * 4
    assert sorted(group.flushed) == [f"file {number}" for number in (1, 2, 3, 4)]
