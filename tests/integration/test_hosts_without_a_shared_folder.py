"""Three hosts with data folders of their own, a real object storage behind them, and Orthanc.

Host `a` has the node, `b` the workers, `c` the page. They share a database, a broker and a bucket.
"""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest
from pydicom import dcmread
from sqlalchemy import select

from database.session import query
from database.tables.study.analysis import Result
from tests.builders.dicom.study_folder import shuffled, small_phantom, study_uid
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.hosts import Hosts
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

_PARTS = {"a": ("node",), "b": ("analysis", "delivery", "housekeeping", "beat"), "c": ("worklist",)}


@pytest.mark.parametrize("hosts", [_PARTS], indirect=True)
def test_a_study_goes_from_host_to_host(
    hosts: Hosts, orthanc: OrthancPeer, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """Received on `a`, read and delivered on `b`, shown on `c`; what the bucket's outage does;
    forgotten from `c` everywhere. 60 s."""
    first, second = tmp_path / "first", tmp_path / "second"
    small_phantom("axial_to_head", first, salt="first of the hosts")
    small_phantom("axial_to_head", second, salt="second of the hosts")
    uid, other = study_uid(first), study_uid(second)

    def send(folder: Path) -> bool:
        return dcmtk.storescu(
            shuffled(folder, 1), port=hosts.dicom_ports["a"], called_ae_title="FIRSTREAD"
        ).ok

    assert send(first)
    hosts.wait_for(uid, "delivered")
    assert {"SR", "SEG", "OT"} <= set(orthanc.series_by_modality(uid))

    with query(hosts.engine) as session:
        result_id = session.scalars(select(Result.id)).one()
    picture = httpx.get(f"{hosts.page}/pictures/{result_id}")
    assert (picture.status_code, picture.content[:4]) == (200, b"\x89PNG")
    kept = [one for one in hosts.names_with(uid) if "results" in one]
    assert {one.partition("/")[0] for one in kept} == {"b", "c", "firstread"}

    # The bucket is away: senders are told to come again, and nothing is spent on it
    hosts.server.process.send_signal(signal.SIGSTOP)
    try:
        assert not send(second)
        assert hosts.state_of(other) == ""
        wait_until(
            lambda: "object_storage_away" in httpx.get(f"{hosts.page}/health").text,
            what="the page to know it",
            limit_s=60.0,
        )
    finally:
        hosts.server.process.send_signal(signal.SIGCONT)
    wait_until(lambda: send(second), what="the bucket to take images again", limit_s=60.0)
    hosts.wait_for(other, "delivered")

    # A host that does not answer may hold copies, and is named; when it is back, all is proved
    hosts.processes["a", "node"].send_signal(signal.SIGSTOP)
    late = hosts.command("c", "forget", uid, "--yes", "--wait", "1")
    hosts.processes["a", "node"].send_signal(signal.SIGCONT)
    assert late.returncode == 1
    assert "perhaps copies on host" in late.stdout
    patient = f"patient:{dcmread(next(first.iterdir())).PatientID}"
    done = hosts.command("c", "forget", patient, "--yes", "--wait", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    assert hosts.names_with(uid) == []
    assert hosts.names_with(other) == []
