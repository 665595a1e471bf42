"""The queue of the retrieval: earlier studies, from the archives that hold them."""

from __future__ import annotations

from worker.celery_app import app
from worker.priors.retrieve_priors import retrieve_one
from worker.tasks.process import equipment
from worker.tasks.turn import until_none_is_due
from worker.tasks.wake_ups import RETRIEVE_NEXT, wake


@app.task(name=RETRIEVE_NEXT)
def retrieve_next() -> None:
    """Ask for the earlier studies that are wanted."""
    worker = equipment()
    if not until_none_is_due(lambda: retrieve_one(worker)):
        wake(RETRIEVE_NEXT)
