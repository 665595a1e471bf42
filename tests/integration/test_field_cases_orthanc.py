"""Cases from the field as Orthanc passes them on: it packs images anew and sends them as they are.

One Orthanc for all; docs/field-cases.md lists the cases. 25 s on one core, most of it its start.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import DataElement, dcmread
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEGLSLossless, RLELossless

from database.session import query
from database.tables.study.analysis import Result
from firstread.predict.predictions import PredictOptions, predict_paths
from models.schema_2.bundle import Bundle, read_bundle
from phantom import EXTENSIVE_LESIONS, Phantom, make_phantom, phantom_grid
from radiology.errors import SeveralPatients
from radiology.identity import derived_uid
from tests.builders.bundles import write_bundle
from tests.builders.dicom.ct_series import decode_files
from tests.builders.dicom.patient_site import SHAPE, PatientSite, patient_site, said
from tests.peers.dicom.orthanc import OrthancPeer, start_orthanc

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancPeer]:
    """Give an Orthanc that packs what it gets as JPEG-LS, and calls us as the scanner does."""
    options = {"IngestTranscoding": str(JPEGLSLossless)}
    peer = start_orthanc(tmp_path_factory.mktemp("orthanc"), ae_title="SCANNER", options=options)
    yield peer
    peer.process.stop()


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Phantom]:
    """Give a bundle that names itself, whose networks are not asked, and what there is to read."""
    grid = phantom_grid(SHAPE, (288.0 / SHAPE[0], 358.0 / SHAPE[1], 358.0 / SHAPE[2]))
    phantom = make_phantom(grid=grid, lesions=EXTENSIVE_LESIONS, twigs=20)
    return read_bundle(write_bundle(tmp_path_factory.mktemp("bundles"))), phantom


@pytest.fixture
def site(
    router: OrthancPeer, chest: tuple[Bundle, Phantom], tmp_path: Path
) -> Iterator[PatientSite]:
    """Give a node with a worker, which the emptied Orthanc knows."""
    router.forget_all()
    with patient_site(tmp_path / "site", *chest) as running:
        router.know_peer("FIRSTREAD", port=running.node.port)
        yield running


def _forwarded(router: OrthancPeer, images: list[FileDataset]) -> None:
    """Put images into Orthanc, and let it send all that it holds, one study after the other."""
    for image in images:
        packed = io.BytesIO()
        image.save_as(packed)
        router.upload(packed.getvalue())
    router.send_to("FIRSTREAD", router.study_ids())


def _as_a_gateway_left_it(image: Any) -> None:
    """Cases 2, 4 and 14: other VRs, an overlay above Bits Stored, a frame of reference each."""
    image[0x00100020] = DataElement(0x00100020, "SH", "PAT-B")
    image[0x00080050] = DataElement(0x00080050, "LO", "ACC-B")
    image.FrameOfReferenceUID = derived_uid("own", str(image.SOPInstanceUID))
    assert image.BitsStored == 12
    pixels = np.frombuffer(image.PixelData, "<u2").copy()
    pixels[::3] |= 0xF000
    image.PixelData = pixels.tobytes()


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_what_orthanc_packed_is_read_as_it_was_and_filed(
    router: OrthancPeer, site: PatientSite, tmp_path: Path
) -> None:
    """JPEG-LS by Orthanc, overlay included: the same HU, and every object names the patient."""
    native = [Path(one) for one in _written(site.scanned(), tmp_path / "native")]
    _forwarded(router, site.scanned(_as_a_gateway_left_it))
    arrived = site.node.spooled()
    assert {dcmread(one).file_meta.TransferSyntaxUID for one in arrived} == {JPEGLSLossless}
    assert site.read() is not None
    site.check_that_all_name("PAT-B", "ACC-B")
    np.testing.assert_array_equal(decode_files(arrived).hounsfield, decode_files(native).hounsfield)


def _sharper(image: Any) -> None:
    image.ConvolutionKernel = "B70f"


def _second_phase(image: Any) -> None:
    image.SOPInstanceUID += ".2"
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.PixelData = image.PixelData[2:] + image.PixelData[:2]


def test_orthanc_makes_a_hundred_frames_of_one(router: OrthancPeer, site: PatientSite) -> None:
    """Cases 3 and 5: it packs a file that states a hundred frames as a hundred, all but one of them
    empty; the series beside it holds two phases. The whole series is read, and these say why not.
    """
    phases, sharper = (
        [*site.scanned(), *site.scanned(_second_phase)],
        site.scanned(_sharper, uids="9"),
    )
    (several, *_) = site.scanned(uids="8")
    several.NumberOfFrames = 100
    _forwarded(router, [*phases, *sharper, several])
    (packed,) = [one for one in map(dcmread, site.node.spooled()) if "NumberOfFrames" in one]
    assert len(packed.pixel_array) == 100
    result = site.read()
    assert result is not None
    rows = _decisions(site, result)
    assert rows[sharper[0].SeriesInstanceUID][0]
    for other in (phases[0], several):
        chosen, reason = rows[other.SeriesInstanceUID]
        assert not chosen
        assert reason
    assert "frames" in rows[several.SeriesInstanceUID][1]


def _cut_short(image: Any) -> None:
    """Half of the bytes that the header states."""
    image.PixelData = image.PixelData[: len(image.PixelData) // 2]


def _cut_short_in_rle(image: Any) -> None:
    """RLE that ends among the low bytes."""
    image.compress(RLELossless, generate_instance_uid=False)
    (frame,) = generate_frames(image.PixelData, number_of_frames=1)
    kept = frame[: len(frame) * 3 // 4]
    image.PixelData = encapsulate([kept + b"\0" * (len(kept) % 2)])


def test_what_orthanc_filled_up_is_not_read(router: OrthancPeer, site: PatientSite) -> None:
    """It unpacks an image that was cut short, fills it up, packs it and sends it on as whole: no
    decoder finds anything. The series beside these two is read, and they say why not.
    """
    lowest, low_bytes = site.scanned(), site.scanned(uids="8")
    _cut_short(lowest[SHAPE[0] // 2])
    _cut_short_in_rle(low_bytes[SHAPE[0] // 2])
    whole = site.scanned(_sharper, uids="9")
    _forwarded(router, [*lowest, *low_bytes, *whole])
    arrived = site.node.spooled()
    assert len(arrived) == 3 * SHAPE[0]
    assert {dcmread(one).file_meta.TransferSyntaxUID for one in arrived} == {JPEGLSLossless}
    result = site.read()
    assert result is not None
    rows = _decisions(site, result)
    assert rows[whole[0].SeriesInstanceUID][0]
    assert rows[lowest[0].SeriesInstanceUID] == (
        False,
        "An image was cut short on its way to us, and what is missing filled up with one value",
    )
    assert rows[low_bytes[0].SeriesInstanceUID] == (
        False,
        "The low bytes of the last rows are missing: the image was cut short on its way",
    )


def _decisions(site: PatientSite, result: Result) -> dict[str, tuple[bool, str]]:
    """Of each series, whether it was chosen, and the reason."""
    with query(site.room.engine) as session:
        decisions = session.get_one(Result, result.id).job.decisions
        return {one.series_instance_uid: (one.chosen, one.reason) for one in decisions}


def test_a_patient_corrected_in_orthanc(router: OrthancPeer, site: PatientSite) -> None:
    """Case 1: two patients under one Study Instance UID are two studies for Orthanc, and none for
    us; corrected there under their own UIDs and sent again, they are one patient's."""
    other = {"PatientID": "PAT-A", "PatientSex": "F", "AccessionNumber": "ACC-A"}
    strangers = site.scanned(said(**other), uids="9")[:3]
    _forwarded(router, [*strangers, *site.scanned()])
    assert len(router.study_ids()) == 2
    result = site.read()
    assert result is not None
    assert result.reading["refused_by"] == SeveralPatients.__name__
    site.check_that_nobody_is_named()
    (wrong,) = router.find("Patient", PatientID="PAT-A")
    router.modify(
        wrong,
        replace={
            "PatientID": "PAT-B",
            "PatientSex": "M",
            "PatientName": "Doe^John",
            "PatientBirthDate": "19610203",
            "AccessionNumber": "ACC-B",
        },
    )
    router.send_to("FIRSTREAD", router.study_ids())
    assert site.read() is not None
    site.check_that_all_name("PAT-B", "ACC-B")


def test_a_medium_of_orthanc_is_read_without_being_unpacked(
    router: OrthancPeer, site: PatientSite, tmp_path: Path
) -> None:
    """Case 13: DICOMDIR and images of two studies in one archive, as Orthanc makes it."""
    other = site.scanned(said(PatientID="PAT-C", StudyInstanceUID="2.25.13"), uids="7")[:2]
    images = [*site.scanned(), *other]
    _forwarded(router, images)
    medium = tmp_path / "medium.zip"
    medium.write_bytes(router.medium(router.study_ids()))
    found, complete = predict_paths([medium], PredictOptions(), site.room.settings)
    assert not complete
    by_study = {one["study_instance_uid"]: one for one in found["predictions"]}
    assert set(by_study) == {site.uid, "2.25.13"}
    assert by_study[site.uid]["answer"]["slices"] == SHAPE[0]
    assert by_study["2.25.13"]["error"]["kind"] == "NoSuitableSeries"
    assert "Doe" not in json.dumps(found)


def _written(images: list[FileDataset], folder: Path) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{number}.dcm" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        image.save_as(path)
    return paths
