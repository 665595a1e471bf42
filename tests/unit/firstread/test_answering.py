"""A start says that it serves when node and page answer, or which of them does not.

Node and page are the real ones, in this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from database.process_signs import note_sweep, process_signs, record_sign
from database.session import query, transaction
from database.tables.operation.doctor import DoctorRun
from dicom_node.request.verification import verify_peer
from firstread.doctor.examined_site import ExaminedSite
from firstread.serve.answering import faults_of, say_when_serving
from radiology.errors import PeerRefused
from settings.served_process import needed_parts
from tests.peers.hostile_service import HOSTILE_ANSWERS, hostile_service
from tests.peers.page.running_page import RunningPage
from tests.peers.ports import free_port
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.running_node import RunningNode, running_node
from worklist.app import create_app

TICKET = "FR-DR-ABCDEFGHIJ"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """A node that knows one scanner, of a site whose parts give signs of life."""
    port = free_port()
    log_file = tmp_path / "log"
    roomy = {"high_mark_percent": 100, "low_mark_percent": 99.9}  # whatever the disk holds
    with running_node(tmp_path, worklist_port=port, log_file=log_file, retention=roomy) as running:
        now = datetime.now(UTC)
        with transaction(running.engine) as session:
            for number, part in enumerate(needed_parts(running.settings)):
                record_sign(session, f"here:{number}", part.value, started_at=now, now=now)
            note_sweep(session, now)
        yield running


@pytest.fixture
def page(node: RunningNode) -> Iterator[RunningPage]:
    """The page of the same site."""
    page = RunningPage(create_app(node.settings, node.engine), node.settings)
    page.start()
    yield page
    page.stop()


def test_serving_is_said_when_both_answer(
    node: RunningNode, page: RunningPage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody was turned away for it, and the title that let it in is worth nothing any more."""
    say_when_serving(node.settings, limit_s=0.0)
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("Serving: AE title FIRSTREAD takes studies on port"), said
    assert page.address in said
    (association,) = node.ended_associations(1)
    with query(node.engine) as session:
        assert len(process_signs(session)) == len(needed_parts(node.settings))
        assert session.query(DoctorRun).count() == 0
    with pytest.raises(PeerRefused):
        verify_peer(node.as_peer, calling_ae_title=association.calling_ae_title, timeout_s=20)


def test_what_does_not_answer_is_named(node: RunningNode, page: RunningPage) -> None:
    """With its port or address, and where the reason stands."""
    assert [*faults_of(ExaminedSite(node.settings), TICKET)] == []
    nobody = free_port()
    without_page = node.settings.model_copy(update={"worklist_port": nobody})
    (fault,) = faults_of(ExaminedSite(without_page), TICKET)
    assert fault.startswith(f"The worklist page does not answer at http://127.0.0.1:{nobody}/")
    assert "part worklist" in fault
    without_node = node.settings.model_copy(update={"dicom_port": nobody})
    (fault,) = faults_of(ExaminedSite(without_node), TICKET)
    assert fault.startswith(f"The node takes no association on port {nobody}")
    assert "part node" in fault


def test_a_page_that_says_what_fails_is_quoted(node: RunningNode, page: RunningPage) -> None:
    """It answers, and studies are not read all the same."""
    with transaction(node.engine) as session:
        note_sweep(session, datetime(2020, 1, 1, tzinfo=UTC))
    (fault,) = faults_of(ExaminedSite(node.settings), TICKET)
    assert fault.startswith("No sweep has come to its end since 2020-01-01")


@pytest.mark.parametrize("answer", HOSTILE_ANSWERS)
def test_something_else_on_the_port_of_the_page(
    node: RunningNode, answer: Callable[[], Iterable[bytes]]
) -> None:
    """Another program may listen there; the start does not hang on it."""
    with hostile_service(answer) as (url, sent):
        settings = node.settings.model_copy(update={"worklist_port": urlsplit(url).port})
        began = time.monotonic()
        (fault,) = faults_of(ExaminedSite(settings), TICKET)
    assert fault.startswith(f"The worklist page does not answer at {url}/")
    assert time.monotonic() - began < 15
    assert sent[0] < 20_000_000


def test_the_page_is_asked_without_a_proxy(
    node: RunningNode, page: RunningPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is on this machine, also where the environment names a proxy for everything."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    site = ExaminedSite(node.settings)
    wait_until(lambda: not [*faults_of(site, TICKET)], what="an answer of node and page")
