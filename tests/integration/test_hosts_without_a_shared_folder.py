"""Three hosts with data folders of their own, a real object storage behind them, and Orthanc.

Host `a` has the node, `b` the workers, `c` the page. They share a database, a broker and a bucket.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydicom import dcmread
from sqlalchemy import select

from database.session import Engine, open_engine, query
from database.tables.study.analysis import Result
from database.views.demo_rows import study_answers
from tests.builders.dicom.study_folder import shuffled, small_phantom, study_uid
from tests.builders.stored.empty_database import make_tables
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.hospital import native_command
from tests.peers.ports import answers, free_port
from tests.peers.process import ServerProcess
from tests.peers.seaweedfs import ObjectServer
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

_BUCKET = "three-hosts"
_LIMIT_S = 180.0
_PARTS = {"a": ("node",), "b": ("analysis", "delivery", "housekeeping", "beat"), "c": ("worklist",)}


@dataclass(frozen=True)
class Hosts:
    """All of them, running."""

    folder: Path
    engine: Engine
    dicom_port: int
    page: str
    server: ObjectServer
    processes: dict[str, ServerProcess]
    variables: dict[str, str]

    def environment(self, host: str) -> dict[str, str]:
        """The settings of one host."""
        return {**self.variables, "FIRSTREAD_DATA_FOLDER": str(self.folder / host)}

    def command(self, host: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `firstread` on a host."""
        return subprocess.run(
            native_command(("firstread", *words)),
            env={**os.environ, **self.environment(host)},
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )

    def state_of(self, uid: str) -> str:
        """How far a study has come."""
        with query(self.engine) as session:
            found = [one for one in study_answers(session) if one.study_instance_uid == uid]
        return found[0].state if found else ""

    def wait_for(self, uid: str, state: str) -> None:
        """Wait until a study has come so far."""
        try:
            wait_until(lambda: self.state_of(uid) == state, what=state, limit_s=_LIMIT_S)
        except AssertionError as error:
            logs = "\n".join(one.log_tail(15) for one in self.processes.values())
            raise AssertionError(f"{error}: {self.state_of(uid)}\n{logs}") from error

    def names_with(self, uid: str) -> list[str]:
        """Files on any host, and objects, that a study has given its name."""
        here = (
            str(one.relative_to(self.folder))
            for host in _PARTS
            for one in (self.folder / host).rglob("*")
        )
        return sorted(one for one in (*here, *self.server.names(_BUCKET)) if uid in one)


@pytest.fixture
def hosts(
    tmp_path: Path,
    postgres_url: str,
    redis_url: str,
    object_server: ObjectServer,
    orthanc: OrthancPeer,
) -> Iterator[Hosts]:
    storage = object_server.new_bucket(_BUCKET)
    assert storage.secret_key is not None
    dicom_port, page_port = free_port(), free_port()
    orthanc.know_peer("FIRSTREAD", port=dicom_port, name="firstread")
    peers = [
        {"name": "scanner", "ae_title": "SCANNER"},
        {
            "name": "pacs",
            "ae_title": orthanc.ae_title,
            "host": orthanc.host,
            "port": orthanc.dicom_port,
            "roles": ["source", "destination"],
        },
    ]
    variables = {
        "FIRSTREAD_DATABASE_URL": postgres_url,
        "FIRSTREAD_BROKER_URL": redis_url,
        "FIRSTREAD_OBJECT_STORAGE": json.dumps(
            {
                "endpoint": storage.endpoint,
                "bucket": storage.bucket,
                "access_key": storage.access_key,
                "secret_key": storage.secret_key.get_secret_value(),
                "timeout_s": 1.0,
            }
        ),
        "FIRSTREAD_DICOM_HOST": "127.0.0.1",
        "FIRSTREAD_DICOM_PORT": str(dicom_port),
        "FIRSTREAD_WORKLIST_PORT": str(page_port),
        "FIRSTREAD_MIN_FREE_BYTES": "0",
        "FIRSTREAD_INFERENCE_THREADS": "1",
        "FIRSTREAD_PEERS": json.dumps(peers),
    }
    engine = open_engine(postgres_url)
    make_tables(engine)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        processes: dict[str, ServerProcess] = {}
        page = f"http://127.0.0.1:{page_port}"
        running = Hosts(tmp_path, engine, dicom_port, page, object_server, processes, variables)
        for host, parts in _PARTS.items():
            for part in parts:
                processes[part] = ServerProcess(
                    part,
                    native_command(("firstread", "serve", "--only", part)),
                    folder=tmp_path,
                    environment=running.environment(host),
                )
                stack.callback(processes[part].kill)
        processes["node"].wait_until_ready(lambda: answers(dicom_port), limit_s=120.0)
        processes["worklist"].wait_until_ready(lambda: answers(page_port), limit_s=120.0)
        yield running


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
            shuffled(folder, 1), port=hosts.dicom_port, called_ae_title="FIRSTREAD"
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
    hosts.processes["node"].send_signal(signal.SIGSTOP)
    late = hosts.command("c", "forget", uid, "--yes", "--wait", "1")
    hosts.processes["node"].send_signal(signal.SIGCONT)
    assert late.returncode == 1
    assert "perhaps copies on host" in late.stdout
    patient = f"patient:{dcmread(next(first.iterdir())).PatientID}"
    done = hosts.command("c", "forget", patient, "--yes", "--wait", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    assert hosts.names_with(uid) == []
    assert hosts.names_with(other) == []
