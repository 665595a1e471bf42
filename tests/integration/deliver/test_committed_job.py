"""The whole path with storage commitment: a scanner sends, Orthanc stores and promises."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from pathlib import Path

import pytest
from pydicom import dcmread

from database.session import open_engine, query
from database.states import DeliveryPurpose
from database.tables.study.analysis import Delivery
from database.views.demo_rows import study_answers
from phantom import make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.study import write_phantom_study
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.embedded import running_embedded
from tests.peers.firstreads.hospital import native_command
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def test_a_job_ends_committed_and_is_withdrawn(
    orthanc: OrthancPeer, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """Node, workers and command line together: the job is committed, then PACS has the note."""
    phantom = make_phantom(seed=1, grid=phantom_grid((60, 64, 64), (5.0, 6.0, 6.0)))
    folder = tmp_path / "phantom"
    write_phantom_study(phantom, folder, identity=StudyIdentity.of(phantom))
    files = sorted(path for path in folder.iterdir() if path.is_file())
    study = str(dcmread(files[0]).StudyInstanceUID)
    pacs = {
        "name": "pacs",
        "ae_title": orthanc.ae_title,
        "host": orthanc.host,
        "port": orthanc.dicom_port,
        "roles": ["destination"],
        "storage_commitment": True,
    }
    peers = json.dumps([pacs, {"name": "scanner", "ae_title": "SCANNER"}])
    (tmp_path / "site").mkdir()
    with running_embedded(tmp_path / "site", pacs=orthanc, settings={"PEERS": peers}) as site:
        engine = open_engine(site.database_url)
        dcmtk.dcmsend(files, port=site.dicom_port, called_ae_title=site.ae_title).check()

        def ended() -> str:
            with query(engine) as session:
                answers = study_answers(session)
            return answers[0].state if answers and answers[0].ended else ""

        try:
            assert wait_until(ended, what="the end of the job", limit_s=120) == "committed"
        except AssertionError as error:
            raise AssertionError(f"{error}\n{site.process.log_tail(60)}") from error
        before = orthanc.count(StudyInstanceUID=study)
        assert before >= 2
        done = subprocess.run(
            native_command(
                ("firstread", "results", "withdraw", study, "--reason", "patient-safety")
            ),
            env={
                **os.environ,
                "FIRSTREAD_DATA_FOLDER": str(site.data_folder),
                "FIRSTREAD_PEERS": peers,
            },
            capture_output=True,
            text=True,
            check=True,
        )
        assert "A rejection note goes to: pacs." in done.stdout
        wait_until(
            functools.partial(_note_is_committed, site.database_url),
            what="the promise for the note",
            limit_s=30,
        )
        assert orthanc.count(StudyInstanceUID=study) == before + 1
        assert orthanc.count(StudyInstanceUID=study, Modality="KO") == 1
        engine.dispose()


def _note_is_committed(database_url: str) -> bool:
    engine = open_engine(database_url)
    with query(engine) as session:
        notes = session.query(Delivery).filter_by(purpose=DeliveryPurpose.REJECTION).all()
    engine.dispose()
    return [note.state.value for note in notes] == ["committed"]
