"""The main job on studies of any geometry: results lie at their place, or a reason is given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread

from database.views.demo_rows import StudyAnswer
from phantom.grid import ORIENTATIONS
from tests.builders.dicom.study_folder import by_position, shuffled, small_phantom, study_uid
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import start_orthanc
from tests.peers.firstreads.firstread import RunningFirstread, running_firstread
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFirstread]:
    """One embedded Firstread for all tests that only look at their own study."""
    folder = tmp_path_factory.mktemp("embedded")
    pacs = start_orthanc(tmp_path_factory.mktemp("orthanc"))
    dcmtk = Dcmtk(work_folder=folder / "dcmtk")

    def no_servers() -> tuple[str, str]:
        raise LookupError("the embedded size needs no servers")

    with (
        pacs.process,
        running_firstread("embedded", folder, pacs=pacs, dcmtk=dcmtk, servers=no_servers) as one,
    ):
        yield one


def test_the_segmentation_lies_on_its_source_slices(
    embedded: RunningFirstread, shared_ct: Path
) -> None:
    """Each frame of the SEG from PACS has the grid of the slice that it names."""
    folder = shared_ct / "covid-P001"
    embedded.send(by_position(folder))
    embedded.wait_for(study_uid(folder))
    (segmentation,) = embedded.results(study_uid(folder))["SEG"]
    sources = {}
    for path in folder.iterdir():
        header = dcmread(path, stop_before_pixels=True)
        sources[header.SOPInstanceUID] = header
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    plane = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    spacing = shared.PixelMeasuresSequence[0].PixelSpacing
    assert len(segmentation.PerFrameFunctionalGroupsSequence) > 0
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        named = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        source = sources[named]
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        assert np.allclose(position, source.ImagePositionPatient, atol=1e-3)
        assert np.allclose(plane, source.ImageOrientationPatient, atol=1e-4)
        assert np.allclose(spacing, source.PixelSpacing, atol=1e-4)
    assert (segmentation.Rows, segmentation.Columns) == (512, 512)


@pytest.mark.parametrize(
    ("orientation", "multi_frame"),
    [*((name, False) for name in (*ORIENTATIONS, "oblique")), ("axial_to_head", True)],
)
def test_lesions_are_at_their_place_under_any_orientation(
    embedded: RunningFirstread, tmp_path: Path, orientation: str, multi_frame: bool
) -> None:
    """Lesion voxels of the SEG from PACS lie in the patient where the phantom has its lesions."""
    folder = tmp_path / "phantom"
    phantom = small_phantom(orientation, folder, multi_frame=multi_frame)
    embedded.send(shuffled(folder, 7))
    answer = embedded.wait_for(study_uid(folder))
    assert answer.answer in ("suspected", "urgent"), answer
    (data_set,) = embedded.results(study_uid(folder))["SEG"]
    segmentation = highdicom.seg.Segmentation.from_dataset(data_set)
    numbers = segmentation.get_segment_numbers(
        segmented_property_category=highdicom.sr.CodedConcept(
            "49755003", "SCT", "Morphologically Abnormal Structure"
        )
    )
    volume = segmentation.get_volume(segment_numbers=list(numbers), combine_segments=True)
    found = np.argwhere(volume.array > 0)
    positions = volume.map_indices_to_reference(found)
    _, truth_there = phantom.labels_at(positions)
    hit = np.count_nonzero(truth_there) * volume.voxel_volume / 1000.0
    measured = len(found) * volume.voxel_volume / 1000.0
    said = f"measured {measured:.0f} ml, hit {hit:.0f} ml of {phantom.lesion_ml():.0f} ml"
    assert hit > 0.6 * phantom.lesion_ml(), said
    assert 2.0 * hit / (measured + phantom.lesion_ml()) > 0.6, said


@pytest.mark.parametrize("name", ["lung-tumour-8mm", "transfer-syntaxes", "tiny-64x64"])
def test_odd_studies_end_with_an_answer_or_a_reason(
    embedded: RunningFirstread, shared_ct: Path, name: str
) -> None:
    """Thick slices, single slices in many syntaxes, a tiny matrix: each study ends readably."""
    files = sorted(path for path in (shared_ct / name).iterdir() if path.suffix != ".json")
    embedded.dcmtk.dcmsend(
        files, port=embedded.size.dicom_port, called_ae_title=embedded.size.ae_title
    )

    wanted = {
        str(dcmread(path, specific_tags=["StudyInstanceUID"]).StudyInstanceUID) for path in files
    }

    def ended() -> list[StudyAnswer]:
        mine = [one for one in embedded.answers() if one.study_instance_uid in wanted]
        return mine if mine and all(answer.ended for answer in mine) else []

    for answer in wait_until(ended, what="the end of every study", limit_s=90):
        assert answer.state in ("delivered", "refused"), answer
        assert answer.state == "delivered" or answer.reason, answer
