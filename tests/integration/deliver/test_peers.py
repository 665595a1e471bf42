"""The fixtures themselves: each peer starts, answers, and holds what it was given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis
from playwright.sync_api import Page
from pydicom import dcmread

from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.dicom3tools import ConformanceReport
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.integration


def test_orthanc_keeps_what_a_scanner_sends(
    orthanc: OrthancPeer, dcmtk: Dcmtk, shared_ct: Path
) -> None:
    """Files sent by dcmtk are in Orthanc and come back with the same pixel bytes."""
    files = sorted((shared_ct / "tiny-64x64").iterdir())[:5]
    dcmtk.storescu(files, port=orthanc.dicom_port, called_ae_title=orthanc.ae_title).check()

    assert orthanc.count(Modality="CT") == 5
    sent = dcmread(files[0])
    assert orthanc.data_set(sent.SOPInstanceUID).PixelData == sent.PixelData


def test_orthanc_sends_on_to_a_peer(orthanc: OrthancPeer, dcmtk: Dcmtk, shared_ct: Path) -> None:
    """Orthanc sends a study to a storescp that it was told of."""
    pacs = dcmtk.storescp(ae_title="ELSEWHERE")
    for path in sorted((shared_ct / "tiny-64x64").iterdir())[:3]:
        orthanc.upload(path)

    name = orthanc.know_peer("ELSEWHERE", port=pacs.port)
    orthanc.send_to(name, orthanc.study_ids())

    wait_until(lambda: len(pacs.files()) == 3, what="three files at storescp")


def test_dcmsend_sends_compressed_files_as_they_are(
    dcmtk: Dcmtk, orthanc: OrthancPeer, shared_ct: Path
) -> None:
    """A JPEG Lossless file arrives in its own transfer syntax."""
    path = sorted((shared_ct / "covid-P001").rglob("*.dcm"))[0]
    dcmtk.dcmsend([path], port=orthanc.dicom_port, called_ae_title=orthanc.ae_title).check()

    stored = orthanc.data_sets()[0]
    assert stored.file_meta.TransferSyntaxUID == dcmread(path).file_meta.TransferSyntaxUID


def test_orthanc_answers_dicomweb(orthanc: OrthancPeer) -> None:
    """The DICOMweb plugin is loaded."""
    assert orthanc.get("/dicom-web/studies") == []


def test_echoscu_tells_a_peer_from_nobody(
    orthanc: OrthancPeer, dcmtk: Dcmtk, free_port: Callable[[], int]
) -> None:
    """C-ECHO succeeds with a peer and fails where nobody listens."""
    assert dcmtk.echoscu(port=orthanc.dicom_port, called_ae_title="ORTHANC").ok
    assert not dcmtk.echoscu(port=free_port(), called_ae_title="ORTHANC").ok


def test_each_test_has_a_postgresql_database_of_its_own(postgres_url: str) -> None:
    """The database is empty and takes tables."""
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE study (uid text)")
        count = connection.execute("SELECT count(*) FROM study").fetchone()
    assert count == (0,)


def test_redis_is_empty_and_answers(redis_url: str) -> None:
    """A value set is a value read."""
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("key", "value")
        assert client.get("key") == b"value"


def test_dciodvfy_finds_what_is_missing(
    dciodvfy: Callable[[Path], ConformanceReport], shared_ct: Path, tmp_path: Path
) -> None:
    """A CT image without its patient position is reported."""
    data_set = dcmread(sorted((shared_ct / "tiny-64x64").iterdir())[0])
    del data_set.Rows
    broken = tmp_path / "broken.dcm"
    data_set.save_as(broken)

    report = dciodvfy(broken)
    assert any("Rows" in line for line in report.errors)
    assert report.iod


@pytest.mark.browser
def test_chromium_shows_a_page(page: Page) -> None:
    """A page with a title can be opened."""
    page.set_content("<title>Firstread</title><h1>Studies</h1>")
    assert page.title() == "Firstread"
