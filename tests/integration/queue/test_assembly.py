"""From instances to a job: when a study is quiet, and what late instances make of it."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from database.arrivals.coming import came_so_far, coming_studies
from database.arrivals.expected import quiet_studies
from database.jobs.claimed import claim_job, instance_paths
from database.session import Engine, query, transaction
from database.states import AssociationEnding
from database.studies.assembly import assemble_study
from database.studies.instances import Recorded
from database.tables.study.analysis import Instance, Study
from radiology.errors import InstanceConflict
from tests.builders.stored.rows import (
    BUNDLE,
    NOON,
    QUIET,
    WAITS,
    arrival,
    associate,
    claim,
    end,
    finish,
    later,
    queue_job,
    receive,
)

pytestmark = pytest.mark.integration


def quiet_at(engine: Engine, seconds: float) -> int:
    """How many studies are quiet so many seconds after noon."""
    with query(engine) as session:
        return len(quiet_studies(session, later(seconds), QUIET))


def test_the_same_instance_twice_is_one_row(engine: Engine) -> None:
    """A duplicate changes nothing, not even the moment of the last instance."""
    assert receive(engine, arrival()) is Recorded.NEW
    assert receive(engine, arrival(), later(60)) is Recorded.DUPLICATE
    with query(engine) as session:
        assert session.scalars(select(Study)).one().last_instance_at == NOON


def test_another_object_under_the_same_uid_is_refused(engine: Engine) -> None:
    """The first object under a SOP Instance UID stays."""
    receive(engine, arrival())
    with pytest.raises(InstanceConflict):
        receive(engine, arrival(sha256="1" * 64))
    with query(engine) as session:
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
    with query(engine) as session:
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


def test_what_is_coming_and_what_has_come(engine: Engine) -> None:
    """The latest study first; one that was assembled is not coming any longer."""
    queue_job(engine, study=3)
    for instance, study in enumerate((1, 2, 2), start=1):
        receive(engine, arrival(study, instance), later(10.0 * instance))
    with query(engine) as session:
        numbers = {one.id: one.study_instance_uid for one in session.scalars(select(Study))}
        coming = coming_studies(session, later(-1.0))
        assert [(numbers[key], at) for key, at in coming.items()] == [
            ("2.25.2", later(30.0)),
            ("2.25.1", later(10.0)),
        ]
        (latest,) = coming_studies(session, later(10.0))
        assert numbers[latest] == "2.25.2"
        assert [path for _, path in came_so_far(session, latest)] == ["2/2.dcm", "2/3.dcm"]


def test_late_instances_make_a_new_version(engine: Engine) -> None:
    """The late half of a study queues a second job that knows both halves."""
    first_job = queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=[])
    receive(engine, arrival(instance=2), later(60))
    assert quiet_at(engine, 66) == 1
    with transaction(engine) as session:
        (second_job,) = assemble_study(session, 1, bundles=(BUNDLE,), waits=WAITS, now=later(66))
    assert second_job is not None
    assert second_job != first_job
    second = claim(engine, 67)
    assert second.study_version == 2
    with query(engine) as session:
        assert list(instance_paths(session, second).values()) == ["1/1.dcm", "1/2.dcm"]


def test_a_waiting_job_is_superseded_before_it_ran(engine: Engine) -> None:
    """If more instances come while a job still waits, only the job of all of them runs."""
    queue_job(engine, study=1)
    receive(engine, arrival(instance=2), later(1))
    with transaction(engine) as session:
        assemble_study(session, 1, bundles=(BUNDLE,), waits=WAITS, now=later(7))
    assert claim(engine, 8).study_version == 2
    with transaction(engine) as session:
        assert claim_job(session, worker="w", lease_s=10, now=later(8)) is None


def test_assembling_twice_makes_one_job(engine: Engine) -> None:
    """A second sweep that saw the same quiet study does nothing."""
    queue_job(engine, study=1)
    with transaction(engine) as session:
        assert assemble_study(session, 1, bundles=(BUNDLE,), waits=WAITS, now=NOON) == ()
