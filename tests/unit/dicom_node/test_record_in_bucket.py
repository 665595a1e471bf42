"""Instances that are kept in a bucket: there before the row, and lost neither way."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterable
from pathlib import Path

import pytest

from database.studies.instances import Recorded
from dicom_node.receive.record_arrivals import ArrivalRecorder
from radiology.errors import ObjectStorageUnavailable
from storage.bucket_files import BucketFiles
from tests.builders.stored.rows import NOON
from tests.peers.ports import free_port
from tests.peers.seaweedfs import ObjectServer
from tests.unit.dicom_node.test_record_arrivals import Setup

_BUCKET = "arrivals-of-tests"


class BucketSetup(Setup):
    """The same, with files that are kept in a bucket."""

    def __init__(self, folder: Path, server: ObjectServer) -> None:
        super().__init__(folder)
        self.storage = server.settings(_BUCKET, prefix=uuid.uuid4().hex)
        self.files = BucketFiles(self.storage, folder)
        self.record_with(self.files)

    def record_with(self, files: BucketFiles) -> None:
        """From now on files are kept by these."""
        self.recorder = ArrivalRecorder(self.engine, self.spool, files, lambda: NOON)

    def objects(self) -> list[str]:
        """Paths within the spool."""
        spool = self.spool.folder
        return [
            one.path for name in self.files.names(spool) for one in self.files.below(spool, name)
        ]


class _DiesBehindThePut(BucketFiles):
    """A process that is killed when the object is in the bucket and the row is not committed."""

    def keep(self, moves: Iterable[tuple[Path, Path]]) -> None:
        super().keep(moves)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="session")
def _bucket(object_server: ObjectServer) -> None:
    object_server.new_bucket(_BUCKET)


@pytest.fixture
def setup(_bucket: None, object_server: ObjectServer, tmp_path: Path) -> BucketSetup:
    return BucketSetup(tmp_path, object_server)


def test_object_row_and_copy(setup: BucketSetup) -> None:
    """The object is what came; the copy here is one that nobody may write."""
    arrival, file = setup.waiting(1, b"one")
    assert setup.recorder.record(arrival, file) is Recorded.NEW
    assert setup.objects() == [arrival.path]
    copy = setup.spool.folder / arrival.path
    assert copy.read_bytes() == b"one"
    assert not copy.stat().st_mode & 0o222
    copy.unlink()
    assert setup.files.fetch(copy).read_bytes() == b"one"


def test_a_duplicate_changes_no_object(setup: BucketSetup) -> None:
    arrival, file = setup.waiting(1, b"one")
    setup.recorder.record(arrival, file)
    before = setup.files.bucket.facts(str(setup.files.name_of(setup.spool.folder / arrival.path)))
    assert setup.recorder.record(*setup.waiting(1, b"one")) is Recorded.DUPLICATE
    after = setup.files.bucket.facts(str(setup.files.name_of(setup.spool.folder / arrival.path)))
    assert before == after


def test_a_bucket_that_is_away_leaves_nothing_behind(setup: BucketSetup) -> None:
    """No row, no copy in its place; what comes again when it is back is new."""
    away = setup.storage.model_copy(update={"endpoint": f"http://127.0.0.1:{free_port()}"})
    setup.record_with(BucketFiles(away, setup.files.folder))
    arrival, file = setup.waiting(1)
    with pytest.raises(ObjectStorageUnavailable):
        setup.recorder.record(arrival, file)
    file.discard()
    assert setup.count() == 0
    assert not (setup.spool.folder / arrival.path).exists()
    setup.record_with(setup.files)
    assert setup.recorder.record(*setup.waiting(1)) is Recorded.NEW
    assert setup.count() == 1


def test_killed_between_object_and_row(setup: BucketSetup) -> None:
    """kill -9: there is an object without a row, no copy, and what comes again takes its place."""
    arrival, file = setup.waiting(1, b"before")
    setup.engine.dispose()
    process = os.fork()
    if not process:  # a process of its own: its connections and threads are
        try:
            setup.record_with(_DiesBehindThePut(setup.storage, setup.files.folder))
            setup.recorder.record(arrival, file)
        finally:
            os._exit(1)
    _, status = os.waitpid(process, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    place = setup.spool.folder / arrival.path
    assert setup.objects() == [arrival.path]
    assert setup.count() == 0
    assert not place.exists()
    assert setup.recorder.record(*setup.waiting(1, b"again")) is Recorded.NEW
    place.unlink()
    assert setup.files.fetch(place).read_bytes() == b"again"
