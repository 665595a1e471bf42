"""Derives the state of a study and its place in the list from the answers of its bundles.

Pure: rows come in as values. Each bundle stands for itself, and the most urgent of them decides.

- The newest answer of a bundle counts. A withdrawn result does not count.
- A newer version without an answer does not take "urgent" or "suspected" away: it does not
  contradict it.
- "Routine" holds for the images that it was said of. While newer ones wait to be read it counts as
  in progress, and where the bundle does not read them any more it does not count.
- A bundle that does not apply, was switched off or runs in shadow says nothing. Where no bundle
  has an answer, the study has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from database.states import RUNNING, JobState, StudyState, WorklistRank

_KEPT: Final = (WorklistRank.URGENT, WorklistRank.SUSPECTED)
_SAYS_NOTHING: Final = (JobState.NOT_APPLICABLE, JobState.NOT_WANTED, JobState.SHADOWED)
_LEAST_GOOD_FIRST: Final = (
    StudyState.FAILED,
    StudyState.REFUSED,
    StudyState.ENCODED,
    StudyState.DELIVERED,
    StudyState.COMMITTED,
)


@dataclass(frozen=True, slots=True)
class JobStanding:
    """One job: its place in the list as its end said it; None where it says nothing."""

    job_id: int
    bundle: str
    study_version: int
    state: JobState
    rank: WorklistRank | None
    withdrawn: bool  # its result


@dataclass(frozen=True, slots=True)
class BundleStanding:
    """What one bundle says of a study.

    Attributes
    ----------
    job_id : of its newest job
    state : of that job, as that of a study
    rank : the place in the list that the study has for this bundle; None: it says nothing
    is_current : whether the newest job is about the newest images
    """

    bundle: str
    job_id: int
    state: StudyState
    rank: WorklistRank | None
    is_current: bool
    says_nothing: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    rank: WorklistRank
    study_version: int
    withdrawn: bool


def bundle_standings(
    jobs: Iterable[JobStanding], *, images_version: int, arriving: bool
) -> tuple[BundleStanding, ...]:
    """Where a study stands for each bundle, the most urgent first; what says nothing comes last.

    Parameters
    ----------
    jobs : all of the study, in any order
    images_version : the last version of the study that brought images
    arriving : whether there are images that no version holds yet
    """
    ordered = sorted(
        (one for one in jobs if one.state is not JobState.SUPERSEDED),
        key=lambda one: (one.bundle, -one.study_version),
    )
    found = [
        _standing(name, list(of_bundle), images_version, arriving)
        for name, of_bundle in groupby(ordered, key=lambda one: one.bundle)
    ]
    return tuple(sorted(found, key=lambda one: (_place(one), one.says_nothing, one.bundle)))


def study_standing(
    standings: Sequence[BundleStanding], *, arriving: bool
) -> tuple[StudyState, WorklistRank]:
    """State and place in the list that follow from at least one bundle's standing."""
    ranks = [one.rank for one in standings if one.rank is not None]
    rank = min(ranks, default=WorklistRank.PENDING if arriving else WorklistRank.UNANSWERED)
    if arriving:
        return StudyState.RECEIVED, rank
    current = [one for one in standings if one.is_current] or list(standings)
    speaking = [one for one in current if not one.says_nothing] or current
    under_way = [one.state for one in speaking if one.state not in _LEAST_GOOD_FIRST]
    if under_way:
        return max(under_way, key=list(StudyState).index), rank
    return min((one.state for one in speaking), key=_LEAST_GOOD_FIRST.index), rank


def _place(standing: BundleStanding) -> str:
    return "9" if standing.rank is None else standing.rank.value


def _standing(
    bundle: str, jobs: Sequence[JobStanding], images_version: int, arriving: bool
) -> BundleStanding:
    newest = jobs[0]
    aside = newest.state in _SAYS_NOTHING
    return BundleStanding(
        bundle=bundle,
        job_id=newest.job_id,
        state=StudyState.REFUSED if aside else StudyState(newest.state.value),
        rank=_rank(jobs, images_version, arriving),
        is_current=newest.study_version >= images_version,
        says_nothing=aside,
    )


def _rank(jobs: Sequence[JobStanding], images_version: int, arriving: bool) -> WorklistRank | None:
    """Of one bundle; its newest job comes first."""
    answer = _answer(jobs)
    if answer is not None and answer.rank in _KEPT:
        return answer.rank
    covers = answer is not None and not arriving and answer.study_version >= images_version
    if arriving or jobs[0].state in RUNNING:
        if answer is None or answer.withdrawn:
            return WorklistRank.PENDING
        if answer.rank is WorklistRank.ROUTINE and not covers:
            return WorklistRank.PENDING
        return answer.rank
    return answer.rank if answer is not None and covers else None


def _answer(jobs: Sequence[JobStanding]) -> _Answer | None:
    """The newest one; or, where that is none, an earlier urgent or suspected one."""
    first: _Answer | None = None
    for job in jobs:
        if job.rank is None:
            continue
        rank = WorklistRank.UNANSWERED if job.withdrawn else job.rank
        answer = _Answer(rank, job.study_version, job.withdrawn)
        if first is None:
            first = answer
        if rank in _KEPT:
            return answer
        if job.withdrawn or rank is not WorklistRank.UNANSWERED:
            break
    return first
