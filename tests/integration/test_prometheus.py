"""A real Prometheus scrapes a real Firstread: node, sweep and page as processes of their own."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from database.jobs.claimed import claim_job, end_job
from database.session import Engine, open_engine, transaction
from database.states import JobState, WorklistRank
from firstread.serve.supervisor import Supervisor
from settings.environment import Settings
from settings.served_process import ServedProcess
from tests.builders.stored.empty_database import make_tables
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.ports import answers
from tests.peers.prometheus import running_prometheus
from tests.peers.trace_collector import TraceCollector, running_trace_collector
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.small_ct import small_ct, write
from tests.unit.hospital.dashboard import dashboard_queries

pytestmark = pytest.mark.integration

PARTS = (
    ServedProcess.NODE,
    ServedProcess.HOUSEKEEPING,
    ServedProcess.BEAT,
    ServedProcess.WORKLIST,
)
TOKEN = "a-token-that-nobody-guesses"
MARK = "MARKED7294"  # in the name, the ID, the accession number and the description of the study


@pytest.fixture
def collector() -> Iterator[TraceCollector]:
    """Give a collector of OpenTelemetry."""
    with running_trace_collector() as running:
        yield running


def _end_the_job(engine: Engine) -> None:
    """End the job of the study as an analysis worker would, without a model."""
    now = datetime.now(UTC)
    with transaction(engine) as session:
        claim = claim_job(session, worker="test", lease_s=60, now=now)
        assert claim is not None
        end_job(session, claim, JobState.FAILED, now, rank=WorklistRank.UNANSWERED)


@pytest.mark.timeout(600)
def test_prometheus_scrapes_firstread(
    tmp_path: Path, free_port: Callable[[], int], dcmtk: Dcmtk, collector: TraceCollector
) -> None:
    """It sees what was received and refused, what waits, and which part is silent; and no patient.

    What the node counted is there after the node was killed: 10 s after the last sign at the
    latest, which the test waits for. When the job has ended, the housekeeping worker sends the
    trace of its study.
    """
    engine = open_engine(Settings(data_folder=tmp_path).database_address)
    make_tables(engine)
    log = (tmp_path / "log").open("ab")
    dicom_port, page_port = free_port(), free_port()
    (tmp_path / "token").write_text(TOKEN)
    supervisor = Supervisor(
        os.environ
        | {
            "FIRSTREAD_DATA_FOLDER": str(tmp_path),
            "FIRSTREAD_DICOM_HOST": "127.0.0.1",
            "FIRSTREAD_DICOM_PORT": str(dicom_port),
            "FIRSTREAD_WORKLIST_PORT": str(page_port),
            "FIRSTREAD_PEERS": json.dumps([{"name": "ct-1", "ae_title": "SCANNER"}]),
            "FIRSTREAD_MONITORING": json.dumps(
                {"metrics_token_file": str(tmp_path / "token"), "traces_url": collector.url}
            ),
        },
        output=log,
        parts=PARTS,
    )
    marked = {
        "PatientName": f"{MARK}^Ada",
        "PatientID": MARK,
        "AccessionNumber": MARK,
        "StudyDescription": MARK,
    }
    images = [write(small_ct(number, **marked), tmp_path / "images") for number in (1, 2, 3)]
    images.append(write(small_ct(4, **marked, StudyInstanceUID=None), tmp_path / "images"))
    supervisor.start()
    try:
        for port in (dicom_port, page_port):
            wait_until(lambda port=port: answers(port), what="node and page", limit_s=120)
        dcmtk.storescu(images, port=dicom_port, called_ae_title="FIRSTREAD", options=["-nh"])
        dcmtk.storescu(
            images[:1], port=dicom_port, called_ae_title="FIRSTREAD", calling_ae_title="STRANGER"
        )
        with running_prometheus(
            tmp_path / "prometheus", target=f"127.0.0.1:{page_port}", token=TOKEN
        ) as prometheus:
            received = 'firstread_instances_received_total{source="ct-1",outcome="new"}'
            wait_until(lambda: prometheus.value(received) == 3, what="3 images", limit_s=120)
            assert prometheus.value("up") == 1
            assert [one["lastError"] for one in prometheus.targets()] == [""]
            refused = "firstread_instances_refused_total"
            assert prometheus.value(f'{refused}{{source="ct-1",reason="AttributeMissing"}}') == 1
            rejected = 'firstread_associations_rejected_total{reason="calling_ae_title"}'
            assert prometheus.value(rejected) == 1
            wait_until(
                lambda: prometheus.value("sum(firstread_jobs_waiting)") == 1,
                what="the job of the study",
                limit_s=120,
            )
            assert prometheus.value('firstread_processes{part="analysis"}') == 0

            _end_the_job(engine)
            wait_until(
                lambda: (
                    {one["name"] for one in collector.spans()}
                    >= {"study", "association", "assembly", "job", "wait"}
                ),
                what="the trace of the study",
                limit_s=120,
            )
            assert len({one["trace"] for one in collector.spans()}) == 1
            assert MARK.encode() not in b"".join(collector.requests)

            os.kill(supervisor.pid(ServedProcess.NODE), signal.SIGKILL)
            supervisor.restart_dead()
            assert prometheus.value(received) == 3

            wait_until(
                lambda: {rule["health"] for rule in prometheus.rules()} == {"ok"},
                what="every rule evaluated",
                limit_s=60,
            )
            for queries in dashboard_queries().values():
                for one in queries:
                    prometheus.ask(one)
            names = [one["metric"] for one in prometheus.ask('{job="firstread"}')]
            assert len(names) > 50
            assert MARK not in json.dumps(names)
            assert MARK in json.dumps([*names, {"patient": MARK}])  # the search would find it
    finally:
        supervisor.stop()
        log.close()
