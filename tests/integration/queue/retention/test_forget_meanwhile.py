"""`firstread forget` while workers, readers and senders do something with the same study."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from typer.testing import Result

from database.session import Engine, Session, query, transaction
from database.states import DeliveryState, JobState, ObjectState, UploadState
from database.tables.operation.retention import Forgetting
from database.tables.readers.feedback import Feedback
from database.tables.readers.upload import Upload
from database.tables.study.analysis import (
    DeliveredObject,
    Delivery,
    Job,
    ResultObject,
    Study,
)
from radiology.feedback import Judgement
from tests.builders.marked_patient import PATIENT_ID
from tests.builders.stored.kept_studies import START, KeptRows, KeptSite, write
from tests.integration.queue.retention.forget_command import forget
from worker.forget import forget as forgetting


class _Call(threading.Thread):
    """`firstread forget` beside the test."""

    said: Result

    def __init__(self, *words: str) -> None:
        super().__init__()
        self._words = words

    def run(self) -> None:
        self.said = forget(PATIENT_ID, "--yes", *self._words)

    def answer(self) -> Result:
        """What it says in the end."""
        self.join(60)
        assert not self.is_alive()
        return self.said


def _wait_until_it_waits(engine: Engine, call: _Call) -> None:
    """Until it waits for a lock of the database, or has come to its end."""
    if engine.dialect.name == "sqlite":  # which tells nobody who waits
        call.join(1.0)
        return
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    until = time.monotonic() + 30
    while call.is_alive() and time.monotonic() < until:
        with engine.connect() as connection:
            if connection.scalar(waiting):
                return
        time.sleep(0.05)


@contextmanager
def _open_transaction(engine: Engine) -> Iterator[Session]:
    """One that is committed when the block says so."""
    with Session(engine) as session:
        yield session
        session.commit()


def _leased() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


def _end_soon(site: KeptSite, work: Callable[[], None]) -> threading.Thread:
    """Ends the work that is in hand when forgetting has begun, and has looked at it once."""

    def end() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with query(site.engine) as session:
                if session.scalar(select(Forgetting.id)) is not None:
                    break
            time.sleep(0.05)
        time.sleep(0.5)  # nothing tells that it has looked
        work()

    ending = threading.Thread(target=end)
    ending.start()
    return ending


def test_work_in_hand_is_waited_for(site: KeptSite, marked: KeptRows) -> None:
    """A running job: refused with the reason, and nothing has gone; when it ends, it goes on."""
    with transaction(site.engine) as session:
        session.execute(
            update(Job)
            .where(Job.study_id == marked.study_id)
            .values(state=JobState.DECODED, lease_until=_leased(), worker="w")
        )
    said = forget(PATIENT_ID, "--yes", "--wait", "0")
    assert said.exit_code == 2
    assert "work=a job" in said.stderr
    assert all(path.exists() for path in marked.originals)

    def end() -> None:
        with transaction(site.engine) as session:
            session.execute(update(Job).values(lease_until=None, state=JobState.DELIVERED))

    ending = _end_soon(site, end)
    assert forget(PATIENT_ID, "--yes", "--wait", "60").exit_code == 0
    ending.join()


def test_what_was_sent_while_it_waited_is_said(site: KeptSite, marked: KeptRows) -> None:
    """A delivery is under way: by the time that the study goes, the archive has the object."""
    with transaction(site.engine) as session:
        report = session.scalars(
            select(ResultObject.id).where(ResultObject.result_id == marked.result_id)
        ).one()
        delivery = Delivery(
            result_id=marked.result_id,
            destination="archive",
            state=DeliveryState.WAITING,
            due_at=START,
            attempts=1,
            lease_until=_leased(),
        )
        session.add(delivery)
        session.flush()
        sent = DeliveredObject(
            delivery_id=delivery.id, result_object_id=report, state=ObjectState.WAITING
        )
        session.add(sent)
        session.flush()
        delivery_id, sent_id = delivery.id, sent.id

    def end() -> None:
        with transaction(site.engine) as session:
            session.execute(
                update(DeliveredObject)
                .where(DeliveredObject.id == sent_id)
                .values(state=ObjectState.STORED, status=0, answered_at=START)
            )
            session.execute(
                update(Delivery)
                .where(Delivery.id == delivery_id)
                .values(state=DeliveryState.DELIVERED, lease_until=None)
            )

    ending = _end_soon(site, end)
    said = forget(PATIENT_ID, "--yes", "--json")
    ending.join()
    forgotten = json.loads(said.stdout.splitlines()[-1])["forgotten"]
    assert {one["holder"] for one in forgotten["held_elsewhere"]} == {"pacs", "archive"}


def test_a_worker_that_is_about_to_take_it_is_seen(site: KeptSite, marked: KeptRows) -> None:
    """Its claim is not committed yet: the study stays, and what is sent is not forgotten unsaid."""
    with transaction(site.engine) as session:
        session.execute(
            update(Delivery)
            .where(Delivery.result_id == marked.result_id)
            .values(state=DeliveryState.WAITING)
        )
    call = _Call("--wait", "0")
    with _open_transaction(site.engine) as session:
        session.execute(
            update(Delivery)
            .where(Delivery.result_id == marked.result_id)
            .values(state=DeliveryState.WAITING, lease_until=_leased())
        )
        call.start()
        _wait_until_it_waits(site.engine, call)
    said = call.answer()
    assert said.exit_code == 2
    assert "work=a delivery" in said.stderr
    assert all(path.exists() for path in marked.originals)


def test_a_row_that_is_added_meanwhile_goes_too(site: KeptSite, marked: KeptRows) -> None:
    """A reader says what she thinks of the result, in the moment in which the study goes."""
    call = _Call()
    with _open_transaction(site.engine) as session:
        session.add(
            Feedback(
                result_id=marked.result_id,
                reader="dr-b",
                judgement=Judgement.AGREE,
                comment="",
                given_at=START,
            )
        )
        session.flush()
        call.start()
        _wait_until_it_waits(site.engine, call)
    said = call.answer()
    assert said.exit_code == 0, said.output
    with query(site.engine) as session:
        assert session.scalars(select(Feedback.id)).all() == []
        assert marked.study_id not in session.scalars(select(Study.id)).all()


def test_files_of_an_upload_in_hand_go_with_it(
    site: KeptSite, marked: KeptRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the worker has written while it was waited for is not left without a row."""
    with transaction(site.engine) as session:
        session.execute(
            update(Upload)
            .where(Upload.folder == "aa")
            .values(state=UploadState.RUNNING, lease_until=_leased())
        )

    def end() -> None:
        with transaction(site.engine) as session:
            session.execute(
                update(Upload)
                .where(Upload.folder == "aa")
                .values(state=UploadState.ANSWERED, lease_until=None)
            )

    ending = threading.Thread(target=end)
    look = forgetting.uploads_in_hand

    def look_and_go_on(session: Session, ids: list[int], now: datetime) -> bool:
        busy = look(session, ids, now)
        if busy and ending.ident is None:  # seen in hand: now the worker writes, and lets go
            write(site.settings.uploads_folder / "aa" / "picture.png", b"of the patient")
            ending.start()
        return busy

    monkeypatch.setattr(forgetting, "uploads_in_hand", look_and_go_on)
    said = forget(PATIENT_ID, "--yes")
    ending.join()
    assert said.exit_code == 0, said.output
    assert not (site.settings.uploads_folder / "aa").exists()
