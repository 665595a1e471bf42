"""What counts of the readers' feedback stands beside the study, in both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from benchmarks.worklist_rows import fill_hospital
from database.feedback.given import give_feedback, judged_results, newest_of_each_study
from database.session import Engine, Session, query, transaction
from database.tables.readers.feedback import Feedback
from database.tables.study.analysis import Job, Result, Study
from database.views.worklist.list_page import ListFilter, worklist_page
from radiology.feedback import Fault, Judgement, Opinion
from settings.page.worklist_order import WorklistOrder

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_NEW_IDS = 100_000  # behind the ones that the rows of the hospital have
WRONG = Opinion(Judgement.DISAGREE, frozenset({Fault.MISSED, Fault.WRONG_REGION}))


@pytest.fixture
def judged(engine: Engine) -> Engine:
    """Give some hundred studies, of which some have readers who differ and judged older results."""
    fill_hospital(engine, 300, days=5, now=NOW)
    with transaction(engine) as session:
        answered = session.scalars(
            select(Result.id).where(Result.urgency.is_not(None)).order_by(Result.id)
        ).all()
        for number, result in enumerate(answered[:40]):
            opinion = WRONG if number % 3 else Opinion(Judgement.AGREE)
            for reader in ("dr-a", "dr-b")[: 1 + number % 2]:
                at = NOW + timedelta(seconds=number)
                give_feedback(session, result, opinion, reader=reader, now=at)
        _newer_results(session, list(answered[:20]))
    return engine


def _newer_results(session: Session, older: list[int]) -> None:
    """A newer version of these results, of which every other one is judged."""
    for number, old_id in enumerate(older):
        old = session.get_one(Result, old_id)
        job = session.get_one(Job, old.job_id)
        again = {
            "id": _NEW_IDS + number,
            "study_id": old.study_id,
            "study_version": 2,
            "bundle": job.bundle,
            "state": job.state,
            "rank": job.rank,
            "priority": job.priority,
            "queued_at": NOW,
            "due_at": NOW,
        }
        session.execute(insert(Job), again)
        newer = Result(
            id=_NEW_IDS + number,
            job_id=_NEW_IDS + number,
            study_id=old.study_id,
            study_version=2,
            bundle=job.bundle,
            outcome=old.outcome,
            urgency=old.urgency,
            suspicion=old.suspicion,
            reading=old.reading,
            created_at=NOW,
        )
        session.add(newer)
        session.flush()
        old.superseded_by_id = newer.id
        if number % 2:
            opinion = Opinion(Judgement.AGREE) if number % 3 else WRONG
            give_feedback(session, newer.id, opinion, reader="dr-c", now=NOW)
            # on a page that is older than the newest result
            give_feedback(session, old_id, WRONG, reader="dr-d", now=NOW + timedelta(days=1))


def _columns(session: Session) -> dict[int, str]:
    rows = session.execute(select(Study.id, Study.judgement).where(Study.judgement != ""))
    return dict(rows.all())


def test_the_study_says_what_the_figures_count(judged: Engine) -> None:
    """Whoever says what of which version, list and figures agree about every study."""
    with query(judged) as session:
        counted = newest_of_each_study(judged_results(session))
        assert _columns(session) == {one.study_id: one.judgement.value for one in counted}
        listed = worklist_page(
            session,
            WorklistOrder(),
            NOW,
            only=ListFilter(judgement=Judgement.DISAGREE.value),
            length=300,
        )
        wrong = {one.study_id: one for one in counted if one.judgement is Judgement.DISAGREE}
        assert {row.study.id for row in listed.rows} == set(wrong)
        for row in listed.rows:
            assert row.disagreement is not None
            assert row.result is not None
            said = wrong[row.study.id]
            assert set(row.disagreement.faults) == said.faults
            assert row.disagreement.current is (said.result_id == row.result.id)
        assert {row.disagreement.current for row in listed.rows if row.disagreement} == {
            True,
            False,
        }


def test_an_opinion_that_was_changed_counts_no_more(judged: Engine) -> None:
    """Of one reader the newest opinion stands, also where the moments are the same."""
    with transaction(judged) as session:
        one = newest_of_each_study(judged_results(session))[0]
        session.execute(
            update(Feedback).where(Feedback.result_id == one.result_id).values(replaced_at=NOW)
        )
        for opinion in (WRONG, Opinion(Judgement.AGREE), WRONG):
            give_feedback(
                session, one.result_id, opinion, reader="dr-a", now=NOW + timedelta(days=2)
            )
        assert _columns(session)[one.study_id] == Judgement.DISAGREE


def test_readers_who_answer_at_the_same_moment(judged: Engine) -> None:
    """Of several transactions at once none overtakes the count, and one opinion stands for each."""
    with query(judged) as session:
        newest = session.scalars(
            select(Result.id).where(Result.urgency.is_not(None)).order_by(Result.id.desc())
        ).first()
        assert newest is not None
        study_id = session.get_one(Result, newest).study_id
        results = session.scalars(
            select(Result.id).where(Result.study_id == study_id, Result.urgency.is_not(None))
        ).all()
    assert len(results) == 2

    def say(number: int) -> None:
        opinion = WRONG if number % 3 else Opinion(Judgement.AGREE)
        at = NOW + timedelta(days=3, microseconds=number)
        with transaction(judged) as session:
            reader = f"dr-{number % 2}"
            give_feedback(session, results[number % 4 // 2], opinion, reader=reader, now=at)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(say, range(24)))
    with query(judged) as session:
        (counts,) = newest_of_each_study(judged_results(session, study_ids=(study_id,)))
        assert _columns(session)[study_id] == counts.judgement
        standing = session.scalars(
            select(Feedback).where(
                Feedback.result_id == newest,
                Feedback.reader.in_(("dr-0", "dr-1")),
                Feedback.replaced_at.is_(None),
            )
        ).all()
        assert sorted(one.reader for one in standing) == ["dr-0", "dr-1"]
