"""Deliveries: ended, postponed, taken over from a dead worker, sent again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from database.deliveries.claimed import (
    claim_delivery,
    due_deliveries,
    end_delivery,
    postpone_delivery,
    retry_deliveries,
)
from database.deliveries.destinations import retry_destination, unfinished_destinations
from database.deliveries.objects import ObjectAnswer, objects_to_send, record_answers
from database.lease import LeaseLost
from database.session import Engine, query, transaction
from database.states import DeliveryState, JobState, ObjectState, StudyState
from database.studies.assembly import assemble_study
from database.tables.study.analysis import Delivery, Job, Study
from tests.builders.stored.rows import (
    BUNDLE,
    WAITS,
    arrival,
    claim,
    finish,
    later,
    queue_job,
    receive,
)

pytestmark = pytest.mark.integration


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
    with query(delivering) as session:
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
    with query(delivering) as session:
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
    with query(delivering) as session:
        assert session.scalars(select(Job.state)).one() is JobState.ENCODED
    with transaction(delivering) as session:
        assert retry_deliveries(session, 1, later(4)) == 1
    take_delivery(delivering, 5)


def test_all_of_a_destination_again_leaves_out_what_is_obsolete(engine: Engine) -> None:
    """A refused result in whose place a newer one is sent is neither sent again nor counted."""
    for version in (1, 2):
        receive(engine, arrival(study=1, instance=version), later(10 * version))
        with transaction(engine) as session:
            study_id = session.scalars(select(Study.id)).one()
            assemble_study(
                session, study_id, bundles=(BUNDLE,), waits=WAITS, now=later(10 * version)
            )
        finish(engine, claim(engine, 10.0 * version), destinations=["pacs"], at=10.0 * version)
        with transaction(engine) as session:
            waiting = Delivery.state == DeliveryState.WAITING
            session.execute(update(Delivery).where(waiting).values(state=DeliveryState.REFUSED))
    with query(engine) as session:
        assert [one.ended for one in unfinished_destinations(session)] == [1]
    with transaction(engine) as session:
        assert retry_destination(session, "pacs", later(30)) == 1
    with query(engine) as session:
        states = session.scalars(select(Delivery.state).order_by(Delivery.id)).all()
    assert states == [DeliveryState.REFUSED, DeliveryState.WAITING]
