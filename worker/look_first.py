"""Looks at waiting jobs between two analyses, so that the one that looks urgent comes next."""

from __future__ import annotations

from database.jobs.first_looks import JobToLookAt, next_to_look_at, record_look
from database.session import transaction
from radiology.errors import FirstreadError
from settings.log_events import get_logger
from settings.peers import RequestPriority
from worker.equipment import Equipment
from worker.housekeeping import waits
from worker.infer.first_look import FirstLook, first_look
from worker.series.bundle_rule import bundle_refusal
from worker.series.read_series import read_series
from worker.series.rules import REFUSALS
from worker.series.select_series import select_series

_log = get_logger("pipeline")
_MOST_AT_ONCE = 40  # a backlog is looked at in pieces: jobs go on in between

# Below the 25 % at which worker.infer.urgency calls a study urgent: a few slices miss its share by
# a fifth at most in our studies (docs/flags.md). And the share at which a slice counts as positive
# in chest.case_level.
_LOOKS_URGENT_PERCENT, _LOOKS_SUSPECTED_PERCENT = 20.0, 1.0


def look_first(equipment: Equipment) -> int:
    """Look at waiting jobs, if there is more than one; returns how many were looked at."""
    if not equipment.settings.first_look:
        return 0
    for looked in range(_MOST_AT_ONCE):
        with transaction(equipment.engine) as session:
            job = next_to_look_at(session, equipment.clock())
        if job is None:
            return looked
        try:
            _look(equipment, job)
        except Exception as error:  # noqa: BLE001 where a task ends: the job itself
            # will meet the fault, and say it; an order that is not known costs no study.
            _log.warning("first_look_failed", job_id=job.job_id, error_kind=type(error).__name__)
    return _MOST_AT_ONCE


def like_priority(look: FirstLook) -> RequestPriority | None:
    """The priority that a study of this look waits like; None for its own."""
    if look.worse_lung_percent >= _LOOKS_URGENT_PERCENT:
        return RequestPriority.STAT
    if look.worse_lung_percent >= _LOOKS_SUSPECTED_PERCENT:
        return RequestPriority.HIGH
    return None


def _look(equipment: Equipment, job: JobToLookAt) -> None:
    began = equipment.clock()
    try:
        reader = equipment.reader
        paths = {uid: equipment.settings.spool_folder / path for uid, path in job.paths.items()}
        series = select_series(
            read_series(paths.values()), refusals=(*REFUSALS, bundle_refusal(reader.bundle))
        ).require()
        look = first_look(series, paths, reader.bundle, reader.session)
    except FirstreadError as error:
        _log.info("first_look_refused", job_id=job.job_id, error_kind=error.kind)
        return
    ended = equipment.clock()
    seconds = (ended - began).total_seconds()
    with transaction(equipment.engine) as session:
        moved = record_look(
            session,
            job,
            like_priority(look),
            waits(equipment.settings),
            ended,
            slices=look.slices,
            worse_lung_percent=round(look.worse_lung_percent, 2),
            seconds=seconds,
        )
    _log.info("first_look", job_id=job.job_id, moved_forward=moved, seconds=seconds)
