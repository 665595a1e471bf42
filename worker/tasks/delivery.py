"""The queue of deliveries: results to destinations, events of work items to subscribers, audit."""

from __future__ import annotations

from worker.audit.send_audit import send_audit_one
from worker.celery_app import app
from worker.deliver.ask_away import ask_one
from worker.deliver.deliver_results import deliver_one
from worker.deliver.report_work_items import report_one
from worker.tasks.process import equipment
from worker.tasks.turn import until_none_is_due
from worker.tasks.wake_ups import DELIVER_NEXT, wake


@app.task(name=DELIVER_NEXT)
def deliver_next() -> None:
    """Send every delivery, report and audit event that is due; ask who is away."""
    worker = equipment()

    def next_one() -> bool:
        done = deliver_one(worker) or report_one(worker) or ask_one(worker)
        # After each of them, so that the audit repository is told on a busy day too.
        return send_audit_one(worker) or done

    if not until_none_is_due(next_one):
        wake(DELIVER_NEXT)
