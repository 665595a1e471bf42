"""The queue of deliveries: results to destinations, events of work items to subscribers."""

from __future__ import annotations

from worker.celery_app import app
from worker.deliver.ask_away import ask_one
from worker.deliver.deliver_results import deliver_one
from worker.deliver.report_work_items import report_one
from worker.tasks.process import equipment
from worker.tasks.turn import until_none_is_due
from worker.tasks.wake_ups import DELIVER_NEXT, wake


@app.task(name=DELIVER_NEXT)
def deliver_next() -> None:
    """Send every delivery that is due, tell subscribers of work items, ask who is away."""
    worker = equipment()
    if not until_none_is_due(lambda: deliver_one(worker) or report_one(worker) or ask_one(worker)):
        wake(DELIVER_NEXT)
