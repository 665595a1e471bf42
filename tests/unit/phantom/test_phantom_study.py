"""A phantom goes out as DICOM and comes back with every voxel at its place."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.uid import ExplicitVRBigEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from phantom import ORIENTATIONS, Phantom, make_phantom, phantom_grid, rotation
from phantom.study import Companion, PixelEncoding, StudyIdentity, write_phantom_study
from radiology.image.volume import Volume
from settings.peers import RequestPriority
from tests.builders.dicom.ct_series import decode_files
from tests.peers.dicom.dicom3tools import ConformanceReport
from worker.series.decode_volume import decode_volume
from worker.series.read_series import group_series, read_instances, read_series
from worker.series.select_series import select_series

quick_phantom = partial(make_phantom, twigs=10)
SHAPE, SPACING_MM = (36, 40, 44), (9.0, 8.0, 7.5)

_OBLIQUE = rotation(about_x=25, about_y=-15, about_z=35) @ ORIENTATIONS["axial_to_head"]
_TILTED = ORIENTATIONS["axial_to_head"] @ np.array(
    # Slices lean by 20° while the table still moves along the body
    [[1.0, np.sin(np.radians(20)), 0.0], [0.0, np.cos(np.radians(20)), 0.0], [0.0, 0.0, 1.0]]
)

ACQUISITIONS = {**ORIENTATIONS, "oblique": _OBLIQUE, "tilted": _TILTED}


def _small(directions: NDArray[np.float64]) -> Phantom:
    return quick_phantom(grid=phantom_grid(SHAPE, SPACING_MM, directions))


@pytest.mark.parametrize("acquisition", ACQUISITIONS)
@pytest.mark.parametrize("multi_frame", [False, True], ids=["CT", "Enhanced CT"])
def test_each_lesion_voxel_comes_back_at_its_place(
    tmp_path: Path, acquisition: str, multi_frame: bool
) -> None:
    """Whatever the acquisition and the order of arrival, the truth in patient space holds."""
    phantom = _small(ACQUISITIONS[acquisition])
    paths = list(
        write_phantom_study(phantom, tmp_path, multi_frame=multi_frame, shuffled=not multi_frame)
    )
    random.Random(acquisition).shuffle(paths)
    volume = decode_files(paths)
    _assert_same_in_patient_space(volume, phantom)


def _assert_same_in_patient_space(volume: Volume, phantom: Phantom) -> None:
    """Compare by place: the slices may run the other way than those of the phantom."""
    places = volume.positions_mm(np.argwhere(np.ones(volume.shape, dtype=bool)))
    offset = places - phantom.volume.affine[:3, 3]
    exact = np.linalg.solve(phantom.volume.affine[:3, :3], offset.T).T
    indices = np.rint(exact).astype(int)
    np.testing.assert_allclose(exact, indices, atol=1e-3)
    at = tuple(indices.T)
    np.testing.assert_allclose(
        volume.hounsfield.reshape(-1), np.rint(phantom.volume.hounsfield[at]), atol=0.01
    )
    _, lesions = phantom.labels_at(places)
    assert (lesions > 0).any()
    assert np.mean(lesions == phantom.lesions[at]) > 0.9999


def test_instance_numbers_say_nothing(tmp_path: Path) -> None:
    """Numbered at random, the slices are still in the order of their place."""
    phantom = _small(ORIENTATIONS["axial_to_head"])
    plain = decode_files(write_phantom_study(phantom, tmp_path / "plain"))
    mixed_paths = write_phantom_study(phantom, tmp_path / "mixed", shuffled=True)
    mixed = decode_files(mixed_paths)
    np.testing.assert_array_equal(plain.hounsfield, mixed.hounsfield)
    heights = [float(dcmread(path).ImagePositionPatient[2]) for path in sorted(mixed_paths)]
    assert heights != sorted(heights)


@pytest.mark.parametrize(
    "encoding",
    [
        PixelEncoding(signed=True),
        PixelEncoding(ExplicitVRBigEndian),
        PixelEncoding(RLELossless),
        PixelEncoding(JPEGLSLossless, signed=True),
        PixelEncoding(JPEG2000Lossless),
    ],
    ids=["signed", "big endian", "RLE", "JPEG-LS", "JPEG 2000"],
)
def test_the_encoding_makes_no_difference(tmp_path: Path, encoding: PixelEncoding) -> None:
    """Every way to write the same phantom gives the same volume, under other UIDs."""
    phantom = quick_phantom(grid=phantom_grid((12, 64, 64), (25.0, 6.0, 6.0)))
    plain_paths = write_phantom_study(phantom, tmp_path / "plain")
    other_paths = write_phantom_study(phantom, tmp_path / "other", encoding=encoding)
    plain, other = decode_files(plain_paths), decode_files(other_paths)
    np.testing.assert_array_equal(plain.hounsfield, other.hounsfield)
    assert not {frame.sop_instance_uid for frame in plain.frames} & {
        frame.sop_instance_uid for frame in other.frames
    }


def test_the_same_phantom_is_the_same_study(tmp_path: Path) -> None:
    """Written twice, the bytes are the same; with another salt, the study is another one."""
    phantom = _small(ORIENTATIONS["axial_to_head"])
    first = write_phantom_study(phantom, tmp_path / "first")
    second = write_phantom_study(phantom, tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    other = StudyIdentity.of(phantom, salt="again", patient_id="PHANTOM-9")
    third = dcmread(write_phantom_study(phantom, tmp_path / "third", identity=other)[0])
    assert third.StudyInstanceUID != dcmread(first[0]).StudyInstanceUID
    assert third.PatientID == "PHANTOM-9"


def test_the_series_to_analyse_is_chosen_among_its_companions(tmp_path: Path) -> None:
    """Of a study as scanners send it, the thin axial series is read and the others say why."""
    thin = quick_phantom(grid=phantom_grid((100, 40, 44), (3.0, 8.0, 7.5)))
    paths = write_phantom_study(thin, tmp_path, companions=list(Companion), shuffled=True)
    found = read_instances(paths)
    selection = select_series(group_series(found))
    identity = StudyIdentity.of(thin)
    rules = {one.series_instance_uid: one.rule for one in selection.decisions}
    assert rules == {
        identity.uid("series", "thin"): "chosen",
        identity.uid("series", "thick"): "thick_slices",
        identity.uid("series", "coronal"): "reformatted",
        identity.uid("series", "localizer"): "localizer",
        identity.uid("series", "dose"): "sop_class",
    }
    by_uid = {one.instance.sop_instance_uid: one.path for one in found}
    volume = decode_volume(selection.require(), by_uid)
    _assert_same_in_patient_space(volume, thin)


def test_the_thick_series_lies_where_the_thin_one_does(tmp_path: Path) -> None:
    """The averaged slices cover the same part of the patient."""
    thin = quick_phantom(grid=phantom_grid((60, 40, 44), (4.0, 8.0, 7.5)), noise_hu=0.0)
    paths = write_phantom_study(thin, tmp_path, companions=[Companion.THICK_SHARP])
    volume = decode_files([path for path in paths if path.name.startswith("003")])
    assert volume.spacing_mm[0] == pytest.approx(8.0)
    centres = volume.positions_mm(np.array([[0, 0, 0], [29, 0, 0]]))[:, 2]
    expected = thin.volume.positions_mm(np.array([[0.5, 0, 0], [58.5, 0, 0]]))[:, 2]
    np.testing.assert_allclose(centres, expected)


@pytest.mark.parametrize("multi_frame", [False, True], ids=["CT", "Enhanced CT"])
def test_a_stat_study_says_so(tmp_path: Path, multi_frame: bool) -> None:
    """The priority of the request stands in every instance, where a node can read it early."""
    phantom = quick_phantom(grid=phantom_grid((4, 16, 16), (60.0, 20.0, 20.0)))
    identity = StudyIdentity.of(phantom, priority=RequestPriority.STAT)
    for path in write_phantom_study(phantom, tmp_path, identity=identity, multi_frame=multi_frame):
        dataset = dcmread(path, stop_before_pixels=True)
        assert dataset.RequestedProcedurePriority == "STAT"
        assert dataset.RequestAttributesSequence[0].RequestedProcedureID == "RP1"


def test_the_study_keeps_to_its_definitions(
    tmp_path: Path, dciodvfy: Callable[[Path], ConformanceReport]
) -> None:
    """dciodvfy finds no error in any kind of object, and no warning in the CT images."""
    phantom = quick_phantom(grid=phantom_grid((9, 32, 32), (30.0, 11.0, 11.0), _OBLIQUE))
    paths = write_phantom_study(phantom, tmp_path / "ct", companions=list(Companion))
    enhanced = write_phantom_study(phantom, tmp_path / "enhanced", multi_frame=True)
    for path in (*paths, *enhanced):
        report = dciodvfy(path)
        assert not report.errors, path.name
        # dciodvfy knows no MPR, which is what scanners write in a reformatted image
        assert all("<MPR>" in line for line in report.warnings), path.name


def test_enhanced_headers_are_read_as_the_single_ones(tmp_path: Path) -> None:
    """The kernel, the type and the geometry of a frame are found in both kinds of object."""
    phantom = _small(ORIENTATIONS["coronal_to_back"])
    (plain,) = read_series(write_phantom_study(phantom, tmp_path / "plain"))
    (enhanced,) = read_series(write_phantom_study(phantom, tmp_path / "enhanced", multi_frame=True))
    single = {frame.image_position_patient: frame for _, frame in plain.frames}
    for _, frame in enhanced.frames:
        twin = single[frame.image_position_patient]
        assert frame.image_orientation_patient == twin.image_orientation_patient
        assert frame.convolution_kernel == twin.convolution_kernel == "D40s"
        assert frame.pixel_spacing == twin.pixel_spacing
