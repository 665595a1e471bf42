"""Wake-ups through both brokers: seen while they wait, gone once taken, none piled up."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery import Celery
from pydantic import SecretStr

from settings.environment import read_settings
from worker.celery_app import ANALYSIS, DELIVERY, make_app, wake_up_waits

pytestmark = pytest.mark.integration


@pytest.fixture(params=["filesystem", "redis"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Celery:
    """An application of either size, whose queues are empty."""
    broker = None
    if request.param == "redis":
        broker = SecretStr(request.getfixturevalue("redis_url"))
    return make_app(read_settings(data_folder=tmp_path, broker_url=broker))


def test_a_waiting_wake_up_is_seen(app: Celery) -> None:
    """The sweep can tell that a wake-up lies in a queue, and sends no second one."""
    assert not wake_up_waits(app, ANALYSIS)
    app.send_task("worker.tasks.analyse_next")
    assert wake_up_waits(app, ANALYSIS)
    assert not wake_up_waits(app, DELIVERY)
    with app.connection_for_write() as connection:
        message = app.amqp.queues[ANALYSIS].bind(connection.default_channel).get(no_ack=True)
    assert message is not None
    assert not wake_up_waits(app, ANALYSIS)
