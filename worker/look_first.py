"""Takes first looks at waiting jobs between two jobs, so that urgent studies are analysed next."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import datetime

from database.jobs.first_looks import JobToLookAt, next_to_look_at, record_look
from database.session import Session, transaction
from database.studies.study_of import uid_of_study
from models.catalogue import UsableBundle
from models.readers.study_reader import FirstLook
from radiology.image.volume import Volume
from radiology.urgency import Urgency
from settings.log.log_events import get_logger
from settings.peers import RequestPriority
from storage.kept_files import kept_files
from worker.attempt.attempt_next import attempt_next
from worker.attempt.lease import Lease
from worker.attempt.queue import Queue, Unsuccessful
from worker.attempt.retry import Backoff
from worker.equipment import Equipment
from worker.housekeeping import waits
from worker.infer.thin_volume import thin_volume
from worker.patient.one_patient import one_patient
from worker.series.bundle_rule import refusals_of
from worker.series.decode_best import decode_best
from worker.series.read_series import group_series, patients_of, read_instances

_log = get_logger("pipeline")
_MOST_AT_ONCE = 40  # a backlog is looked at in pieces: jobs go on in between
_PRIORITIES = {Urgency.URGENT: RequestPriority.STAT, Urgency.SUSPECTED: RequestPriority.HIGH}


def look_first(equipment: Equipment) -> int:
    """Look at waiting jobs, if there is more than one; returns how many were looked at."""
    if not equipment.settings.first_look:
        return 0
    looks = _FirstLooks(equipment)
    for looked in range(_MOST_AT_ONCE):
        if not attempt_next(looks, equipment):
            return looked
    return _MOST_AT_ONCE


class _FirstLooks(Queue[JobToLookAt]):
    """Waiting jobs without a first look."""

    name = "first looks"
    needs_files = True

    @property
    def backoff(self) -> Backoff:
        return Backoff(0.0, 0.0, max_attempts=1)  # an order that is not known costs no study

    def claim(self, session: Session, now: datetime) -> JobToLookAt | None:
        return next_to_look_at(session, now, bundles=self._equipment.settings.bundles)

    def facts(self, claim: JobToLookAt) -> Mapping[str, int | str]:
        return {"job_id": claim.job_id, "study_id": claim.study_id}

    def study_of(self, session: Session, claim: JobToLookAt) -> str:
        return uid_of_study(session, claim.study_id)

    def attempt(self, claim: JobToLookAt, lease: Lease) -> None:
        equipment = self._equipment
        began = equipment.clock()
        look = _look(equipment, claim)
        if look is None:
            return
        ended = equipment.clock()
        seconds = (ended - began).total_seconds()
        with transaction(equipment.engine) as session:
            moved = record_look(
                session,
                claim,
                like_priority(look),
                waits(equipment.settings),
                ended,
                seconds=seconds,
                **look.facts,
            )
        _log.info("first_look", moved_forward=moved, seconds=seconds)

    def settle(self, session: Session, claim: JobToLookAt, end: Unsuccessful) -> None:
        """Nothing is written: the job meets the same fault in its turn, and says it."""


def _look(equipment: Equipment, job: JobToLookAt) -> FirstLook | None:
    reader = equipment.reader_of(job.bundle)
    return reader.look(functools.partial(_thinned, equipment, job, reader.bundle))


def _thinned(equipment: Equipment, job: JobToLookAt, bundle: UsableBundle) -> Volume:
    """Select and decode only where the bundle has a quick look at all."""
    paths = {uid: equipment.settings.spool_folder / path for uid, path in job.paths.items()}
    kept_files(equipment.settings).fetch_all(paths.values())
    instances = read_instances(paths.values())
    one_patient(patients_of(instances, skip_unreadable=True))
    found = group_series(instances)
    return decode_best(found, refusals_of(bundle), lambda series: thin_volume(series, paths)).volume


def like_priority(look: FirstLook) -> RequestPriority | None:
    """The priority that a study of this look waits like; None for its own."""
    return None if look.like is None else _PRIORITIES.get(look.like)
