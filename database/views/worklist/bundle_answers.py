"""The answers of the bundles of one study, from its jobs and results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from database.row_facts import facts_of
from database.studies.standing import JobStanding, bundle_standings
from database.tables.study.analysis import Job, Result
from database.views.worklist.worklist_facts import (
    BundleAnswer,
    DeliveryFacts,
    JobFacts,
    ResultFacts,
)


def bundle_answers(
    jobs: Sequence[Job],
    results: Sequence[Result],
    deliveries: Mapping[int, tuple[DeliveryFacts, ...]],
    *,
    images_version: int,
    arriving: bool,
) -> tuple[BundleAnswer, ...]:
    """Each bundle with its job and its result in force, the most urgent first.

    Parameters
    ----------
    jobs, results : of the study, the oldest first
    deliveries : by the id of their result
    images_version : the newest version of the study that has an image of its own
    arriving : whether images still come
    """
    by_id = {job.id: job for job in jobs}
    of_job = {result.job_id: result for result in results}
    standings = bundle_standings(
        [
            JobStanding(
                job.id,
                job.bundle,
                job.study_version,
                job.state,
                job.rank,
                withdrawn=(found := of_job.get(job.id)) is not None
                and found.withdrawn_at is not None,
            )
            for job in jobs
        ],
        images_version=images_version,
        arriving=arriving,
    )
    answers = []
    for standing in standings:
        of_bundle = [result for result in results if result.bundle == standing.bundle]
        current = next((one for one in of_bundle if one.superseded_by_id is None), None)
        answers.append(
            BundleAnswer(
                bundle=standing.bundle,
                state=standing.state,
                rank=standing.rank,
                current=standing.is_current,
                job=facts_of(JobFacts, by_id[standing.job_id]),
                result=None
                if current is None
                else facts_of(
                    ResultFacts,
                    current,
                    deliveries=deliveries[current.id],
                    bundle_version=by_id[current.job_id].bundle_version,
                ),
                superseded=len(of_bundle) - (current is not None),
            )
        )
    return tuple(answers)
