"""The queue in the database, in both sizes: what is claimed, held, lost, retried and superseded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from database.deliveries import (
    ObjectAnswer,
    claim_delivery,
    due_deliveries,
    end_delivery,
    objects_to_send,
    postpone_delivery,
    record_answers,
    retry_deliveries,
)
from database.instances import Recorded
from database.jobs import (
    Claim,
    LeaseLost,
    advance_job,
    claim_job,
    end_job,
    instance_paths,
    overdue_jobs,
    renew_lease,
    requeue_expired,
    retry_job,
    return_job,
)
from database.results import is_our_object, newest_report, store_result
from database.schema import check_schema, schema_differences, upgrade_schema
from database.session import Engine, open_engine, reading, transaction
from database.states import (
    AssociationEnding,
    DeliveryState,
    JobState,
    ObjectKind,
    ObjectState,
    StudyState,
    WorklistRank,
)
from database.studies import assemble_study, quiet_studies
from database.tables import Delivery, Instance, Job, Result, ResultObject, Study
from radiology.errors import InstanceConflict, SettingsRefused
from radiology.finding import Outcome, Urgency
from settings.peers import RequestPriority
from tests.builders.rows import (
    NOON,
    QUIET,
    WAITS,
    arrival,
    associate,
    end,
    later,
    queue_job,
    receive,
)

pytestmark = pytest.mark.integration


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without a schema, of both sizes in turn."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'test.sqlite'}")
    else:
        engine = open_engine(request.getfixturevalue("postgres_url"))
    yield engine
    engine.dispose()


@pytest.fixture
def engine(empty_engine: Engine) -> Engine:
    """A database with the schema that the migrations build."""
    upgrade_schema(empty_engine)
    return empty_engine


def claim(engine: Engine, at: float = 0.0, worker: str = "worker") -> Claim:
    """Claim the job that is due first; there must be one."""
    with transaction(engine) as session:
        claimed = claim_job(session, worker=worker, lease_s=10.0, now=later(at))
    assert claimed is not None
    return claimed


def quiet_at(engine: Engine, seconds: float) -> int:
    """How many studies are quiet so many seconds after noon."""
    with reading(engine) as session:
        return len(quiet_studies(session, later(seconds), QUIET))


def finish(engine: Engine, claimed: Claim, destinations: list[str], at: float = 1.0) -> int:
    """Store a result with one object for a claimed job, end the job; returns the result's id."""
    with transaction(engine) as session:
        stored = store_result(
            session,
            Result(
                job_id=claimed.job_id,
                study_id=claimed.study_id,
                study_version=claimed.study_version,
                outcome=Outcome.FINDINGS,
                urgency=Urgency.URGENT,
                reading={},
                created_at=later(at),
            ),
            [
                ResultObject(
                    kind=ObjectKind.REPORT,
                    sop_class_uid="1.2.840.10008.5.1.4.1.1.88.34",
                    sop_instance_uid=f"2.25.900.{claimed.job_id}",
                    series_instance_uid="2.25.901",
                    path="sr.dcm",
                    size_bytes=1,
                )
            ],
            destinations,
            later(at),
        )
        end_job(session, claimed, JobState.ENCODED, later(at), rank=WorklistRank.URGENT)
    return stored.result_id


def test_migrations_build_what_the_tables_say(engine: Engine) -> None:
    """A migrated database differs from the tables in nothing."""
    assert schema_differences(engine) == []
    check_schema(engine)


def test_a_database_without_schema_is_refused(empty_engine: Engine) -> None:
    """A process that starts before the migrations says what to run."""
    with pytest.raises(SettingsRefused, match="firstread db upgrade"):
        check_schema(empty_engine)


def test_what_is_read_together_is_of_one_moment(engine: Engine) -> None:
    """A reader does not see what is committed between two of its statements."""
    queue_job(engine, study=1)
    with reading(engine) as session:
        before = session.scalars(select(Study.state)).one()
        claimed = claim(engine)
        with transaction(engine) as other:
            end_job(other, claimed, JobState.ENCODED, later(1), rank=WorklistRank.ROUTINE)
        assert session.scalars(select(Study.state)).one() is before
        assert session.scalars(select(Job.state)).one() is JobState.QUEUED
    with reading(engine) as session:
        assert session.scalars(select(Job.state)).one() is JobState.ENCODED


def test_the_same_instance_twice_is_one_row(engine: Engine) -> None:
    """A duplicate changes nothing, not even the moment of the last instance."""
    assert receive(engine, arrival()) is Recorded.NEW
    assert receive(engine, arrival(), later(60)) is Recorded.DUPLICATE
    with reading(engine) as session:
        assert session.scalars(select(Study)).one().last_instance_at == NOON


def test_another_object_under_the_same_uid_is_refused(engine: Engine) -> None:
    """The first object under a SOP Instance UID stays."""
    receive(engine, arrival())
    with pytest.raises(InstanceConflict):
        receive(engine, arrival(sha256="1" * 64))
    with reading(engine) as session:
        assert session.scalars(select(Instance)).one().sha256 == "0" * 64


def test_two_senders_begin_a_study_at_once(engine: Engine) -> None:
    """Instances of a new study that arrive in parallel end in one study with all of them."""
    failures: list[BaseException] = []

    def send(numbers: range) -> None:
        try:
            for number in numbers:
                receive(engine, arrival(instance=number))
        except BaseException as error:  # noqa: BLE001 shown by the assertion below
            failures.append(error)

    senders = [threading.Thread(target=send, args=(range(k, 40, 4),)) for k in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert failures == []
    with reading(engine) as session:
        assert len(session.scalars(select(Study)).all()) == 1
        assert len(session.scalars(select(Instance)).all()) == 40


def test_quiet_five_seconds_after_the_last_instance(engine: Engine) -> None:
    """Without a release, a study waits the whole quiet period."""
    receive(engine, arrival(association_id=associate(engine)))
    assert quiet_at(engine, 4.9) == 0
    assert quiet_at(engine, 5.0) == 1


def test_quiet_one_second_after_every_release(engine: Engine) -> None:
    """Once each association that carried the study was released, a second is enough."""
    first, second = associate(engine), associate(engine)
    receive(engine, arrival(instance=1, association_id=first))
    receive(engine, arrival(instance=2, association_id=second))
    end(engine, first, AssociationEnding.RELEASED, later(1))
    assert quiet_at(engine, 3.0) == 0
    end(engine, second, AssociationEnding.RELEASED, later(2))
    assert quiet_at(engine, 2.9) == 0
    assert quiet_at(engine, 3.0) == 1


def test_an_abort_does_not_shorten_the_wait(engine: Engine) -> None:
    """After an abort the sender will probably come again: the whole quiet period holds."""
    association = associate(engine)
    receive(engine, arrival(association_id=association))
    end(engine, association, AssociationEnding.ABORTED, later(1))
    assert quiet_at(engine, 4.0) == 0


def test_late_instances_make_a_new_version(engine: Engine) -> None:
    """The late half of a study queues a second job that knows both halves."""
    first_job = queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=[])
    receive(engine, arrival(instance=2), later(60))
    assert quiet_at(engine, 66) == 1
    with transaction(engine) as session:
        second_job = assemble_study(session, 1, bundle="bundle", waits=WAITS, now=later(66))
    assert second_job is not None
    assert second_job != first_job
    second = claim(engine, 67)
    assert second.study_version == 2
    with reading(engine) as session:
        assert list(instance_paths(session, second).values()) == ["1/1.dcm", "1/2.dcm"]


def test_a_waiting_job_is_superseded_before_it_ran(engine: Engine) -> None:
    """If more instances come while a job still waits, only the job of all of them runs."""
    queue_job(engine, study=1)
    receive(engine, arrival(instance=2), later(1))
    with transaction(engine) as session:
        assemble_study(session, 1, bundle="bundle", waits=WAITS, now=later(7))
    assert claim(engine, 8).study_version == 2
    with transaction(engine) as session:
        assert claim_job(session, worker="w", lease_s=10, now=later(8)) is None


def test_assembling_twice_makes_one_job(engine: Engine) -> None:
    """A second sweep that saw the same quiet study does nothing."""
    queue_job(engine, study=1)
    with transaction(engine) as session:
        assert assemble_study(session, 1, bundle="bundle", waits=WAITS, now=NOON) is None


def test_the_stat_job_is_claimed_before_older_routine_ones(engine: Engine) -> None:
    """Of four waiting studies the last, marked STAT, is analysed next."""
    for study in (1, 2, 3):
        queue_job(engine, study, later(study))
    stat = queue_job(engine, 4, later(4), RequestPriority.STAT)
    assert claim(engine, 5).job_id == stat


def test_an_old_routine_job_is_not_starved(engine: Engine) -> None:
    """A routine job that has waited its allowance goes before a STAT job that comes now."""
    routine = queue_job(engine, 1)
    queue_job(engine, 2, later(WAITS.routine_s + 1), RequestPriority.STAT)
    assert claim(engine, WAITS.routine_s + 2).job_id == routine


def test_parallel_workers_never_claim_the_same_job(engine: Engine) -> None:
    """Eight claims by four workers at once give eight different jobs."""
    for study in range(1, 9):
        queue_job(engine, study)
    claimed: list[int] = []

    def work(name: str) -> None:
        for _ in range(2):
            claimed.append(claim(engine, worker=name).job_id)

    workers = [threading.Thread(target=work, args=(f"w{k}",)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(claimed) == sorted(set(claimed))
    assert len(claimed) == 8


def test_a_lease_that_ran_out_gives_the_job_to_another(engine: Engine) -> None:
    """A silent worker loses its job, and whatever it still writes is refused."""
    queue_job(engine, study=1)
    silent = claim(engine)
    with reading(engine) as session:
        assert overdue_jobs(session, now=later(11), claimable_since=later(6)).expired == 1
    with transaction(engine) as session:
        assert requeue_expired(session, max_attempts=3, now=later(11)) == [silent.job_id]
    second = claim(engine, 12)
    assert second.job_id == silent.job_id
    with pytest.raises(LeaseLost), transaction(engine) as session:
        advance_job(session, silent, JobState.INFERRED, later(13))
    with transaction(engine) as session:
        advance_job(session, second, JobState.INFERRED, later(13))


def test_a_renewed_lease_is_kept(engine: Engine) -> None:
    """A worker that renews in time keeps its job beyond the first lease."""
    queue_job(engine, study=1)
    claimed = claim(engine)
    with transaction(engine) as session:
        renew_lease(session, claimed, lease_s=10.0, progress_percent=40, now=later(9))
    with transaction(engine) as session:
        assert requeue_expired(session, max_attempts=3, now=later(15)) == []


def test_what_kills_every_worker_is_failed_in_the_end(engine: Engine) -> None:
    """After the last attempt a job fails with a reason instead of stopping the queue."""
    queue_job(engine, study=1)
    for attempt in range(2):
        claim(engine, 20.0 * attempt)
        with transaction(engine) as session:
            requeue_expired(session, max_attempts=2, now=later(20.0 * attempt + 11))
    with reading(engine) as session:
        job = session.scalars(select(Job)).one()
        assert (job.state, job.error_kind) == (JobState.FAILED, "WorkerLost")
        study = session.scalars(select(Study)).one()
        assert study.worklist_rank is WorklistRank.UNANSWERED


def test_a_person_tries_a_failed_job_again(engine: Engine) -> None:
    """A failed job goes back to the queue when asked; one that ran well does not."""
    job_id = queue_job(engine, study=1)
    claimed = claim(engine)
    with transaction(engine) as session:
        end_job(
            session,
            claimed,
            JobState.FAILED,
            later(1),
            rank=WorklistRank.UNANSWERED,
            error_kind="Defect",
        )
    with transaction(engine) as session:
        assert retry_job(session, job_id, later(2))
        assert not retry_job(session, job_id, later(2))
    assert claim(engine, 3).attempts == 1


def test_a_returned_job_waits_before_it_is_claimed_again(engine: Engine) -> None:
    """A job given back because something was unavailable is not due before its time."""
    queue_job(engine, study=1)
    claimed = claim(engine)
    with transaction(engine) as session:
        return_job(
            session,
            claimed,
            later(1),
            error_kind="SpoolFull",
            error_message="full",
            not_before=later(10),
        )
    with transaction(engine) as session:
        assert claim_job(session, worker="w", lease_s=10, now=later(5)) is None
        assert requeue_expired(session, max_attempts=3, now=later(5)) == []
    with transaction(engine) as session:
        requeue_expired(session, max_attempts=3, now=later(11))
    assert claim(engine, 12).attempts == 2


def test_a_job_has_one_result(engine: Engine) -> None:
    """A worker whose job was taken over cannot add a second result."""
    queue_job(engine, study=1)
    silent = claim(engine)
    with transaction(engine) as session:
        requeue_expired(session, max_attempts=3, now=later(11))
    finish(engine, claim(engine, 12), destinations=[])
    with pytest.raises(Exception, match=r"(?i)unique"):
        finish(engine, silent, destinations=[])
    with reading(engine) as session:
        assert len(session.scalars(select(Result)).all()) == 1


def test_a_new_result_supersedes_the_old_one(engine: Engine) -> None:
    """The old result stays, marked; its deliveries that had not begun are withdrawn."""
    queue_job(engine, study=1)
    old = finish(engine, claim(engine), destinations=["pacs"])
    receive(engine, arrival(instance=2), later(60))
    with transaction(engine) as session:
        assemble_study(session, 1, bundle="bundle", waits=WAITS, now=later(66))
    new = finish(engine, claim(engine, 67), destinations=["pacs"], at=68)
    with reading(engine) as session:
        first = session.get(Result, old)
        assert first is not None
        assert first.superseded_by_id == new
        states = session.scalars(select(Delivery.state).order_by(Delivery.id)).all()
        assert states == [DeliveryState.WITHDRAWN, DeliveryState.WAITING]
        report = newest_report(session, 1, before_version=2)
        assert report is not None
        assert report.sop_instance_uid == first.objects[0].sop_instance_uid
        assert is_our_object(session, report.sop_instance_uid)


def test_an_older_version_that_ends_late_is_not_delivered(engine: Engine) -> None:
    """If the job of a newer version was faster, the older result is superseded at birth."""
    queue_job(engine, study=1)
    slow = claim(engine)
    receive(engine, arrival(instance=2), later(1))
    with transaction(engine) as session:
        assemble_study(session, 1, bundle="bundle", waits=WAITS, now=later(7))
    new = finish(engine, claim(engine, 7.5), destinations=["pacs"], at=8)
    old = finish(engine, slow, destinations=["pacs"], at=9)
    with reading(engine) as session:
        late = session.get(Result, old)
        assert late is not None
        assert late.superseded_by_id == new
        assert session.scalars(select(Delivery.result_id)).all() == [new]


def test_a_retried_refusal_makes_way_for_the_answer(engine: Engine) -> None:
    """When a person sends a refused job back and it works, one result with the answer is left."""
    job_id = queue_job(engine, study=1)
    claimed = claim(engine)
    with transaction(engine) as session:
        end_job(session, claimed, JobState.REFUSED, later(1), rank=WorklistRank.UNANSWERED)
        store_result(
            session,
            Result(
                job_id=job_id,
                study_id=1,
                study_version=1,
                outcome=Outcome.NOT_ASSESSABLE,
                reading={},
                created_at=later(1),
            ),
            [],
            ["pacs"],
            later(1),
        )
    with transaction(engine) as session:
        assert retry_job(session, job_id, later(2))
    finish(engine, claim(engine, 3), destinations=["pacs"], at=4)
    with reading(engine) as session:
        result = session.scalars(select(Result)).one()
        assert result.outcome is Outcome.FINDINGS
        assert session.scalars(select(Study)).one().worklist_rank is WorklistRank.URGENT


def test_a_version_without_an_answer_keeps_the_urgent_rank(engine: Engine) -> None:
    """If the late half makes a study not assessable, it stays where its first half put it."""
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=[])
    receive(engine, arrival(instance=2), later(60))
    with transaction(engine) as session:
        assemble_study(session, 1, bundle="bundle", waits=WAITS, now=later(66))
    claimed = claim(engine, 67)
    with transaction(engine) as session:
        end_job(session, claimed, JobState.REFUSED, later(68), rank=WorklistRank.UNANSWERED)
    with reading(engine) as session:
        assert session.scalars(select(Study)).one().worklist_rank is WorklistRank.URGENT


def test_an_unsent_answer_outlives_a_version_without_one(engine: Engine) -> None:
    """If the late half makes a study not assessable, the first result is still sent to PACS."""
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=["pacs"])
    receive(engine, arrival(instance=2), later(60))
    with transaction(engine) as session:
        assemble_study(session, 1, bundle="bundle", waits=WAITS, now=later(66))
    claimed = claim(engine, 67)
    refusal = Result(
        job_id=claimed.job_id,
        study_id=1,
        study_version=2,
        outcome=Outcome.NOT_ASSESSABLE,
        reading={},
        created_at=later(68),
    )
    with transaction(engine) as session:
        store_result(session, refusal, [], ["pacs"], later(68))
    with reading(engine) as session:
        assert session.scalars(select(Delivery.state)).all() == [DeliveryState.WAITING]


def test_a_late_image_takes_routine_back(engine: Engine) -> None:
    """A study that was called routine is pending again while an image of it is unread."""
    queue_job(engine, study=1)
    claimed = claim(engine)
    with transaction(engine) as session:
        end_job(session, claimed, JobState.ENCODED, later(1), rank=WorklistRank.ROUTINE)
    receive(engine, arrival(instance=2), later(60))
    with reading(engine) as session:
        assert session.scalars(select(Study)).one().worklist_rank is WorklistRank.PENDING


@pytest.fixture
def delivering(engine: Engine) -> Engine:
    """A database with one result that waits for one destination."""
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=["pacs"])
    return engine


def take_delivery(engine: Engine, at: float) -> Callable[..., object]:
    """Claim the due delivery and return its claim's functions bound to a fresh transaction."""
    with transaction(engine) as session:
        claimed = claim_delivery(session, lease_s=60, now=later(at))
    assert claimed is not None

    def act(function: Callable[..., object], *args: object, **facts: object) -> object:
        with transaction(engine) as session:
            return function(session, claimed, *args, **facts)

    return act


def test_the_last_delivery_ends_the_job(delivering: Engine) -> None:
    """A job is delivered once each destination has stored each object."""
    act = take_delivery(delivering, 2)
    objects = act(objects_to_send)
    assert isinstance(objects, list)
    act(record_answers, {objects[0].id: ObjectAnswer(ObjectState.STORED, 0x0000)}, later(3))
    act(end_delivery, DeliveryState.DELIVERED, later(3))
    with reading(delivering) as session:
        assert session.scalars(select(Job.state)).one() is JobState.DELIVERED
        assert session.scalars(select(Study.state)).one() is StudyState.DELIVERED


def test_a_postponed_delivery_is_due_later(delivering: Engine) -> None:
    """A delivery that may pass later is tried no sooner than it was postponed to."""
    act = take_delivery(delivering, 2)
    act(
        postpone_delivery,
        later(30),
        later(3),
        error_kind="PeerUnreachable",
        error_message="no answer",
    )
    with reading(delivering) as session:
        assert due_deliveries(session, later(29)) == 0
        assert due_deliveries(session, later(30)) == 1


def test_a_delivery_of_a_dead_worker_is_taken_over(delivering: Engine) -> None:
    """When the lease of a delivery ran out, the next worker has it and the first cannot end it."""
    dead = take_delivery(delivering, 2)
    with transaction(delivering) as session:
        assert claim_delivery(session, lease_s=60, now=later(30)) is None
    second = take_delivery(delivering, 63)
    with pytest.raises(LeaseLost):
        dead(end_delivery, DeliveryState.DELIVERED, later(64))
    second(end_delivery, DeliveryState.DELIVERED, later(64))


def test_a_person_sends_a_refused_delivery_again(delivering: Engine) -> None:
    """A delivery that a peer refused waits again when asked."""
    act = take_delivery(delivering, 2)
    act(
        end_delivery,
        DeliveryState.REFUSED,
        later(3),
        error_kind="PeerRefused",
        error_message="calling AE title not recognised",
    )
    with reading(delivering) as session:
        assert session.scalars(select(Job.state)).one() is JobState.ENCODED
    with transaction(delivering) as session:
        assert retry_deliveries(session, 1, later(4)) == 1
    take_delivery(delivering, 5)
