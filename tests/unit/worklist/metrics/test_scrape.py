"""What a scrape gets: the rows as they stand, the counters of all processes, and nobody's name."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from database.metrics import counted
from database.metrics.counted import save_counts
from database.metrics.declared import EVERY
from database.session import open_engine, query
from database.states import DeliveryState, JobState
from database.tables.study.analysis import Delivery, Event, Instance, Job, Result, Study
from settings.environment import Settings
from settings.page.worklist_network import WorklistNetwork
from settings.peers import RequestPriority
from tests.peers.programs import require_program
from tests.peers.tls import Certificate
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.ordinary_day import seed_ordinary_day
from tests.unit.worklist.metrics.exposed import sample, samples
from tests.unit.worklist.seeding import SeededHospital, open_hospital
from worklist.app import create_app
from worklist.metrics.scrape import Scrapes


@pytest.fixture(scope="module")
def counted_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeededHospital]:
    """Give a hospital with a study of every kind, and what was counted while they came."""
    hospital = open_hospital(tmp_path_factory.mktemp("counted"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(counted, "_in_memory", {})
        seed_ordinary_day(hospital)
        save_counts(hospital.engine)
    yield hospital
    hospital.engine.dispose()


def scraped(hospital: SeededHospital, settings: Settings, *, later: int = 0) -> str:
    now = hospital.now + timedelta(seconds=later)
    page = Visitor(create_app(settings, hospital.engine, clock=lambda: now))
    answer = page.get("/metrics")
    assert answer.status_code == 200, answer.text
    return answer.text


def test_promtool_finds_nothing_to_object_to(
    counted_day: SeededHospital, worklist_settings: Settings
) -> None:
    """Names, units, help and types are as Prometheus's own linter wants them."""
    promtool = require_program("promtool", package="prometheus")
    text = scraped(counted_day, worklist_settings)
    said = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_gauges_say_what_the_rows_say(
    counted_day: SeededHospital, worklist_settings: Settings
) -> None:
    """Counted once more by other queries, studies, jobs and deliveries are as many as it says."""
    text = scraped(counted_day, worklist_settings)
    with query(counted_day.engine) as session:
        waiting = session.scalars(
            select(Job).where(Job.state == JobState.QUEUED, Job.lease_until.is_(None))
        ).all()
        refused = session.scalars(
            select(Delivery).where(Delivery.state == DeliveryState.REFUSED)
        ).all()
        studies = session.scalars(select(Study).where(Study.asked_for.is_(False))).all()
    assert waiting
    for priority in RequestPriority:
        mine = [one for one in waiting if one.priority is priority]
        labels = {"bundle": "chest-ct-pneumonia", "priority": priority.value}
        assert sample(text, "firstread_jobs_waiting", **labels) == len(mine)
        oldest = max((counted_day.now - one.queued_at for one in mine), default=timedelta())
        age = sample(text, "firstread_jobs_oldest_wait_seconds", **labels)
        assert age == pytest.approx(oldest.total_seconds())
    assert sample(text, "firstread_deliveries", destination="pacs", state="refused") == len(refused)
    by_state = {
        dict(labels)["state"]: value
        for (name, labels), value in samples(text).items()
        if name == "firstread_studies"
    }
    assert sum(by_state.values()) == len(studies)
    assert all(
        value == sum(one.state == state for one in studies) for state, value in by_state.items()
    )


def test_counters_count_what_was_committed(
    counted_day: SeededHospital, worklist_settings: Settings
) -> None:
    """Results, ended deliveries and the steps of jobs are in the counters once each."""
    found = samples(scraped(counted_day, worklist_settings))

    def total(name: str, **labels: str) -> float:
        wanted = set(labels.items())
        return sum(value for (one, said), value in found.items() if one == name and wanted <= said)

    with query(counted_day.engine) as session:
        results = session.scalar(select(func.count()).select_from(Result))
        delivered = session.scalar(
            select(func.count()).where(Delivery.state == DeliveryState.DELIVERED)
        )
        encoded = session.scalar(select(func.count()).where(Event.name == "encoded"))
    assert total("firstread_results_total") == results
    assert total("firstread_deliveries_ended_total", state="delivered") == delivered
    assert total("firstread_job_step_seconds_count", step="encoded") == encoded
    assert total("firstread_job_step_seconds_bucket", step="encoded", le="+Inf") == encoded


def test_buckets_hold_all_that_fell_below_them(
    counted_day: SeededHospital, worklist_settings: Settings
) -> None:
    """The buckets of every histogram rise up to its count."""
    found = samples(scraped(counted_day, worklist_settings))
    rising: dict[tuple[str, frozenset[tuple[str, str]]], list[tuple[float, float]]] = {}
    for (name, labels), value in found.items():
        if name.endswith("_bucket"):
            rest = frozenset(one for one in labels if one[0] != "le")
            rising.setdefault((name, rest), []).append((float(dict(labels)["le"]), value))
    assert rising
    for (name, labels), buckets in rising.items():
        values = [value for _, value in sorted(buckets)]
        assert values == sorted(values)
        assert values[-1] == found[name.replace("_bucket", "_count"), labels]


def test_names_nobody(counted_day: SeededHospital, worklist_settings: Settings) -> None:
    """No identifier of a patient, a study, an order or an image is in it."""
    text = scraped(counted_day, worklist_settings)
    with query(counted_day.engine) as session:
        studies = session.scalars(select(Study)).all()
        instances = session.scalars(select(Instance.sop_instance_uid)).all()
    marks = {
        *(one.patient_id for one in studies),
        *(one.accession_number for one in studies),
        *(one.study_instance_uid for one in studies),
        *instances,
    } - {""}
    assert len(marks) > 10
    assert not [one for one in marks if one in text]
    one = next(iter(marks))
    assert one in text + f'firstread_studies{{patient="{one}"}} 1'  # the search would find it


def test_every_label_is_of_a_bounded_kind(
    counted_day: SeededHospital, worklist_settings: Settings
) -> None:
    """Only the labels that the documents name exist, whatever was received."""
    allowed = {label for metric in EVERY for label in metric.labels} | {
        *("bundle", "priority", "queue", "destination", "state", "urgency", "channel", "part"),
        *("problem", "failing", "folder", "version", "setting", "le"),
    }
    assert not allowed & {"patient", "study", "address", "reader", "ae_title", "calling_ae_title"}
    found = samples(scraped(counted_day, worklist_settings))
    assert {name for _, labels in found for name, _ in labels} <= allowed


def test_is_asked_once_in_five_seconds(
    hospital: SeededHospital, worklist_settings: Settings
) -> None:
    """A second scraper gets the answer of the first; after five seconds it is asked anew."""
    asked: list[str] = []
    event.listen(
        hospital.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: asked.append(statement),
    )
    seconds = 100.0
    scrapes = Scrapes(worklist_settings, hospital.engine, lambda: hospital.now, lambda: seconds)
    first, _ = scrapes.text("")
    queries = len(asked)
    assert 0 < queries < 40
    assert scrapes.text("") == (first, scrapes.text("")[1])
    assert len(asked) == queries
    seconds += 5.0
    scrapes.text("")
    assert len(asked) == 2 * queries


def test_says_that_the_database_is_away(worklist_settings: Settings) -> None:
    """The scrape still answers: with the disk, and a gauge that says so."""
    away = open_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    text = Visitor(create_app(worklist_settings, away)).get("/metrics").text
    assert sample(text, "firstread_database_up") == 0
    assert sample(text, "firstread_disk_free_bytes")
    assert sample(text, "firstread_queue_waiting", queue="analysis") is None


def test_says_when_certificates_end(
    counted_day: SeededHospital, worklist_settings: Settings, tmp_path: Path
) -> None:
    """As openssl reads it from the file that a setting names."""
    made = Certificate.new(tmp_path)
    network = WorklistNetwork(certificate=made.file, key=tmp_path / "service.key")
    settings = worklist_settings.model_copy(update={"worklist_network": network})
    command = ["openssl", "x509", "-noout", "-enddate", "-in", made.file]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    ends_at = datetime.strptime(said.strip(), "notAfter=%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    name = "firstread_certificate_expiry_timestamp_seconds"
    text = scraped(counted_day, settings)
    assert sample(text, name, setting="worklist_network.certificate") == ends_at.timestamp()


def test_what_waits_ages_and_silent_parts_are_missed(
    counted_day: SeededHospital, worklist_settings: Settings
) -> None:
    """The age of the oldest waiting job grows with the clock; no part has given a sign."""
    before = scraped(counted_day, worklist_settings)
    after = scraped(counted_day, worklist_settings, later=600)
    labels = {"queue": "analysis"}
    grown = sample(after, "firstread_queue_oldest_wait_seconds", **labels)
    was = sample(before, "firstread_queue_oldest_wait_seconds", **labels)
    assert grown is not None
    assert was is not None
    assert grown - was == pytest.approx(600)
    assert sample(after, "firstread_processes", part="node") == 0
    assert sample(after, "firstread_problems", problem="part_silent", failing="true")
