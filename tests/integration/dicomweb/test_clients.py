"""Our DICOMweb services as clients of others use them: dicomweb-client, and Orthanc's plugin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pydicom import dcmread
from pydicom.uid import RLELossless

from database.session import Engine, open_engine, query
from database.tables.readers.account import AuditEvent
from database.tables.study.analysis import Instance
from settings.environment import Settings
from settings.page.sign_in import Role
from tests.builders.chest.analysed_phantom import analysed_phantom
from tests.builders.dicom.stored_study import StoredStudy
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.held_study import hold_files, hold_results
from tests.builders.stored.readers import PASSWORD, add_reader
from tests.peers.dicom.orthanc import start_orthanc
from tests.peers.page.running_page import RunningPage
from tests.peers.ports import free_port
from tests.unit.dicom_node.small_ct import small_ct
from tests.unit.worklist.dicomweb.stow_body import file_of
from worker.encode import EncodedKind
from worklist.app import create_app

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Site:
    """A running page that holds a study with its results.

    Attributes
    ----------
    url : of the services
    """

    url: str
    engine: Engine
    study: StoredStudy

    def client(self, name: str, password: str = PASSWORD) -> DICOMwebClient:
        """A client that signs in with each request."""
        session = requests.Session()
        session.trust_env = False
        session.auth = (name, password)
        return DICOMwebClient(self.url, session=session)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give a page where a reader and a program have accounts."""
    folder = tmp_path_factory.mktemp("site")
    settings = Settings(data_folder=folder / "data", worklist_port=free_port(), min_free_bytes=0)
    (folder / "data").mkdir()
    engine = open_engine(settings.database_address)
    make_tables(engine)
    add_reader(engine, "reader", Role.READER)
    add_reader(engine, "orthanc", Role.SENDER)
    study = analysed_phantom("positive", folder / "source", shape=(24, 64, 64), salt="dicomweb")
    objects = study.encoded("viewer")
    uid = hold_files(settings, engine, study.files)
    hold_results(settings, engine, uid, [one.dataset for one in objects])
    page = RunningPage(create_app(settings, engine), settings)
    page.start()
    yield Site(f"{page.address}/dicom-web", engine, StoredStudy(study, objects))
    page.stop()
    engine.dispose()


def test_dicomweb_client_searches(site: Site) -> None:
    """At every level, by keyword, page by page."""
    client, uid = site.client("reader"), site.study.study_instance_uid
    source = dcmread(site.study.study.files[0])
    (found,) = client.search_for_studies(search_filters={"PatientID": source.PatientID})
    assert found["0020000D"]["Value"] == [uid]
    assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []
    modalities = [one["00080060"]["Value"][0] for one in client.search_for_series(uid)]
    assert sorted(modalities) == sorted(
        ["CT", *(str(one.dataset.Modality) for one in site.study.objects)]
    )
    (report,) = client.search_for_series(search_filters={"Modality": "SR"}, fields=["StudyDate"])
    assert report["0020000D"]["Value"] == [uid]
    paged = client.search_for_instances(uid, limit=7, get_remaining=True)
    assert len(paged) == len(site.study.study.files) + len(site.study.objects)
    assert len({one["00080018"]["Value"][0] for one in paged}) == len(paged)


def test_dicomweb_client_retrieves(site: Site) -> None:
    """Instances, metadata, frames, pictures and bulk data are those of the files."""
    client, uid = site.client("reader"), site.study.study_instance_uid
    sources = {one.SOPInstanceUID: one for one in map(dcmread, site.study.study.files)}
    whole = {one.SOPInstanceUID: one for one in client.iter_study(uid)}
    assert set(whole) == set(sources) | {one.dataset.SOPInstanceUID for one in site.study.objects}
    for sop, source in sources.items():
        assert whole[sop] == source
    source = next(iter(sources.values()))
    names = (uid, source.SeriesInstanceUID, source.SOPInstanceUID)
    assert client.retrieve_instance(*names) == source
    (frame,) = client.retrieve_instance_frames(*names, frame_numbers=[1])
    assert frame == source.PixelData
    metadata = client.retrieve_instance_metadata(*names)
    assert metadata["00280010"]["Value"] == [source.Rows]
    (bulk,) = client.retrieve_bulkdata(metadata["7FE00010"]["BulkDataURI"])
    assert bulk == source.PixelData
    picture = client.retrieve_instance_rendered(
        *names, media_types=("image/png",), params={"window": "40,400,linear"}
    )
    with Image.open(BytesIO(picture)) as shown:
        assert shown.size == (source.Columns, source.Rows)
    (segmentation,) = (one.dataset for one in site.study.objects if one.kind is EncodedKind.SEG)
    numbers = list(range(1, int(segmentation.NumberOfFrames) + 1))
    frames = client.retrieve_instance_frames(
        uid, segmentation.SeriesInstanceUID, segmentation.SOPInstanceUID, frame_numbers=numbers
    )
    bits = np.unpackbits(np.frombuffer(b"".join(frames), np.uint8), bitorder="little")
    assert np.array_equal(bits.reshape(segmentation.pixel_array.shape), segmentation.pixel_array)


def test_dicomweb_client_stores(site: Site) -> None:
    """Several instances in one request; compressed ones come back as they were sent."""
    client = site.client("orthanc")
    sent = [
        dcmread(BytesIO(file_of(small_ct(number, StudyInstanceUID="2.25.77")))) for number in (1, 2)
    ]
    sent[1].compress(RLELossless, generate_instance_uid=False)
    answer = client.store_instances(sent)
    assert len(answer.ReferencedSOPSequence) == 2
    assert "FailedSOPSequence" not in answer
    back = client.retrieve_instance(
        "2.25.77",
        sent[1].SeriesInstanceUID,
        sent[1].SOPInstanceUID,
        media_types=(("application/dicom", RLELossless),),
    )
    assert back.PixelData == sent[1].PixelData
    with pytest.raises(requests.HTTPError) as refused:
        site.client("reader").store_instances(sent)
    assert refused.value.response.status_code == 403
    with pytest.raises(requests.HTTPError) as unknown:
        site.client("reader", "wrong").search_for_studies()
    assert unknown.value.response.status_code == 401


def test_orthanc_searches_retrieves_and_stores(site: Site, tmp_path: Path) -> None:
    """Its plugin finds our study, fetches all of it, and sends us another; both are recorded."""
    server = {"Url": f"{site.url}/", "Username": "orthanc", "Password": PASSWORD}
    options = {
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "Servers": {"firstread": server}},
    }
    orthanc = start_orthanc(tmp_path / "orthanc", options=options)
    try:
        with httpx.Client(
            base_url=f"{orthanc.dicomweb_url}/servers/firstread", trust_env=False, timeout=120.0
        ) as asked:
            uid = site.study.study_instance_uid
            found = asked.post(
                "/qido", json={"Uri": "/studies", "Arguments": {"StudyInstanceUID": uid}}
            )
            assert found.status_code == 200, found.text
            assert [one["0020000D"]["Value"] for one in found.json()] == [uid]
            fetched = asked.post(
                "/retrieve", json={"Resources": [{"Study": uid}], "Synchronous": True}
            )
            assert fetched.status_code == 200, fetched.text
            expected = len(site.study.study.files) + len(site.study.objects)
            assert orthanc.count(StudyInstanceUID=uid) == expected
            for one in site.study.objects:
                assert orthanc.data_set(one.dataset.SOPInstanceUID).Modality == one.dataset.Modality
            other = small_ct(1, StudyInstanceUID="2.25.88", SeriesInstanceUID="2.25.88.1")
            other.SOPInstanceUID = "2.25.88.1.1"
            orthanc.delete(StudyInstanceUID=uid)
            orthanc.upload(file_of(other))
            stored = asked.post(
                "/stow", json={"Resources": orthanc.study_ids(), "Synchronous": True}
            )
            assert stored.status_code == 200, stored.text
    finally:
        orthanc.process.stop()
    with query(site.engine) as session:
        instances = session.query(Instance).filter_by(series_instance_uid="2.25.88.1").count()
        events = {
            (row.name, row.study_instance_uid)
            for row in session.query(AuditEvent).filter_by(reader="orthanc")
        }
    assert instances == 1
    assert {("study_retrieved", uid), ("study_stored", "2.25.88")} <= events
