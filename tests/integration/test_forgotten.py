"""A patient is forgotten while Firstread runs: folder, database, broker and logs of both sizes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import redis

from phantom import make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.study import write_phantom_study
from tests.builders.marked_patient import (
    ACCESSION,
    BIRTH_DATE,
    MARKS,
    NAME,
    PATIENT_ID,
    marks_in_dump,
    marks_in_folder,
)
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.firstread import RunningFirstread, running_firstread
from tests.peers.firstreads.hospital import Hospital, native_command
from tests.peers.firstreads.servers import servers_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture(params=["embedded", "hospital"])
def firstread(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    another_orthanc: Callable[..., OrthancPeer],
    dcmtk: Dcmtk,
) -> Iterator[RunningFirstread]:
    """Firstread of both sizes in turn, with a PACS."""
    folder = tmp_path / "site"
    folder.mkdir()
    with ExitStack() as stack:
        yield stack.enter_context(
            running_firstread(
                request.param,
                folder,
                pacs=another_orthanc(),
                dcmtk=dcmtk,
                servers=servers_of(request, stack),
            )
        )


def _marks(running: RunningFirstread) -> set[str]:
    """All marks in the data folder, with SQLite, or in a dump of PostgreSQL and in Redis."""
    found = {mark for mark, files in marks_in_folder(running.size.data_folder).items() if files}
    if isinstance(running.size, Hospital):
        environment = running.size.environment
        found |= marks_in_dump(environment["FIRSTREAD_DATABASE_URL"])
        found |= _marks_in_redis(environment["FIRSTREAD_BROKER_URL"])
    return found


def _marks_in_redis(url: str) -> set[str]:
    with redis.Redis.from_url(url) as client:
        held = b"".join(key + (client.dump(key) or b"") for key in client.scan_iter())
    return {mark for mark in MARKS if mark.encode() in held}


def test_nothing_is_left_of_a_patient_and_it_runs_on(
    firstread: RunningFirstread, tmp_path: Path
) -> None:
    """There before, gone after; PACS and the rest of the hospital keep what they have."""
    identity = StudyIdentity(
        key="forgotten",
        patient_id=PATIENT_ID,
        patient_name=NAME,
        patient_birth_date=BIRTH_DATE,
        accession_number=ACCESSION,
    )
    phantom = make_phantom(grid=phantom_grid((36, 96, 96), (8.0, 3.8, 3.8)))
    files = write_phantom_study(phantom, tmp_path / "study", identity=identity)
    firstread.send(files)
    uid = identity.uid("study")
    assert firstread.wait_for(uid).state == "delivered"
    assert _marks(firstread) == set(MARKS)
    if isinstance(firstread.size, Hospital):
        _require_a_mark_in_redis_would_be_found(firstread.size)
    said = subprocess.run(
        native_command(("firstread", "forget", PATIENT_ID, "--yes", "--thorough", "--json")),
        env={**os.environ, **firstread.size.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    forgotten = json.loads(said.stdout)["forgotten"]
    assert forgotten["is_proved"] is True
    assert {one["holder"] for one in forgotten["held_elsewhere"]} == {"pacs"}
    assert _marks(firstread) == set()
    assert uid not in "".join(str(path) for path in firstread.size.data_folder.rglob("*"))
    logs = tmp_path / "site"
    of_logs = {mark: files for mark, files in marks_in_folder(logs).items() if files}
    assert of_logs == {}, "what is logged names somebody"
    assert any(path.stat().st_size > 0 for path in logs.glob("*.log"))
    assert len(firstread.results(uid)) > 0  # PACS keeps what it has, and the command has said so
    page = httpx.get(f"{firstread.size.worklist_url}/studies/{uid}")
    assert page.status_code == 404
    firstread.send(files)  # and a study of the same UID is a new one
    assert [one.study_instance_uid for one in firstread.answers()] == [uid]


def _require_a_mark_in_redis_would_be_found(size: Hospital) -> None:
    url = size.environment["FIRSTREAD_BROKER_URL"]
    with redis.Redis.from_url(url) as client:
        client.rpush("analysis-of-a-test", json.dumps({"patient": PATIENT_ID}))
        assert _marks_in_redis(url) == {PATIENT_ID}
        client.delete("analysis-of-a-test")
    assert _marks_in_redis(url) == set()
