"""What a destination gets is planned when the result is stored, and sent as planned."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from database.deliveries.claimed import DeliveryClaim, claim_delivery
from database.deliveries.objects import ObjectAnswer, objects_to_send, record_answers
from database.jobs.claimed import claim_job
from database.results.stored import machine_reports, newest_report, store_result
from database.session import Engine, open_engine, query, transaction
from database.states import ObjectKind, ObjectState
from database.tables.study.analysis import DeliveredObject, Result, ResultObject
from database.views.worklist.worklist_rows import study_page
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.rows import BUNDLE, NOON, queue_job

RECIPES = {
    "SEG:binary:lesions": ObjectKind.SEGMENTATION,
    "SR:machine:binary:lesions": ObjectKind.REPORT,
    "SR:viewer:binary:lesions": ObjectKind.REPORT,
    "SC": ObjectKind.CAPTURE,
}


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A database with one result for three destinations."""
    engine = open_engine(f"sqlite:///{tmp_path}/rows.sqlite")
    make_tables(engine)
    queue_job(engine, study=1)
    with transaction(engine) as session:
        claim = claim_job(session, worker="worker", lease_s=10, now=NOON)
        assert claim is not None
        store_result(
            session,
            Result(
                job_id=claim.job_id,
                study_id=claim.study_id,
                study_version=claim.study_version,
                outcome=Outcome.FINDINGS,
                urgency=Urgency.URGENT,
                reading={},
                created_at=NOON,
            ),
            [_object(recipe, kind) for recipe, kind in RECIPES.items()],
            ["archive", "research", "viewer"],
            NOON,
            recipes={
                "archive": ["SC"],
                "viewer": ["SC", "SR:viewer:binary:lesions", "SEG:binary:lesions"],
            },
        )
    return engine


def _object(recipe: str, kind: ObjectKind) -> ResultObject:
    return ResultObject(
        kind=kind,
        recipe=recipe,
        sop_class_uid="1.2.3",
        sop_instance_uid=f"2.25.{len(recipe)}",
        series_instance_uid="2.25.1",
        path=recipe,
        size_bytes=1,
    )


def take(engine: Engine, destination: str) -> DeliveryClaim:
    while True:
        with transaction(engine) as session:
            claim = claim_delivery(session, lease_s=60, now=NOON)
        assert claim is not None
        if claim.destination == destination:
            return claim


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ("archive", ["SC"]),
        ("viewer", ["SEG:binary:lesions", "SR:viewer:binary:lesions", "SC"]),
        ("research", list(RECIPES)),
    ],
)
def test_a_destination_is_sent_what_was_planned_for_it(
    engine: Engine, destination: str, expected: list[str]
) -> None:
    """In the order in which it was made; a destination without a plan gets everything."""
    claim = take(engine, destination)
    with query(engine) as session:
        assert [one.recipe for one in objects_to_send(session, claim)] == expected


def test_an_answer_is_kept_with_the_planned_object(engine: Engine) -> None:
    """No second row for the same object, and none for what the destination does not get."""
    claim = take(engine, "archive")
    with transaction(engine) as session:
        (sent,) = objects_to_send(session, claim)
        record_answers(
            session,
            claim,
            {sent.id: ObjectAnswer(ObjectState.STORED, 0x0000)},
            NOON + timedelta(seconds=1),
        )
    with query(engine) as session:
        (row,) = session.scalars(
            select(DeliveredObject).where(DeliveredObject.delivery_id == claim.delivery_id)
        )
        assert (row.status, row.answered_at) == (0x0000, NOON + timedelta(seconds=1))


def test_the_page_lists_what_each_destination_gets(engine: Engine) -> None:
    """A person sees no object as missing that was never meant to be there."""
    with query(engine) as session:
        uid = session.scalars(select(Result)).one().job.study.study_instance_uid
        page = study_page(session, uid)
    assert page is not None
    listed = {one.destination: len(one.objects) for one in page.results[0].deliveries}
    assert listed == {"archive": 1, "research": 4, "viewer": 3}


def test_without_a_plan_everything_is_sent(engine: Engine) -> None:
    """A worker of the previous version, beside us while it is replaced, plans nothing."""
    claim = take(engine, "viewer")
    with transaction(engine) as session:
        for row in session.scalars(select(DeliveredObject)):
            session.delete(row)
    with query(engine) as session:
        assert len(objects_to_send(session, claim)) == len(RECIPES)


def test_the_report_that_viewers_draw_is_the_one_that_is_superseded(engine: Engine) -> None:
    """A new report names a predecessor of its own form, whichever was made first."""
    with query(engine) as session:
        study = session.scalars(select(Result)).one().study_id
        found = newest_report(session, study, bundle=BUNDLE, before_version=99)
    assert found is not None
    assert found.sop_instance_uid == f"2.25.{len('SR:viewer:binary:lesions')}"


def test_a_report_for_programs_is_superseded_by_one_of_its_own_form(engine: Engine) -> None:
    """By the word of its recipe, and only from a version before."""
    with query(engine) as session:
        study = session.scalars(select(Result)).one().study_id
        found = machine_reports(session, study, bundle=BUNDLE, before_version=99)
        assert machine_reports(session, study, bundle=BUNDLE, before_version=1) == {}
    words = [word for word in RECIPES if word.startswith("SR:machine")]
    assert {word: one.sop_instance_uid for word, one in found.items()} == {
        word: f"2.25.{len(word)}" for word in words
    }
    assert words
