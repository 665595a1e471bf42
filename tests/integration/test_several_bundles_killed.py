"""Two bundles read a study in running processes; kill -9 between them costs neither answer."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from sqlalchemy import select

from database.session import Engine, open_engine, query
from database.states import JobState, StudyState
from database.tables.analysis import Job, Result, Study
from radiology.identity import derived_uid
from tests.builders.bundles import accepts, write_bundle
from tests.builders.dicom.study_folder import by_position, small_phantom, study_uid
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.embedded import Embedded, running_embedded
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.integration

CHEST, HEAD = "chest-ct-pneumonia", "head-ct-test"


def _jobs(engine: Engine) -> dict[str, Job]:
    with query(engine) as session:
        return {job.bundle: job for job in session.scalars(select(Job))}


def _add_head(folder: Path) -> None:
    """The same images once more, as a series of the head."""
    for path in by_position(folder):
        image = dcmread(path)
        image.SeriesInstanceUID = derived_uid("head", str(image.SeriesInstanceUID))
        image.SOPInstanceUID = derived_uid("head", str(image.SOPInstanceUID))
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.BodyPartExamined = "HEAD"
        image.SeriesDescription = image.ProtocolName = "Head"
        image.save_as(path.with_name(f"head-{path.name}"))


def _kill_analysis(firstread: Embedded) -> None:
    for process_id in firstread.processes_of("analysis"):
        os.kill(process_id, signal.SIGKILL)


def _ours(pacs: OrthancPeer, uid: str) -> list[Dataset]:
    return [one for one in pacs.data_sets(StudyInstanceUID=uid) if one.Modality != "CT"]


@pytest.mark.timeout(600)  # two readings, one of them twice, where others use the machine
def test_a_worker_that_is_killed_between_two_bundles(
    tmp_path: Path, orthanc: OrthancPeer, dcmtk: Dcmtk
) -> None:
    """Each bundle has exactly one result of its own series, and PACS has the objects of both."""
    bundles = tmp_path / "bundles"
    write_bundle(bundles, name=CHEST)
    write_bundle(bundles, name=HEAD, accepting=accepts("BodyPartExamined", "HEAD"))
    folder = tmp_path / "phantom"
    small_phantom("axial_to_head", folder, salt="two bundles")
    _add_head(folder)
    uid = study_uid(folder)
    site = tmp_path / "site"
    site.mkdir()
    settings = {
        "BUNDLES_FOLDER": str(bundles),
        "BUNDLES": json.dumps([CHEST, HEAD]),
        "EXECUTION_PROVIDER": "cpu",
        "LEASE_S": "6",
    }
    with running_embedded(site, pacs=orthanc, settings=settings, limit_s=180.0) as firstread:
        engine = open_engine(firstread.database_url)
        dcmtk.dcmsend(
            by_position(folder), port=firstread.dicom_port, called_ae_title="FIRSTREAD"
        ).check()
        wait_until(
            lambda: any(
                job.state in (JobState.ENCODED, JobState.DELIVERED)
                for job in _jobs(engine).values()
            ),
            what="the answer of one bundle",
            limit_s=280,
        )
        _kill_analysis(firstread)
        wait_until(
            lambda: {job.state for job in _jobs(engine).values()} == {JobState.DELIVERED},
            what="the answers of both bundles in PACS",
            limit_s=280,
        )
        with query(engine) as session:
            results = session.scalars(select(Result)).all()
            assert sorted(one.bundle for one in results) == [CHEST, HEAD]
            assert all(one.superseded_by_id is None for one in results)
            assert session.scalars(select(Study.state)).one() is StudyState.DELIVERED
            made = {one.sop_instance_uid for result in results for one in result.objects}
            assert len(made) == sum(len(one.objects) for one in results)
            chosen = {
                one.bundle: [item.series_instance_uid for item in one.job.decisions if item.chosen]
                for one in results
            }
        assert chosen[HEAD] != chosen[CHEST]
        assert {str(one.SOPInstanceUID) for one in _ours(orthanc, uid)} == made
        engine.dispose()
