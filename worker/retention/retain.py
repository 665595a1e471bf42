"""Begins a turn of the retention when one is due, and when the clock can be believed.

A clock that runs ahead makes everything old: what is removed then does not come back with the right
time. After a longer break between two turns, of which nobody can tell whether the machine was off
or its clock was put forward, nothing is removed for an hour. Who puts a clock right does it then.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from database.retention.state import BREAK, TURN, NotedState, note_state, noted_state
from database.session import Engine, query, transaction
from settings.environment import Settings
from settings.log.log_events import get_logger
from storage.kept_files import kept_files
from worker.retention.turn import Measure, measure_disk, retention_turn

_log = get_logger("retention")
LONGEST_BREAK: Final = timedelta(days=2)
WAITED: Final = timedelta(hours=1)


def retain(
    settings: Settings, engine: Engine, now: datetime, *, measure: Measure = measure_disk
) -> None:
    """A turn, where one is due."""
    with query(engine) as session:
        last, noted = noted_state(session, TURN), noted_state(session, BREAK)
    if last is not None and not _is_due(settings, last, now):
        return
    if not kept_files(settings).answer():
        return
    if last is None:
        retention_turn(settings, engine, now, measure=measure)
        return
    if now - last.noted_at <= LONGEST_BREAK:
        retention_turn(settings, engine, now, measure=measure)
    elif noted is None or not last.noted_at < noted.noted_at <= now:  # that is of another break
        with transaction(engine) as session:
            note_state(session, BREAK, now)
        _log.warning("retention_waits", last=last.noted_at.isoformat(), now=now.isoformat())
    elif now - noted.noted_at >= WAITED:
        retention_turn(settings, engine, now, measure=measure)


def _is_due(settings: Settings, last: NotedState, now: datetime) -> bool:
    """Whether it is time for a turn; at once where the last one did not come to its end."""
    if not last.facts.get("ended", True):
        return True
    return not timedelta() <= now - last.noted_at < timedelta(seconds=settings.retention.every_s)
