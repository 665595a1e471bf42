"""What is settled when a process opens the spool after another has died."""

from __future__ import annotations

import fcntl
import os
import resource
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, select
from structlog.testing import capture_logs

from database.session import query
from database.studies.instances import Arrival, Recorded
from database.tables.study.analysis import Instance
from dicom_node.receive.open_spool import open_spool
from dicom_node.receive.record_arrivals import MOST_TOGETHER, ArrivalRecorder
from dicom_node.spool import Spool
from dicom_node.spool_locks import LeftByDead, lock_folder, sweep
from radiology.errors import SpoolFull
from settings.environment import Settings
from storage.local_files import LOCAL
from tests.builders.stored.rows import NOON
from tests.unit.dicom_node.test_record_arrivals import Setup


class Crashed:
    """A spool with three instances, whose process has died without closing it."""

    def __init__(self, folder: Path) -> None:
        self.setup = Setup(folder)
        self.arrivals = [self._recorded(number) for number in (1, 2, 3)]
        self.settings = Settings(data_folder=folder, min_free_bytes=0)
        (self.lock,) = (self.setup.spool.folder / ".incoming").glob("*.lock")
        os.close(self.setup.spool._lock)  # what the kernel does when the process dies

    def _recorded(self, number: int) -> Arrival:
        made, file = self.setup.waiting(number, b"content %d" % number)
        assert self.setup.recorder.record(made, file) is Recorded.NEW
        return made

    def place(self, number: int) -> Path:
        """Where an instance lies."""
        return self.setup.spool.folder / self.arrivals[number - 1].path

    def power_was_lost(self) -> None:
        """The machine has been started since."""
        self.lock.write_text("00000000-0000-0000-0000-000000000000")

    def open(self) -> Spool:
        """As the next process does."""
        return open_spool(self.settings, self.setup.engine, lambda: NOON)

    def here(self) -> set[str]:
        """The instances with a row that names a file."""
        with query(self.setup.engine) as session:
            rows = session.scalars(select(Instance).where(Instance.removed_at.is_(None)))
            return {row.sop_instance_uid for row in rows}

    def uid(self, number: int) -> str:
        """Of an instance."""
        return self.arrivals[number - 1].sop_instance_uid


@pytest.fixture
def crashed(tmp_path: Path) -> Iterator[Crashed]:
    """Three instances, and a dead process."""
    made = Crashed(tmp_path)
    assert made.settings.spool_folder == made.setup.spool.folder
    yield made
    made.setup.engine.dispose()


def _cut(path: Path) -> None:
    os.truncate(path, 3)


def _zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("damage", [Path.unlink, _cut, _zeros])
def test_a_row_without_its_bytes_is_withdrawn_after_a_power_cut(
    crashed: Crashed, damage: object
) -> None:
    """Its sender had no Success, and comes again: it is new then, and whole."""
    damage(crashed.place(3))  # type: ignore[operator]
    crashed.power_was_lost()
    with capture_logs() as log:
        spool = crashed.open()
    assert crashed.here() == {crashed.uid(1), crashed.uid(2)}
    assert [one["sop_instance_uids"] for one in log if one["event"] == "instances_withdrawn"] == [
        [crashed.uid(3)]
    ]
    recorder = ArrivalRecorder(crashed.setup.engine, spool, LOCAL, lambda: NOON)
    file = spool.begin(b"")
    file.write(b"content 3")
    assert recorder.record(crashed.arrivals[2], file) is Recorded.NEW
    assert crashed.place(3).read_bytes() == b"content 3"


def test_as_many_rows_are_looked_at_as_may_wait_for_one_flush(crashed: Crashed) -> None:
    """A single association may have brought them all, without waiting for an answer."""
    crashed.settings = crashed.settings.model_copy(update={"max_associations": 1})
    for number in range(4, MOST_TOGETHER + 1):
        crashed._recorded(number)
    crashed.place(1).unlink()
    crashed.power_was_lost()
    crashed.open().close()
    assert crashed.uid(1) not in crashed.here()
    assert len(crashed.here()) == MOST_TOGETHER - 1


def test_what_is_whole_stays(crashed: Crashed) -> None:
    """After a power cut each of the last is looked at, once."""
    crashed.power_was_lost()
    with capture_logs() as log:
        crashed.open().close()
    assert len(crashed.here()) == 3
    assert log == []
    assert not crashed.lock.exists()


def test_where_the_machine_went_on_one_flush_is_enough(
    crashed: Crashed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel still has what the process had written: no file is read."""
    flushed: list[Spool] = []
    monkeypatch.setattr(Spool, "sync_everything", lambda spool: flushed.append(spool))
    monkeypatch.setattr(Spool, "holds", lambda *_: pytest.fail("looked at a file"))
    spool = crashed.open()
    assert flushed == [spool]
    assert len(crashed.here()) == 3


def test_what_cannot_be_settled_is_settled_by_the_next(
    crashed: Crashed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that does not start forgets nothing."""
    crashed.place(3).unlink()
    crashed.power_was_lost()

    def full(_: Spool) -> None:
        raise SpoolFull

    with monkeypatch.context() as patched:
        patched.setattr(Spool, "sync_everything", full)
        with pytest.raises(SpoolFull):
            crashed.open()
    assert crashed.uid(3) in crashed.here()
    crashed.open()
    assert crashed.uid(3) not in crashed.here()


def test_nothing_is_looked_at_when_everybody_has_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An orderly end leaves no lock."""
    setup = Setup(tmp_path)
    setup.spool.close()
    monkeypatch.setattr(Spool, "sync_everything", lambda _: pytest.fail("flushed"))
    spool = open_spool(Settings(data_folder=tmp_path, min_free_bytes=0), setup.engine, lambda: NOON)
    assert not spool.left


def test_what_came_again_meanwhile_is_not_withdrawn(crashed: Crashed) -> None:
    """Another door settled the same, and had the instance from its sender once more."""
    whole = crashed.place(3).read_bytes()
    crashed.place(3).unlink()
    crashed.power_was_lost()

    def comes_again(_: object) -> None:
        begun.append(None)
        if len(begun) == 2:  # behind the look, before the row is withdrawn
            crashed.place(3).write_bytes(whole)

    begun: list[None] = []
    event.listen(crashed.setup.engine, "begin", comes_again)
    crashed.open()
    assert len(begun) == 2
    assert crashed.uid(3) in crashed.here()


def test_a_file_that_may_not_be_opened_is_not_taken_for_lost(crashed: Crashed) -> None:
    """A spool that was put back with other owners: its senders had Success, and come no more."""
    crashed.place(3).unlink()
    crashed.place(3).symlink_to(crashed.place(3))  # as the kernel refuses a loop, also to root
    crashed.power_was_lost()
    with pytest.raises(SpoolFull):
        crashed.open()
    assert len(crashed.here()) == 3


def test_a_living_process_is_not_taken_for_a_dead_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one sweeps in the very moment in which it takes its lock."""
    folder = tmp_path / ".incoming"
    folder.mkdir()
    seen = []

    def after_a_sweep(descriptor: int, how: int) -> None:
        monkeypatch.undo()
        seen.append(sweep(folder))
        flock(descriptor, how)

    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", after_a_sweep)
    descriptor = lock_folder(folder / "own")
    assert seen == [LeftByDead(0, False, [])]
    assert not sweep(folder)
    os.close(descriptor)
    assert sweep(folder)


@pytest.mark.parametrize("part", ["lock", "folder"])
def test_a_spool_that_cannot_be_opened_leaves_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """The page tries with each request, and a disk can stay full for days."""
    Spool(tmp_path, min_free_bytes=0).close()
    if part == "folder":
        (tmp_path / ".incoming" / f"{FIXED.hex}").write_bytes(b"")
        monkeypatch.setattr(uuid, "uuid4", lambda: FIXED)
    before = _descriptors()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0 if part == "lock" else soft, hard))
    try:
        with pytest.raises(SpoolFull):
            Spool(tmp_path, min_free_bytes=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert _descriptors() == before
    assert not list((tmp_path / ".incoming").glob("*.*"))


FIXED = uuid.UUID(int=1)


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
