"""What a collector of OpenTelemetry gets of a day: each study once, whole, and nobody's name."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from database.session import query, transaction
from database.tables.study.analysis import Study
from database.traces.cursor import begin_traces
from settings.monitoring import Monitoring
from tests.peers.hostile_service import (
    HOSTILE_ANSWERS,
    endless,
    hostile_service,
    packed,
    trickling,
)
from tests.peers.programs import REPOSITORY
from tests.peers.trace_collector import TraceCollector, running_trace_collector
from tests.unit.worklist.list.ordinary_day import seed_ordinary_day
from tests.unit.worklist.seeding import SeededHospital, open_hospital
from worker.traces.follow_studies import open_sender, send_next
from worker.traces.send_spans import SpanSender


@pytest.fixture(scope="module")
def traced_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeededHospital]:
    """Give a hospital with a study of every kind that came after tracing had begun."""
    hospital = open_hospital(tmp_path_factory.mktemp("traced"))
    with transaction(hospital.engine) as session:
        begin_traces(session)
    seed_ordinary_day(hospital)
    yield hospital
    hospital.engine.dispose()


@pytest.fixture(scope="module")
def collector(traced_day: SeededHospital) -> Iterator[TraceCollector]:
    """Give a collector that refused the day at first, and then took it."""
    with running_trace_collector() as running:
        headers = {"X-Secret": SecretStr("only for the collector")}
        monitoring = Monitoring(traces_url=running.url, traces_headers=headers)  # type: ignore[arg-type]
        sender, later = open_sender(monitoring), traced_day.now + timedelta(minutes=1)
        running.refuses = True
        assert not send_next(traced_day.engine, sender, later)
        running.refuses = False
        assert send_next(traced_day.engine, sender, later)
        taken = len(running.requests)
        assert send_next(traced_day.engine, sender, later)  # nothing is left
        assert len(running.requests) == taken
        yield running


def test_each_study_is_one_trace(collector: TraceCollector, traced_day: SeededHospital) -> None:
    """What was refused came later; every span lies below the span of its study, in its time."""
    spans = collector.spans()
    assert len({(one["trace"], one["id"]) for one in spans}) == len(spans)
    roots = {one["trace"]: one for one in spans if one["name"] == "study"}
    assert len(roots) > 5
    by_id = {one["id"]: one for one in spans}
    for one in spans:
        assert one["began"] <= one["ended"]
        assert one["facts"]["firstread.study_instance_uid"]
        if one["parent"]:
            above = by_id.get(one["parent"]) or roots.get(one["trace"])
            if above is not None:
                assert above["trace"] == one["trace"]
                assert above["began"] <= one["began"]
    with query(traced_day.engine) as session:
        known = set(session.scalars(select(Study.study_instance_uid)))
    assert {one["facts"]["firstread.study_instance_uid"] for one in roots.values()} <= known
    assert {one["service"]["service.name"] for one in spans} == {"firstread"}


def test_steps_follow_each_other(collector: TraceCollector) -> None:
    """Of a study that was read: wait, select, decode, infer, encode, one after the other."""
    spans = collector.spans()
    read = [
        one
        for one in spans
        if one["name"] == "job" and one["facts"]["firstread.state"] == "encoded"
    ]
    assert read
    for job in read:
        steps = sorted(
            (one for one in spans if one["parent"] == job["id"]), key=lambda one: one["ended"]
        )
        assert [one["name"] for one in steps][:1] == ["wait"]
        assert [one["name"] for one in steps][-1] == "encoded"
        for before, after in itertools.pairwise(steps):
            assert before["ended"] == after["began"]
        assert (steps[0]["began"], steps[-1]["ended"]) == (job["began"], job["ended"])
    assert {"delivery", "assembly"} <= {one["name"] for one in spans}


def test_what_failed_says_so(collector: TraceCollector) -> None:
    """By the kind of the error, not by its message, which may quote a peer."""
    failed = {one["failed"] for one in collector.spans()} - {""}
    assert failed
    assert all(one.isidentifier() for one in failed)


def test_names_nobody(collector: TraceCollector, traced_day: SeededHospital) -> None:
    """No Patient ID and no accession number is in what was sent; the UID, as in the log, is."""
    sent = b"".join(collector.requests)
    with query(traced_day.engine) as session:
        studies = session.scalars(select(Study)).all()
    marks = {one.patient_id for one in studies} | {one.accession_number for one in studies}
    assert len(marks - {""}) > 5
    assert not [one for one in marks - {""} if one.encode() in sent]
    assert any(one.study_instance_uid.encode() in sent for one in studies)
    assert {one["x-secret"] for one in collector.headers} == {"only for the collector"}


def test_costs_nothing_where_it_is_off() -> None:
    """No process imports the libraries of OpenTelemetry's SDK unless a collector is set."""
    program = (
        "import sys, worker.tasks.housekeeping, worker.traces.follow_studies\n"
        "print(sorted(one for one in sys.modules if one.startswith(('opentelemetry.sdk',"
        " 'opentelemetry.exporter', 'prometheus_client'))))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize("answer", HOSTILE_ANSWERS)
def test_a_hostile_collector_costs_neither_memory_nor_time(
    answer: Callable[[], Iterable[bytes]],
) -> None:
    """Whose headers came has taken the spans; the rest of what it says is not waited for."""
    is_taken = answer in (endless, packed, trickling)
    began = time.monotonic()
    with hostile_service(answer) as (url, sent):
        sender = SpanSender(
            Monitoring(traces_url=url),  # type: ignore[arg-type]
            limit_s=20.0 if is_taken else 0.5,
        )
        assert sender.send([]) is is_taken
    assert time.monotonic() - began < 10
    assert sent[0] < 20_000_000


def test_a_certificate_file_that_is_gone(tmp_path: Path) -> None:
    """Nothing is sent then, and it is tried again later as after any other fault."""
    monitoring = Monitoring(
        traces_url="https://127.0.0.1:9/v1/traces",  # type: ignore[arg-type]
        traces_ca_file=tmp_path / "nothing.pem",
    )
    assert not SpanSender(monitoring).send([])
