"""A bundle is switched off, on, or named for the first time while studies wait."""

from __future__ import annotations

import pytest

from database.jobs.bundles_in_use import (
    bundle_queues,
    end_unwanted,
    queue_wanted,
    unwanted_jobs_wait,
)
from database.jobs.requeue import retry_job
from database.session import Engine, query, transaction
from database.states import StudyState, WorklistRank
from database.views.worklist.worklist_rows import study_page
from radiology.urgency import Urgency
from tests.builders.stored.flags import NOBODY
from tests.builders.stored.rows import WAITS, later
from tests.builders.stored.two_bundles import CHEST, HEAD, TwoBundles

pytestmark = pytest.mark.integration


def _switch_to(engine: Engine, *bundles: str, at: float) -> tuple[int, int]:
    """What the sweep does with the settings of a process; how many jobs ended, and how many wait
    that did not before."""
    with transaction(engine) as session:
        queued = queue_wanted(session, bundles, WAITS, later(at))
    with transaction(engine) as session:
        ended = end_unwanted(session, bundles, later(at))
    with query(engine) as session:
        assert not unwanted_jobs_wait(session, bundles)
    return len(ended), len(queued)


def test_waiting_jobs_of_a_bundle_that_is_off_are_not_wanted(engine: Engine) -> None:
    """They end, the study stands as the other bundle says, and the page says why."""
    study = TwoBundles(engine, NOBODY)
    study.assemble(0)
    assert _switch_to(engine, CHEST, at=1) == (1, 0)
    assert study.job_states() == {(CHEST, 1): "queued", (HEAD, 1): "not_wanted"}
    study.read(CHEST, Urgency.ROUTINE, 2)
    assert study.study().worklist_rank is WorklistRank.ROUTINE
    with query(engine) as session:
        page = study_page(session, "2.25.1")
        assert page is not None
        aside = page.row.answers[-1]
        assert (aside.bundle, aside.job.error_kind) == (HEAD, "BundleSwitchedOff")


def test_a_study_whose_only_bundle_is_off_shows_why(engine: Engine) -> None:
    """It does not wait for ever, and never looks read."""
    study = TwoBundles(engine, NOBODY, bundles=(HEAD,))
    study.assemble(0)
    with transaction(engine) as session:
        assert len(end_unwanted(session, (CHEST,), later(1))) == 1
    found = study.study()
    assert (found.state, found.worklist_rank) == (StudyState.REFUSED, WorklistRank.UNANSWERED)


def test_a_job_in_hand_is_finished(engine: Engine) -> None:
    """What a worker has begun comes to its end."""
    study = TwoBundles(engine, NOBODY)
    study.assemble(0)
    claimed = study.claim(HEAD, 1)
    assert _switch_to(engine, CHEST, at=2) == (0, 0)
    study.answer(claimed, Urgency.URGENT, 3)
    assert study.study().worklist_rank is WorklistRank.URGENT


def test_a_bundle_that_is_on_again_reads_what_waited_for_it(engine: Engine) -> None:
    """What was not wanted waits again where it stood; it may be taken and answered."""
    study = TwoBundles(engine, NOBODY)
    study.assemble(0)
    _switch_to(engine, CHEST, at=1)
    study.read(CHEST, Urgency.ROUTINE, 2)
    assert _switch_to(engine, CHEST, HEAD, at=3) == (0, 1)
    assert study.study().worklist_rank is WorklistRank.PENDING
    study.read(HEAD, Urgency.SUSPECTED, 4)
    assert study.study().worklist_rank is WorklistRank.SUSPECTED
    assert _switch_to(engine, CHEST, HEAD, at=5) == (0, 0)


def test_a_new_bundle_reads_the_studies_that_wait_and_no_others(engine: Engine) -> None:
    """A study that has been read is not read again by itself."""
    done = TwoBundles(engine, NOBODY, number=1, bundles=(CHEST,))
    done.assemble(0)
    done.read(CHEST, Urgency.ROUTINE, 1)
    waits = TwoBundles(engine, NOBODY, number=2, bundles=(CHEST,))
    waits.assemble(2)
    assert _switch_to(engine, CHEST, HEAD, at=3) == (0, 1)
    assert set(done.job_states()) == {(CHEST, 1)}
    assert set(waits.job_states()) == {(CHEST, 1), (HEAD, 1)}
    assert _switch_to(engine, CHEST, HEAD, at=4) == (0, 0)  # nothing is queued twice


def test_a_worker_leaves_bundles_alone_that_it_does_not_know(engine: Engine) -> None:
    """Parts of different settings run beside each other while they are restarted."""
    study = TwoBundles(engine, NOBODY)
    study.assemble(0)
    study.claim(CHEST, 1)
    with pytest.raises(AssertionError):
        study.claim(CHEST, 2)
    assert study.job_states()[HEAD, 1] == "queued"


def test_what_a_person_sends_back_for_a_bundle_that_is_off_ends_again(engine: Engine) -> None:
    """It waits for nobody."""
    study = TwoBundles(engine, NOBODY)
    _, head = study.assemble(0)
    _switch_to(engine, CHEST, at=1)
    with transaction(engine) as session:
        assert retry_job(session, head, later(2), by="chief", through="page")
    assert _switch_to(engine, CHEST, at=3) == (1, 0)


def test_the_queue_of_each_bundle_is_counted(engine: Engine) -> None:
    """What waits, what is in hand, and what was not wanted."""
    study = TwoBundles(engine, NOBODY)
    study.assemble(0)
    study.claim(CHEST, 1)
    with query(engine) as session:
        queues = bundle_queues(session, later(2))
    assert (queues[CHEST].waiting, queues[CHEST].in_hand) == (0, 1)
    assert (queues[HEAD].waiting, queues[HEAD].in_hand) == (1, 0)
    _switch_to(engine, CHEST, at=3)
    with query(engine) as session:
        assert bundle_queues(session, later(4))[HEAD].not_wanted == 1
