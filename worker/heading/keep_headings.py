"""A step of the sweep: reads the headings that are due, a few at a time."""

from __future__ import annotations

import functools

from database.listed.headings import (
    follow_setting,
    heading_due,
    headings_due,
    keep_heading,
)
from database.session import Engine, query, transaction
from settings.environment import Settings
from settings.log.log_events import get_logger
from storage.kept_files import kept_files
from worker.attempt.attempt_step import attempt_step
from worker.heading.read_heading import read_heading

_log = get_logger("housekeeping")
# So that no sweep is late by them: about a fifth of a second on a slow disk. After an update from
# a version without headings, 30,000 older studies take quarter of an hour.
_AT_A_TIME = 20


def keep_headings(settings: Settings, engine: Engine) -> int:
    """Read the headings that were asked for; gives how many were kept."""
    with query(engine) as session:
        due = headings_due(session, _AT_A_TIME)
    if not due or not kept_files(settings).answer():
        return 0
    kept = [
        attempt_step(
            functools.partial(_keep, settings, engine, study_id), "heading", study_id=study_id
        )
        for study_id in due
    ]
    return sum(bool(one) for one in kept)


def follow_name_setting(settings: Settings, engine: Engine) -> None:
    """Forget the names of patients, or ask for them, as the setting now says."""
    named = settings.worklist_list.patient_names
    with transaction(engine) as session:
        studies = follow_setting(session, named=named)
    if studies:
        _log.info(
            "patient_names_asked_for" if named else "patient_names_forgotten", studies=studies
        )


def _keep(settings: Settings, engine: Engine, study_id: int) -> bool:
    with query(engine) as session:
        due = heading_due(session, study_id)
    if due is None:
        return False
    try:
        heading = read_heading(
            kept_files(settings).fetch_all(settings.spool_folder / path for path in due.paths),
            patient_id=due.patient_id,
            zone=settings.zone,
        )
    except OSError as error:
        # Not again by itself, twice a second: the job that reads these files meets the same fault,
        # and asks for the heading when it has read them.
        _log.warning("heading_not_read", study_id=study_id, error_kind=type(error).__name__)
        heading = None
    with transaction(engine) as session:
        return keep_heading(session, due, heading, named=settings.worklist_list.patient_names)
