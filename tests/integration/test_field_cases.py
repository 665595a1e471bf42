"""Cases from the field, sent by dcmtk: from the node to the objects that would go to PACS.

docs/field-cases.md lists all cases with their tests; here several come together.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import DataElement, Dataset, dcmread
from sqlalchemy import select

from database.session import query
from database.tables.study.analysis import Result, ResultObject
from models.schema_2.bundle import read_bundle
from phantom import EXTENSIVE_LESIONS, make_phantom, phantom_grid
from radiology.identity import derived_uid
from tests.builders.bundles import write_bundle
from tests.builders.dicom.patient_site import SHAPE, PatientSite, patient_site
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.programs import require_program

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PatientSite]:
    """Give a node with a worker, whose bundle names itself; its networks are not asked."""
    grid = phantom_grid(SHAPE, (288.0 / SHAPE[0], 358.0 / SHAPE[1], 358.0 / SHAPE[2]))
    phantom = make_phantom(grid=grid, lesions=EXTENSIVE_LESIONS, twigs=20)
    bundle = read_bundle(write_bundle(tmp_path / "bundles"))
    with patient_site(tmp_path / "site", bundle, phantom) as running:
        yield running


def _written(images: list[Dataset], folder: Path) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{number}.dcm" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.save_as(path)
    return paths


def _sent_and_read(site: PatientSite, paths: list[Path], dcmtk: Dcmtk) -> Result:
    dcmtk.dcmsend(paths, port=site.node.port, called_ae_title="FIRSTREAD").check()
    result = site.read()
    assert result is not None
    return result


def _as_a_gateway_left_it(image: Dataset) -> None:
    """Cases 2 and 14: other VRs, and a frame of reference for each image."""
    image[0x00100020] = DataElement(0x00100020, "SH", "PAT-B")
    image[0x00080050] = DataElement(0x00080050, "LO", "ACC-B")
    image.FrameOfReferenceUID = derived_uid("own", str(image.SOPInstanceUID))


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_what_a_gateway_left_is_read_and_filed(
    site: PatientSite, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """Packed as JPEG-LS and sent by dcmtk: every object names the patient and the order."""
    images = site.scanned(_as_a_gateway_left_it)
    own = {str(image.FrameOfReferenceUID) for image in images}
    paths = _written(list(images), tmp_path / "gateway")
    program = require_program("dcmcjpls", package="dcmtk")
    for path in paths:
        subprocess.run([program, path, path], check=True, capture_output=True)
    result = _sent_and_read(site, paths, dcmtk)
    site.check_that_all_name("PAT-B", "ACC-B")
    with query(site.room.engine) as session:
        files = session.scalars(select(ResultObject.path)).all()
        (row,) = session.get_one(Result, result.id).job.decisions
        assert "no frame of reference in common" in row.reason
    made = [dcmread(site.room.settings.results_folder / path) for path in files]
    (segmentation,) = [one for one in made if one.Modality == "SEG"]
    assert segmentation.FrameOfReferenceUID not in own


def _sharper(image: Dataset) -> None:
    image.ConvolutionKernel = "B70f"


def test_the_whole_series_is_read_and_the_others_say_why_not(
    site: PatientSite, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """Cases 3 and 5: one file that states a hundred frames, and a damaged slice in the series that
    is preferred; a sharper one is whole."""
    preferred, sharper = site.scanned(), site.scanned(_sharper, uids="9")
    (several, *_) = site.scanned(uids="8")
    several.NumberOfFrames = 100
    preferred[20].PixelData = preferred[20].PixelData[: len(preferred[20].PixelData) // 4 * 2]
    paths = _written([*preferred, *sharper, several], tmp_path / "second-choice")
    result = _sent_and_read(site, paths, dcmtk)
    with query(site.room.engine) as session:
        decisions = session.get_one(Result, result.id).job.decisions
        rows = {one.series_instance_uid: (one.chosen, one.rule, one.reason) for one in decisions}
    assert rows[sharper[0].SeriesInstanceUID][0]
    assert rows[preferred[0].SeriesInstanceUID][:2] == (False, "decoding")
    chosen, _, reason = rows[several.SeriesInstanceUID]
    assert not chosen
    assert "frames" in reason
