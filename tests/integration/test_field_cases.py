"""Cases from the field with real peers: dcmtk packs and sends them, Orthanc has what came of them.

docs/field-cases.md lists all cases with their tests; here several come together.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from pydicom import DataElement, Dataset, dcmread
from sqlalchemy import select

from database.session import query
from database.tables.study.analysis import Result, Study
from radiology.identity import derived_uid
from tests.builders.dicom.study_folder import by_position, small_phantom, study_uid
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import start_orthanc
from tests.peers.firstreads.firstread import RunningFirstread, running_firstread
from tests.peers.firstreads.servers import servers_of
from tests.peers.programs import require_program

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def firstread(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningFirstread]:
    """Give Firstread at its embedded size, with Orthanc for a PACS."""
    folder = tmp_path_factory.mktemp("embedded")
    dcmtk = Dcmtk(work_folder=folder / "dcmtk")
    with ExitStack() as stack:
        pacs = start_orthanc(tmp_path_factory.mktemp("orthanc"))
        stack.enter_context(pacs.process)
        servers = servers_of(request, stack)
        yield stack.enter_context(
            running_firstread("embedded", folder, pacs=pacs, dcmtk=dcmtk, servers=servers)
        )


def _changed(path: Path, change: Callable[[Dataset], None], name: str = "") -> Path:
    image = dcmread(path)
    change(image)
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    target = path.with_name(f"{name}{path.name}")
    image.save_as(target)
    return target


def _as_a_gateway_left_it(image: Dataset) -> None:
    """Cases 2, 4 and 14: other VRs, an overlay above Bits Stored, a frame of reference for each."""
    image[0x00100020] = DataElement(0x00100020, "SH", "PAT-B")
    image[0x00080050] = DataElement(0x00080050, "LO", "ACC-B")
    image.FrameOfReferenceUID = derived_uid("own", str(image.SOPInstanceUID))
    image.BitsStored, image.HighBit = 12, 11
    pixels = np.frombuffer(image.PixelData, dtype="<u2").reshape(image.Rows, image.Columns).copy()
    assert pixels.max() < 1 << 12
    pixels[image.Rows // 4 : image.Rows // 2] |= 0x1000
    image.PixelData = pixels.tobytes()


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_what_a_gateway_left_is_read_and_filed(firstread: RunningFirstread, tmp_path: Path) -> None:
    """Compressed by dcmtk and sent by it: lungs and lesions are those of the phantom, and Orthanc
    has every result under the patient and the order of the images."""
    phantom = small_phantom("axial_to_head", tmp_path, salt="gateway")
    files = by_position(tmp_path)
    program = require_program("dcmcjpls", package="dcmtk")
    for path in files:
        _changed(path, _as_a_gateway_left_it)
        subprocess.run([program, path, path], check=True, capture_output=True)
    firstread.send(files)
    assert firstread.wait_for(study_uid(tmp_path)).state == "delivered"
    results = firstread.results(study_uid(tmp_path))
    assert set(results) == {"SR", "SEG", "OT"}
    for (one,) in results.values():
        assert (one.PatientID, one.AccessionNumber) == ("PAT-B", "ACC-B")
    own = {str(dcmread(path, stop_before_pixels=True).FrameOfReferenceUID) for path in files}
    assert len(own) == len(files)
    assert str(results["SEG"][0].FrameOfReferenceUID) not in own
    with query(firstread.engine) as session:
        result = session.scalars(
            select(Result).join(Study).where(Study.study_instance_uid == study_uid(tmp_path))
        ).one()
        assert (result.study.patient_id, result.study.accession_number) == ("PAT-B", "ACC-B")
        assert "no frame of reference in common" in str(result.job.decisions)
    segments = results["SEG"][0].SegmentSequence
    assert len(segments) >= 2
    assert phantom.lesion_ml() > 0


def _sharper(image: Dataset) -> None:
    image.SeriesInstanceUID = derived_uid("sharper", str(image.SeriesInstanceUID))
    image.SOPInstanceUID = derived_uid("sharper", str(image.SOPInstanceUID))
    image.ConvolutionKernel = "B70f"


def _a_hundred_frames(image: Dataset) -> None:
    image.SeriesInstanceUID = derived_uid("frames", str(image.SeriesInstanceUID))
    image.SOPInstanceUID = derived_uid("frames", str(image.SOPInstanceUID))
    image.NumberOfFrames = 100


def _cut_off(image: Dataset) -> None:
    image.PixelData = image.PixelData[: len(image.PixelData) // 4 * 2]


def test_the_whole_series_is_read_and_the_others_say_why_not(
    firstread: RunningFirstread, tmp_path: Path
) -> None:
    """Cases 3 and 5 by dcmtk: one file that states a hundred frames, and a damaged slice in the
    series that is preferred."""
    small_phantom("axial_to_head", tmp_path, salt="second choice")
    files = by_position(tmp_path)
    first = str(dcmread(files[0], stop_before_pixels=True).SeriesInstanceUID)
    others = [_changed(path, _sharper, "sharper-") for path in files]
    others.append(_changed(files[0], _a_hundred_frames, "frames-"))
    _changed(files[20], _cut_off)
    firstread.send([*files, *others])
    assert firstread.wait_for(study_uid(tmp_path)).state == "delivered"
    assert set(firstread.results(study_uid(tmp_path))) == {"SR", "SEG", "OT"}
    with query(firstread.engine) as session:
        result = session.scalars(
            select(Result).join(Study).where(Study.study_instance_uid == study_uid(tmp_path))
        ).one()
        assert result.job.decisions is not None
        rows = {one.series_instance_uid: one for one in result.job.decisions}
    assert rows[derived_uid("sharper", first)].chosen
    assert (rows[first].chosen, rows[first].rule) == (False, "decoding")
    frames = rows[derived_uid("frames", first)]
    assert not frames.chosen
    assert "frames" in f"{frames.reason} {frames.seen}"
