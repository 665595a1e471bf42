"""Uploads in the queue, in both databases: one worker each, fenced, after a silent worker again."""

from __future__ import annotations

import threading

import pytest

from database.lease import LeaseLost
from database.process_signs import process_signs, record_sign
from database.session import Engine, Session, query, transaction
from database.states import UploadState
from database.uploads.received import (
    UploadClaim,
    claim_upload,
    end_upload,
    give_way,
    open_upload,
    queue_upload,
    renew_upload,
    return_upload,
)
from database.uploads.sweep import (
    delete_uploads,
    requeue_uploads,
    study_waits,
    uploads_to_sweep,
    waiting_uploads,
)
from database.views.administration_rows import count_disk_use, disk_use, queue_depths
from database.views.upload_rows import upload_changes, upload_facts
from tests.builders.stored.rows import NOON, later, queue_job

pytestmark = pytest.mark.integration


def queue(engine: Engine, name: str) -> None:
    with transaction(engine) as session:
        upload_id = open_upload(
            session, NOON, token=name, folder=name, reader="local", receive_s=900, most_open=5
        )
        assert upload_id is not None
        queue_upload(session, upload_id, NOON, files=1, size_bytes=10, keep_s=3600)


def claim(engine: Engine, at: float = 0.0) -> UploadClaim | None:
    with transaction(engine) as session:
        return claim_upload(session, worker="worker", lease_s=15, now=later(at))


def test_two_that_come_at_once_are_not_both_the_last(engine: Engine) -> None:
    """The limit of open uploads holds, whichever of the two is committed first."""
    opened: list[int | None] = []

    def open_one(session: Session, name: str) -> None:
        opened.append(
            open_upload(
                session, NOON, token=name, folder=name, reader="local", receive_s=900, most_open=1
            )
        )

    def open_another() -> None:
        with transaction(engine) as session:
            open_one(session, "b")

    other = threading.Thread(target=open_another)
    with transaction(engine) as session:
        open_one(session, "a")
        other.start()
        other.join(1.0)  # it waits for us, and nothing tells of it
    other.join(30)
    assert [one is None for one in opened] == [False, True]


def test_each_upload_has_one_worker(engine: Engine) -> None:
    """The one that has waited longest comes first, and nobody else gets it."""
    queue(engine, "a")
    queue(engine, "b")
    claims = [claim(engine), claim(engine), claim(engine)]
    assert [one.folder for one in claims if one] == ["a", "b"]
    assert claims[2] is None


def test_a_worker_that_only_seemed_dead_writes_nothing(engine: Engine) -> None:
    """After the sweep took it back, renewing, returning and ending all fail."""
    queue(engine, "a")
    old = claim(engine)
    assert old is not None
    with transaction(engine) as session:
        assert requeue_uploads(session, max_attempts=3, now=later(16)) == [old.upload_id]
    new = claim(engine, 17)
    assert new is not None
    for write in (
        lambda session: renew_upload(
            session, old, lease_s=15, step="", progress_percent=1, now=later(18)
        ),
        lambda session: give_way(session, old),
        lambda session: return_upload(
            session, old, error_kind="", error_message="", not_before=later(18)
        ),
        lambda session: end_upload(session, old, UploadState.ANSWERED, later(18)),
    ):
        with pytest.raises(LeaseLost), transaction(engine) as session:
            write(session)
    with transaction(engine) as session:
        end_upload(session, new, UploadState.ANSWERED, later(19), answer={"slices": 3})
    with query(engine) as session:
        found = upload_facts(session, "a")
    assert found is not None
    assert (found.state, found.answer) == (UploadState.ANSWERED, {"slices": 3})


def test_what_the_sweep_sees(engine: Engine) -> None:
    """What waits, what is past its time, and that a waiting study is seen."""
    queue(engine, "a")
    queue(engine, "b")
    with query(engine) as session:
        assert (
            waiting_uploads(session, later(0)) == uploads_to_sweep(session, later(0)).waiting == 2
        )
        before = upload_changes(session)
        assert not study_waits(session, later(60))
    queue_job(engine, study=1)
    claim(engine)
    with query(engine) as session:
        assert upload_changes(session) != before
        assert study_waits(session, later(60))
        found = uploads_to_sweep(session, later(4000))
        assert found.expired_leases == 1
        (deletable,) = found.deletable  # the one that is held is not deleted
        second = upload_facts(session, "b")
        assert second is not None
        assert second.ahead == 1
    with transaction(engine) as session:
        delete_uploads(session, [deletable[0]], later(4000))
    with query(engine) as session:
        assert upload_facts(session, "b") is None


def test_what_the_administrator_sees(engine: Engine) -> None:
    """Queues, signs of life and disk use are read alike from both databases."""
    queue(engine, "a")
    queue_job(engine, study=1)
    with transaction(engine) as session:
        record_sign(session, "host:1", "analysis", started_at=NOON, now=later(1))
        record_sign(session, "host:1", "analysis", started_at=NOON, now=later(2))
        count_disk_use(session, later(3))
        count_disk_use(session, later(4))
    with query(engine) as session:
        depths = {one.name: one.waiting for one in queue_depths(session, later(5))}
        assert depths == {"analysis": 1, "delivery": 0, "flags": 0, "retrieval": 0, "uploads": 1}
        (sign,) = process_signs(session)
        assert sign.seen_at == later(2)
        sizes = {one.folder: one.size_bytes for one in disk_use(session)}
    assert sizes == {"spool": 1000, "results": 0, "quarantine": 0, "uploads": 10}
