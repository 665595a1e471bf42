"""One study is followed through the log by its UID: node, sweep and queues say it, and no name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from database.session import Engine, open_engine
from settings.environment import Settings
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.rows import BUNDLE, NOON, arrival, claim, finish, queue_job, receive
from tests.unit.dicom_node.running_node import running_node
from tests.unit.dicom_node.small_ct import STUDY, small_ct, write
from worker.deliver.deliver_results import deliver_one
from worker.equipment import Equipment
from worker.housekeeping import sweep_once
from worker.pipeline import analyse_one


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = open_engine(f"sqlite:///{tmp_path / 'rows.sqlite'}")
    make_tables(made)
    return made


def lines(logs: list[structlog.types.EventDict], event: str) -> list[structlog.types.EventDict]:
    return [one for one in logs if one["event"] == event]


def equipped(engine: Engine, folder: Path) -> Equipment:
    settings = Settings(
        data_folder=folder, quiet_s=0, bundles=(BUNDLE,), bundles_folder=folder / "none"
    )
    return Equipment(settings, engine, "worker", clock=lambda: NOON + timedelta(minutes=1))


def test_the_queues_say_it(engine: Engine, tmp_path: Path) -> None:
    """A job without a model, and a delivery to nobody: each line names its study."""
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=["pacs"])
    queue_job(engine, study=2)
    worker = equipped(engine, tmp_path)
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        assert deliver_one(worker)
        assert analyse_one(worker)
    said = [(one["queue"], one["study_instance_uid"]) for one in logs if "queue" in one]
    assert ("deliveries", "2.25.1") in said
    assert ("jobs", "2.25.2") in said
    assert {uid for queue, uid in said if queue == "jobs"} == {"2.25.2"}


def test_the_sweep_says_it(engine: Engine, tmp_path: Path) -> None:
    """When it assembles a study."""
    receive(engine, arrival(study=3), NOON)
    worker = equipped(engine, tmp_path)
    with capture_logs() as logs:
        sweep_once(worker.settings, engine, worker.clock())
    assert [one["study_instance_uid"] for one in lines(logs, "assembled")] == ["2.25.3"]


def test_the_node_says_it_once_for_each_association(tmp_path: Path) -> None:
    """With who sends it; not for every image."""
    images = [write(small_ct(number), tmp_path / "images") for number in (1, 2)]
    with capture_logs() as logs, running_node(tmp_path / "data") as node:
        node.send(images)
    (line,) = lines(logs, "study_arrives")
    assert line["study_instance_uid"] == STUDY
    assert line["association_id"]
    assert "Not^To^Be^Logged" not in str(logs)
