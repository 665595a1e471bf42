"""Wake-ups, sent by name: whoever sends one does not import what it wakes."""

from __future__ import annotations

from typing import Final

from database.flags.inquiries import channels_to_ask
from database.flags.notices import due_channels
from database.session import query
from worker.celery_app import FLAGS, app, wake_up_waits
from worker.equipment import Equipment

ANALYSE_NEXT: Final = "worker.tasks.analyse_next"
READ_AHEAD: Final = "worker.tasks.read_ahead"
DELIVER_NEXT: Final = "worker.tasks.deliver_next"
TELL_NEXT: Final = "worker.tasks.tell_next"
RETRIEVE_NEXT: Final = "worker.tasks.retrieve_next"
SWEEP: Final = "worker.tasks.sweep"


def wake(task: str) -> None:
    """Send a wake-up; the routes of `worker.celery_app` know its queue."""
    app.send_task(task)


def wake_flags(equipment: Equipment, *, unless_one_waits: bool = False) -> None:
    """Send a wake-up for each channel that has something to be told."""
    with query(equipment.engine) as session:
        now = equipment.clock()
        names = {*due_channels(session, now), *channels_to_ask(session, now)}
    if names and unless_one_waits and wake_up_waits(app, FLAGS):
        return
    for name in sorted(names):
        app.send_task(TELL_NEXT, (name,))
