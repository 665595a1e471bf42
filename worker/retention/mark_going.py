"""Marks what was chosen to go: in one commit rows stop naming its files, and removing is ordered.

What was chosen is looked at once more under the locks of its studies: an image may have come
meanwhile. A study that somebody else has locked waits for the next turn.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from database.retention.facts import result_facts, study_facts
from database.retention.held import KeptStudy, held_back
from database.retention.removals import (
    SPOOL,
    GoneOriginals,
    MarkedFile,
    lock_studies,
    mark,
    note_originals_removed,
    note_slices_removed,
    originals_of,
)
from database.session import Engine, Session, transaction
from settings.environment import Settings
from worker.retention.choose import Going
from worker.retention.files import files_below, slices_file


@dataclass(frozen=True, slots=True)
class Marked:
    """Of how many studies images go, and of how many results the slices."""

    studies: int = 0
    slices: int = 0


def mark_going(settings: Settings, engine: Engine, now: datetime, going: Sequence[Going]) -> Marked:
    """Mark all of it in one commit, but for what has changed since, or is in somebody's hands."""
    on_disk = {
        one.candidate.study.study_id: {
            file.path: file.size_bytes
            for file in files_below(
                settings, settings.spool_folder, one.candidate.study.study_instance_uid
            )
        }
        for one in going
        if one.candidate.result_id is None
    }
    treatment = timedelta(days=settings.retention.treatment_days)
    with transaction(engine) as session:
        locked = lock_studies(session, {one.candidate.study.study_id for one in going})
        studies = study_facts(session, locked, now) if locked else {}
        still = [
            one
            for one in going
            if one.candidate.study.study_id in studies
            and _still_goes(one, studies[one.candidate.study.study_id], now, treatment)
        ]
        originals = {
            one.candidate.study.study_id: one.because.value
            for one in still
            if one.candidate.result_id is None
        }
        slices = [one.candidate.result_id for one in still if one.candidate.result_id is not None]
        if originals:
            _mark_originals(session, now, originals, on_disk)
        return Marked(len(originals), _mark_slices(settings, session, now, slices) if slices else 0)


def _mark_originals(
    session: Session,
    now: datetime,
    because: Mapping[int, str],
    on_disk: Mapping[int, Mapping[str, int]],
) -> None:
    named = originals_of(session, because)
    sizes = {study_id: {**named[study_id], **on_disk[study_id]} for study_id in because}
    mark(session, (MarkedFile(SPOOL, *file) for one in sizes.values() for file in one.items()), now)
    gone = [GoneOriginals(one, why, sum(sizes[one].values())) for one, why in because.items()]
    note_originals_removed(session, gone, now)


def _mark_slices(
    settings: Settings, session: Session, now: datetime, result_ids: Collection[int]
) -> int:
    """Gives of how many there were any."""
    found = (slices_file(settings, one) for one in result_facts(session, result_ids))
    files = [file for file in found if file is not None]
    mark(session, files, now)
    note_slices_removed(session, result_ids, now)
    return len(files)


def _still_goes(going: Going, study: KeptStudy, now: datetime, treatment: timedelta) -> bool:
    """By the rows as they are now."""
    candidate = going.candidate
    came_again = study.last_instance_at != candidate.at
    if candidate.result_id is None and (came_again or not study.originals_here):
        return False  # where they are gone, another turn was faster
    return held_back(study, now, treatment=treatment) is None
