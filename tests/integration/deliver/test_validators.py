"""Every object of every profile before every validator at hand, for each kind of study."""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread

from chest.values.figures import Side
from chest.values.regions import LesionLabel, LungLabel
from radiology.encoding_profile import EncodingChoice, SegmentationForm, SegmentScope
from radiology.outcome import Outcome
from tests.builders.chest.analysed_phantom import KINDS, PROFILES, AnalysedStudy, analysed_phantom
from tests.builders.dicom.stored_study import part_10
from tests.peers.dicom.dcmqi import read_report, read_segments
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.dicom3tools import dcentvfy, dciodvfy
from tests.peers.dicom.dicom_validator import dicom_validator
from tests.peers.programs import REPOSITORY
from worker.encode import EncodedKind, EncodedObject, encode_results, plan_results

pytestmark = pytest.mark.integration

KNOWN = tomllib.loads((REPOSITORY / "tests" / "peers" / "known_warnings.toml").read_text())["known"]

EVERY_PROFILE = pytest.mark.parametrize("profile", PROFILES)
WITH_REPORTS = pytest.mark.parametrize("profile", [one for one in PROFILES if one != "legacy"])
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


@WITH_REPORTS
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
    reports = [one for one in analysed.encoded(profile) if one.kind is EncodedKind.SR]
    assert len(reports) == (2 if profile == "machine" and kind == "positive" else 1)
    for one, (name, path) in zip(reports, written(reports, tmp_path).items(), strict=True):
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
        reading = analysed.context.chest
        if reading.outcome is not Outcome.NOT_ASSESSABLE:
            assert reading.suspicion is not None
            for_programs = one.recipe.startswith("SR:machine")  # the figures of each segment
            assert for_programs or round(100 * reading.suspicion, 2) in values
            for side, figures in reading.figures.items():
                if for_programs and side is Side.TOTAL:
                    continue
                assert round(figures.lung_volume_ml, 2) in values
                assert f"{figures.lung_volume_ml:.2f}".rstrip("0") in page


def _figures(group: dict[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    return group.get("measurementItems", [])


@WITH_REPORTS
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
    if profile == "machine":
        masks["Right lung"] = regions.lungs == LungLabel.RIGHT
        masks["Left lung"] = regions.lungs == LungLabel.LEFT
    segmentations = [one for one in analysed.encoded(profile) if one.kind is EncodedKind.SEG]
    assert len(segmentations) == 1
    for name, path in written(segmentations, tmp_path).items():
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


@ENHANCED
@pytest.mark.parametrize("form", list(SegmentationForm))
def test_every_form_of_the_segmentation_is_valid_and_decoded(
    study: Callable[[str, bool], AnalysedStudy],
    tmp_path: Path,
    form: SegmentationForm,
    enhanced: bool,
) -> None:
    """With lobes and lesions one by one: the newest dciodvfy, which knows label maps, finds no
    error, and highdicom sees each lesion voxel. dicom-validator's edition has no label maps."""
    context = replace(study("positive", enhanced).context, most_tracked_lesions=8)
    choice = EncodingChoice(segmentation=form, segments=SegmentScope.ALL)
    made = [
        one
        for one in encode_results(context, plan_results(context, choice))
        if one.kind is EncodedKind.SEG
    ]
    (path,) = written(made, tmp_path).values()
    report = dciodvfy(path, work_folder=tmp_path, newest=True)
    assert report.errors == ()
    assert unknown("dciodvfy", report.warnings) == []
    read = highdicom.seg.segread(path)
    lesions = read.get_segment_numbers(
        segmented_property_category=highdicom.sr.CodedConcept(
            "49755003", "SCT", "Morphologically Abnormal Structure"
        )
    )
    assert len(read.SegmentSequence) > 10
    glass = {
        number
        for number in lesions
        if read.get_segment_description(number).segmented_property_type.value == "112120"
    }
    for kind, numbers in (
        (LesionLabel.GROUND_GLASS, sorted(glass)),
        (LesionLabel.CONSOLIDATION, sorted(set(lesions) - glass)),
    ):
        volume = read.get_volume(segment_numbers=numbers, combine_segments=True)
        there = volume.map_indices_to_reference(np.argwhere(volume.array > 0))
        truth = context.volume.positions_mm(np.argwhere(context.regions.lesions == kind))
        assert len(there) == len(truth)
        assert np.allclose(_sorted(there), _sorted(truth), atol=0.02)


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
