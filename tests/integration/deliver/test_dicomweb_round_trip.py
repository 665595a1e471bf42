"""What PACS gives back by DICOMweb is what was sent: every element, every pixel."""

from __future__ import annotations

from email.message import Message
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.pixels import pixel_array

from tests.builders.chest.analysed_phantom import KINDS, PROFILES, analysed_phantom
from tests.builders.dicom.stored_study import part_10
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from worker.encode import EncodedKind

pytestmark = pytest.mark.integration


def retrieved(pacs: OrthancPeer, dataset: Dataset) -> Dataset:
    """The instance by WADO-RS (PS3.18 Section 10.4), in the transfer syntax it is stored in."""
    answer = httpx.get(
        f"{pacs.dicomweb_url}/studies/{dataset.StudyInstanceUID}"
        f"/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}",
        headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'},
        trust_env=False,
        timeout=60.0,
    )
    answer.raise_for_status()
    kind = Message()
    kind["Content-Type"] = answer.headers["Content-Type"]
    boundary = str(kind.get_param("boundary")).encode()
    _, part, _ = answer.content.split(b"--" + boundary)
    _, _, body = part.partition(b"\r\n\r\n")
    return dcmread(BytesIO(body.removesuffix(b"\r\n")))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])
def test_what_comes_back_is_what_was_sent(
    orthanc: OrthancPeer,
    dcmtk: Dcmtk,
    tmp_path: Path,
    profile: str,
    kind: str,
    enhanced: bool,
) -> None:
    """Stored by C-STORE, retrieved by WADO-RS: equal data sets, equal decoded pixels."""
    study = analysed_phantom(kind, tmp_path / "source", enhanced=enhanced)
    objects = study.encoded(profile)
    paths = []
    for number, one in enumerate(objects):
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(part_10(one.dataset))
    dcmtk.dcmsend(
        [*study.files, *paths], port=orthanc.dicom_port, called_ae_title=orthanc.ae_title
    ).check()
    for path in (*study.files, *paths):
        sent = dcmread(path)
        back = retrieved(orthanc, sent)
        assert back == sent
        assert back.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
        if "PixelData" in sent:
            assert np.array_equal(pixel_array(back), pixel_array(sent))


def test_frames_come_back_one_by_one(orthanc: OrthancPeer, tmp_path: Path) -> None:
    """What a viewer asks for: the metadata name each frame of the SEG by segment and slice."""
    study = analysed_phantom("positive", tmp_path / "source")
    content = part_10(study.object(EncodedKind.SEG))
    segmentation = dcmread(BytesIO(content))
    orthanc.upload(content)
    (metadata,) = orthanc.get(
        f"/dicom-web/studies/{segmentation.StudyInstanceUID}"
        f"/series/{segmentation.SeriesInstanceUID}/metadata"
    )
    back = Dataset.from_json(metadata, bulk_data_uri_handler=lambda uri: None)
    for keyword in ("SegmentSequence", "ReferencedSeriesSequence"):
        assert back[keyword].value == segmentation[keyword].value
    groups = "PerFrameFunctionalGroupsSequence"
    assert len(back[groups].value) == segmentation.NumberOfFrames
    assert back[groups].value == segmentation[groups].value
