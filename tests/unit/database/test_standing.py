"""Where a study stands, from all that its bundles have said."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from database.states import JobState, StudyState, WorklistRank
from database.studies.standing import JobStanding, bundle_standings, study_standing

URGENT, SUSPECTED, ROUTINE = WorklistRank.URGENT, WorklistRank.SUSPECTED, WorklistRank.ROUTINE
UNANSWERED, PENDING = WorklistRank.UNANSWERED, WorklistRank.PENDING
ENDS: dict[JobState, tuple[WorklistRank | None, ...]] = {
    JobState.QUEUED: (None,),
    JobState.DECODED: (None,),
    JobState.ENCODED: (URGENT, SUSPECTED, ROUTINE, UNANSWERED),
    JobState.COMMITTED: (URGENT, SUSPECTED, ROUTINE),
    JobState.REFUSED: (UNANSWERED,),
    JobState.FAILED: (UNANSWERED,),
    JobState.NOT_APPLICABLE: (None,),
    JobState.NOT_WANTED: (None,),
    JobState.SUPERSEDED: (None,),
}


def job(
    bundle: str,
    version: int,
    state: JobState,
    rank: WorklistRank | None = None,
    *,
    withdrawn: bool = False,
) -> JobStanding:
    """One job; its number says which it is."""
    return JobStanding(100 * version + len(bundle), bundle, version, state, rank, withdrawn)


def stands(
    *jobs: JobStanding, images: int = 1, arriving: bool = False
) -> tuple[StudyState, WorklistRank]:
    """State and place of a study with these jobs."""
    found = bundle_standings(jobs, images_version=images, arriving=arriving)
    return study_standing(found, arriving=arriving)


@st.composite
def studies(draw: st.DrawFn) -> list[JobStanding]:
    """Jobs of up to three bundles about up to three versions."""
    found = [job("a", 1, JobState.QUEUED)]
    for bundle in ("a", "bb", "ccc"):
        for version in draw(st.sets(st.integers(1, 3))):
            state = draw(st.sampled_from(list(ENDS)))
            rank = draw(st.sampled_from(ENDS[state]))
            withdrawn = rank not in (None, UNANSWERED) and draw(st.booleans())
            found.append(job(bundle, version, state, rank, withdrawn=withdrawn))
    return list({(one.bundle, one.study_version): one for one in found}.values())


@given(studies(), st.integers(1, 3), st.booleans(), st.randoms(use_true_random=False))
def test_order_is_nothing_and_the_most_urgent_decides(
    jobs: list[JobStanding], images: int, arriving: bool, luck: random.Random
) -> None:
    """Whatever the order of rows; and what one bundle says another cannot make less urgent."""
    found = bundle_standings(jobs, images_version=images, arriving=arriving)
    shuffled = list(jobs)
    luck.shuffle(shuffled)
    assert bundle_standings(shuffled, images_version=images, arriving=arriving) == found
    if not found:
        return
    state, rank = study_standing(found, arriving=arriving)
    ranks = [one.rank for one in found if one.rank is not None]
    assert rank is min(ranks, default=PENDING if arriving else UNANSWERED)
    assert (state is StudyState.RECEIVED) is arriving
    assert [one.rank for one in found if one.rank is not None] == sorted(ranks)
    if rank is ROUTINE:  # never while a bundle that applies has not answered for these images
        assert all(one.rank in (ROUTINE, None) for one in found)


def test_routine_is_said_of_the_images_that_it_was_said_of() -> None:
    """A newer image that waits makes it "in progress"; an older answer does not cover it."""
    read = job("a", 1, JobState.DELIVERED, ROUTINE)
    assert stands(read) == (StudyState.DELIVERED, ROUTINE)
    assert stands(read, arriving=True) == (StudyState.RECEIVED, PENDING)
    assert stands(read, job("a", 2, JobState.QUEUED), images=2) == (StudyState.QUEUED, PENDING)
    assert stands(read, job("a", 2, JobState.FAILED, UNANSWERED), images=2)[1] is UNANSWERED
    # Read once more for the sake of an earlier study: no image is unread.
    assert stands(read, job("a", 2, JobState.QUEUED), images=1)[1] is ROUTINE


def test_no_answer_takes_no_urgent_one_away() -> None:
    """Only a newer answer does, or a person."""
    urgent = job("a", 1, JobState.DELIVERED, URGENT)
    for state in (JobState.REFUSED, JobState.FAILED):
        assert stands(urgent, job("a", 2, state, UNANSWERED), images=2)[1] is URGENT
    assert stands(urgent, job("a", 2, JobState.ENCODED, ROUTINE), images=2)[1] is ROUTINE
    struck = job("a", 2, JobState.ENCODED, ROUTINE, withdrawn=True)
    assert stands(urgent, struck, images=2)[1] is UNANSWERED
    assert stands(job("a", 1, JobState.DELIVERED, URGENT, withdrawn=True))[1] is UNANSWERED


def test_a_bundle_that_reads_no_longer_holds_nothing_up() -> None:
    """Its word on older images does not count any more, unless it was urgent."""
    new = job("a", 2, JobState.ENCODED, ROUTINE)
    for rank in (ROUTINE, UNANSWERED):
        old = job("bb", 1, JobState.DELIVERED, rank)
        assert stands(new, old, images=2) == (StudyState.ENCODED, ROUTINE)
    assert stands(new, job("bb", 1, JobState.DELIVERED, SUSPECTED), images=2)[1] is SUSPECTED


def test_what_says_nothing_is_not_the_state_of_a_study() -> None:
    """Neither looks like a refusal where another bundle has answered; together they do."""
    read = job("a", 1, JobState.COMMITTED, ROUTINE)
    for state in (JobState.NOT_APPLICABLE, JobState.NOT_WANTED):
        aside = job("bb", 1, state)
        assert stands(read, aside) == (StudyState.COMMITTED, ROUTINE)
        assert stands(aside) == (StudyState.REFUSED, UNANSWERED)
    waits = job("a", 1, JobState.DECODED)
    assert stands(waits, job("bb", 1, JobState.QUEUED)) == (StudyState.DECODED, PENDING)
