"""Every object of every profile before every validator at hand, for each kind of study."""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import highdicom
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread

from radiology.finding import Outcome
from radiology.region import LesionLabel
from tests.builders.analysed_phantom import KINDS, PROFILES, AnalysedStudy, analysed_phantom
from tests.builders.stored_study import part_10
from tests.peers.dcmqi import read_report, read_segments
from tests.peers.dcmtk import Dcmtk
from tests.peers.dicom3tools import dcentvfy, dciodvfy
from tests.peers.dicom_validator import dicom_validator
from tests.peers.programs import REPOSITORY
from worker.encode import EncodedObject

pytestmark = pytest.mark.integration

KNOWN = tomllib.loads((REPOSITORY / "tests" / "peers" / "known_warnings.toml").read_text())["known"]

EVERY_PROFILE = pytest.mark.parametrize("profile", PROFILES)
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
ENHANCED = pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bool], AnalysedStudy]:
    """Give a function that gives a study of a kind, each written once."""
    made: dict[tuple[str, bool], AnalysedStudy] = {}

    def give(kind: str, enhanced: bool) -> AnalysedStudy:
        if (kind, enhanced) not in made:
            folder = tmp_path_factory.mktemp("study")
            made[kind, enhanced] = analysed_phantom(kind, folder, enhanced=enhanced)
        return made[kind, enhanced]

    return give


def written(objects: Sequence[EncodedObject], folder: Path) -> dict[str, Path]:
    """Each object as a file, by its name."""
    paths = {}
    for number, one in enumerate(objects):
        name = f"{number}-{one.kind}"
        paths[name] = folder / f"{name}.dcm"
        paths[name].write_bytes(part_10(one.dataset))
    return paths


def unknown(validator: str, lines: Sequence[str]) -> list[str]:
    """The lines for which there is no reason in known_warnings.toml."""
    patterns = [one["pattern"] for one in KNOWN if one["validator"] == validator]
    return [line for line in lines if not any(re.search(one, line) for one in patterns)]


def reread(path: Path) -> Dataset:
    return dcmread(io.BytesIO(path.read_bytes()))


@EVERY_PROFILE
@EVERY_KIND
@ENHANCED
def test_no_validator_finds_an_error(
    study: Callable[[str, bool], AnalysedStudy],
    tmp_path: Path,
    profile: str,
    kind: str,
    enhanced: bool,
) -> None:
    """dciodvfy, Debian's and the newest, and dicom-validator; each warning left has its reason."""
    for name, path in written(study(kind, enhanced).encoded(profile), tmp_path).items():
        for newest in (False, True):
            report = dciodvfy(path, work_folder=tmp_path, newest=newest)
            assert report.errors == (), name
            assert unknown("dciodvfy", report.warnings) == [], name
        assert unknown("dicom-validator", dicom_validator(reread(path))) == [], name


@EVERY_PROFILE
@EVERY_KIND
@ENHANCED
def test_a_study_with_its_results_agrees_with_itself(
    study: Callable[[str, bool], AnalysedStudy],
    tmp_path: Path,
    profile: str,
    kind: str,
    enhanced: bool,
) -> None:
    """dcentvfy: one patient, one study, and everything that is referred to is there."""
    analysed = study(kind, enhanced)
    results = written(analysed.encoded(profile), tmp_path)
    report = dcentvfy([*analysed.files, *results.values()])
    assert report.errors == ()
    assert unknown("dcentvfy", report.warnings) == []


@EVERY_PROFILE
@EVERY_KIND
@ENHANCED
def test_reports_are_read_by_others(
    study: Callable[[str, bool], AnalysedStudy],
    dcmtk: Dcmtk,
    tmp_path: Path,
    profile: str,
    kind: str,
    enhanced: bool,
) -> None:
    """dsrdump, dsr2html, highdicom and tid1500reader read every figure of every report."""
    analysed = study(kind, enhanced)
    for name, path in written(analysed.encoded(profile), tmp_path).items():
        if reread(path).Modality != "SR":
            continue
        assert "Imaging Measurement Report" in dcmtk.dsrdump(path)
        page = dcmtk.dsr2html(path)
        read, warnings = read_report(path, work_folder=tmp_path)
        assert unknown("tid1500reader", warnings) == [], name
        values = [
            float(item["value"]) for group in read["Measurements"] for item in _figures(group)
        ]
        report = highdicom.sr.srread(path)
        groups = [
            *report.content.get_image_measurement_groups(),
            *report.content.get_volumetric_roi_measurement_groups(),
        ]
        assert sorted(values) == sorted(
            float(one.value) for group in groups for one in group.get_measurements()
        )
        reading = analysed.context.reading
        if reading.outcome is not Outcome.NOT_ASSESSABLE:
            assert reading.suspicion is not None
            assert round(100 * reading.suspicion, 2) in values
            for figures in reading.figures.values():
                assert round(figures.lung_volume_ml, 2) in values
                assert f"{figures.lung_volume_ml:.2f}".rstrip("0") in page


def _figures(group: dict[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    return group.get("measurementItems", [])


@EVERY_PROFILE
@ENHANCED
def test_segmentations_are_decoded_by_others(
    study: Callable[[str, bool], AnalysedStudy], tmp_path: Path, profile: str, enhanced: bool
) -> None:
    """segimage2itkimage and highdicom see each voxel of each mask where it is in the patient."""
    analysed = study("positive", enhanced)
    volume, regions = analysed.context.volume, analysed.context.regions
    masks = {
        "Ground glass opacity": regions.lesions == LesionLabel.GROUND_GLASS,
        "Consolidation": regions.lesions == LesionLabel.CONSOLIDATION,
    }
    for name, path in written(analysed.encoded(profile), tmp_path).items():
        if reread(path).Modality != "SEG":
            continue
        segments, warnings = read_segments(path, work_folder=tmp_path)
        assert unknown("segimage2itkimage", warnings) == [], name
        ours = highdicom.seg.segread(path)
        for segment in segments:
            truth = masks[segment.label]
            assert np.count_nonzero(segment.mask) == np.count_nonzero(truth)
            places = np.argwhere(segment.mask)
            places_mm = places @ segment.affine[:3, :3].T + segment.affine[:3, 3]
            indices = np.linalg.solve(volume.affine[:3, :3], (places_mm - volume.affine[:3, 3]).T).T
            assert np.allclose(indices, np.rint(indices), atol=1e-3)
            assert truth[tuple(np.rint(indices).astype(int).T)].all()
            decoded = ours.get_volume(segment_numbers=[segment.number], combine_segments=True)
            there = decoded.map_indices_to_reference(np.argwhere(decoded.array > 0))
            assert len(there) == len(places_mm)
            assert np.allclose(_sorted(there), _sorted(places_mm), atol=1e-2)
        assert {one.label for one in segments} == set(masks)


def _sorted(places: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array(sorted(places.round(2).tolist()))


def test_dicom_validator_finds_what_is_missing(
    study: Callable[[str, bool], AnalysedStudy],
) -> None:
    """The tables that lie with the tests hold the rules: three broken ones are noticed."""
    report, capture = (
        dcmread(io.BytesIO(part_10(one.dataset)))
        for one in study("negative", False).encoded("viewer")
    )
    del capture.StudyInstanceUID
    assert any("StudyInstanceUID: TagMissing" in line for line in dicom_validator(capture))
    group = next(one for one in report.ContentSequence if one.get("ContentSequence"))
    del group.ContinuityOfContent
    report.ContentSequence[0].NumberOfFrames = 1
    found = dicom_validator(report)
    assert any("ContentSequence > ContinuityOfContent: TagMissing" in line for line in found)
    assert any("ContentSequence > NumberOfFrames: TagUnexpected" in line for line in found)


def test_the_page_shows_the_known_warnings() -> None:
    """docs/viewers.md gives the reason of each warning that is let pass."""
    page = (REPOSITORY / "docs" / "viewers.md").read_text()
    for one in KNOWN:
        assert f"| {one['validator']} | {one['reason']} |" in page, one["reason"]
