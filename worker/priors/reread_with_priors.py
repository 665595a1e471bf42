"""Queues a study again when an earlier study to compare it with has arrived and was read."""

from __future__ import annotations

import functools
from datetime import datetime

from database.priors.awaited import RipeRequest, end_awaiting, ripe_requests
from database.priors.candidates import prior_candidates
from database.session import Engine, query, transaction
from database.states import PriorRequestState
from database.studies.assembly import Waits
from settings.environment import Settings
from settings.log.log_events import get_logger
from storage.kept_files import kept_files
from worker.attempt.attempt_step import attempt_step
from worker.course.find_priors import choose_priors
from worker.priors.compared_so_far import ComparedSoFar, compared_so_far

_log = get_logger("housekeeping")


def reread_with_priors(
    settings: Settings, engine: Engine, waits: Waits, now: datetime
) -> list[int]:
    """Queue those studies for which something to compare with is there now; returns their jobs.

    The choice equals that of the job, so that no study is read again needlessly.
    """
    with query(engine) as session:
        ripe = ripe_requests(session, now)
    if not ripe or not kept_files(settings).answer():
        return []
    jobs = (
        attempt_step(
            functools.partial(_reread, settings, engine, request, waits, now),
            "rereading",
            study_instance_uid=request.study.study_instance_uid,
        )
        for request in ripe
    )
    return [job_id for of_study in jobs for job_id in of_study or ()]


def _reread(
    settings: Settings, engine: Engine, ripe: RipeRequest, waits: Waits, now: datetime
) -> tuple[int, ...]:
    so_far = compared_so_far(ripe.study)
    state = _state(settings, engine, ripe, so_far)
    with transaction(engine) as session:
        job_ids = end_awaiting(
            session,
            ripe,
            state,
            now,
            bundles=settings.bundles,
            waits=waits,
            reread=state is PriorRequestState.COMPARED and not _done(ripe, so_far),
        )
    if job_ids:
        uid = ripe.study.study_instance_uid
        _log.info("reread", study_instance_uid=uid, job_ids=list(job_ids))
    return job_ids


def _state(
    settings: Settings, engine: Engine, ripe: RipeRequest, so_far: ComparedSoFar
) -> PriorRequestState:
    if _done(ripe, so_far):
        return PriorRequestState.COMPARED
    with query(engine) as session:
        candidates = prior_candidates(session, ripe.study.study_id, bundle=ripe.study.bundle)
    priors = choose_priors(
        [one for one in candidates if one.study_instance_uid in ripe.wanted],
        instance=settings.spool_folder / ripe.study.instance_path,
        acquired_at=so_far.acquired_at,
        settings=settings,
    )
    compared_at = so_far.earlier_at
    newer = [one for one in priors.found if not compared_at or one.study.acquired_at > compared_at]
    return PriorRequestState.COMPARED if newer else PriorRequestState.NOTHING


def _done(ripe: RipeRequest, so_far: ComparedSoFar) -> bool:
    """Whether a version that came meanwhile has been compared with what was wanted."""
    earlier = so_far.earlier
    return earlier is not None and earlier.study_instance_uid in ripe.wanted
