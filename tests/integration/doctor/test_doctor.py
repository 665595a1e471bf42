"""The doctor at a real Firstread with Orthanc as PACS: all is fine, and what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from database.session import open_engine, query
from database.tables.operation.doctor import DoctorRun
from database.tables.readers.flag import Flag, FlagNotice
from database.tables.study.analysis import Study
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.embedded import running_embedded
from tests.peers.firstreads.firstread import RunningFirstread
from tests.peers.firstreads.hospital import native_command
from tests.peers.flag_receivers import WebReceiver, running_web_receiver
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture
def receiver() -> Iterator[WebReceiver]:
    """Give a flag receiver."""
    with running_web_receiver() as receiver:
        yield receiver


@pytest.fixture
def firstread(
    tmp_path: Path,
    another_orthanc: Callable[..., OrthancPeer],
    dcmtk: Dcmtk,
    receiver: WebReceiver,
) -> Iterator[RunningFirstread]:
    """Give an embedded Firstread with a PACS that is reached by both ways, and a receiver that
    wants every flag."""
    channel = {
        "kind": "webhook", "name": "pager", "url": receiver.url, "from_urgency": "routine",
    }  # fmt: skip
    pacs = another_orthanc()
    called = {"host": pacs.host, "port": pacs.dicom_port, "roles": ["source", "destination"]}
    peers = [
        {"name": "pacs", "ae_title": pacs.ae_title, **called},
        {
            "name": "web", "ae_title": "WEB", "roles": ["destination"],
            "stow_url": pacs.dicomweb_url,
        },
    ]  # fmt: skip
    # How full the disk of whoever runs the tests is, is no matter of theirs.
    room = {"MIN_FREE_BYTES": "0", "RETENTION": json.dumps({"high_mark_percent": 100})}
    links = {"FLAGGING": json.dumps({"page_url": "https://reading.example"})}
    variables = {"FLAGS": json.dumps([channel]), "PEERS": json.dumps(peers), **room, **links}
    with running_embedded(tmp_path, pacs=pacs, settings=variables, limit_s=240.0) as embedded:
        engine = open_engine(embedded.database_url)
        yield RunningFirstread(embedded, engine, pacs, dcmtk)
        engine.dispose()


def doctor(running: RunningFirstread, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code, and the one JSON object."""
    done = subprocess.run(
        native_command(("firstread", "doctor", "--json", *words)),
        env={**os.environ, **running.size.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def lines_of(said: dict[str, Any]) -> list[dict[str, Any]]:
    """All lines of all checks."""
    return [line for check in said["checks"] for line in check["lines"]]


def test_all_is_fine_and_nobody_is_alarmed(
    firstread: RunningFirstread, receiver: WebReceiver
) -> None:
    """Each line is fine; the phantom is gone, PACS has it, and people heard of a test alone."""
    health = f"{firstread.size.worklist_url}/health"
    wait_until(
        lambda: httpx.get(health, timeout=60).json()["status"] == "ok",
        what="every part and a sweep",
        limit_s=240,
    )
    code, said = doctor(firstread)
    lines = lines_of(said)
    assert [one for one in lines if one["health"] != "fine"] == []
    assert (code, said["health"]) == (0, "fine")
    back = [one for one in lines if one["name"] == "path.read-back"]
    assert {one["of"]: one["said"]["words"] for one in back} == {
        "pacs": "pacs gives 3 objects back bit for bit (C-FIND, C-GET)",
        "web": "web gives 3 objects back bit for bit (QIDO-RS, WADO-RS)",
    }
    assert {one["of"] for one in lines if one["name"] == "peer.takes"} == {
        "pacs SEG", "pacs SR", "pacs SC",
    }  # fmt: skip
    stored = firstread.pacs.data_sets()
    assert {str(one.Modality) for one in stored} == {"SEG", "SR", "OT"}
    assert {str(one.PatientName) for one in stored} == {"TEST^FIRSTREAD DOCTOR"}
    assert all(str(one.PatientID).startswith("TEST-FIRSTREAD-") for one in stored)
    with query(firstread.engine) as session:
        assert session.scalar(select(func.count()).select_from(Study)) == 0
        assert session.scalar(select(func.count()).select_from(Flag)) == 0
        assert session.scalar(select(func.count()).select_from(FlagNotice)) == 0
        run = session.scalars(select(DoctorRun)).one()
    assert run.ended_at is not None
    assert len(run.report["lines"]) == len(lines)
    assert [one.said["test"] for one in receiver.received] == [True, True]
