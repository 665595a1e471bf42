"""The report: the same figures when it is read back, and what viewers need of its form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from highdicom.sr import MeasurementReport, srread
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from radiology.finding import LungFigures, Outcome, QualityGate, Side
from radiology.region import ChestRegions, LesionLabel
from tests.peers.dcmtk import Dcmtk
from tests.unit.worker.test_encode_outline import enclosed
from tests.unit.worker.test_encode_studies import KINDS, Chest, encoded, result_context
from worker.encode import (
    DISCLAIMER,
    PredecessorReport,
    encode_measurement_report,
)
from worker.encode.derived_object import ResultContext

ENHANCED = pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def report_of(context: ResultContext) -> Dataset:
    made = encode_measurement_report(context)
    assert made is not None
    return made


def groups_of(report: Dataset) -> dict[str, Dataset]:
    """Measurement groups by their tracking identifier."""
    (measurements,) = items(report, "Imaging Measurements")
    groups = items(measurements, "Measurement Group")
    return {items(group, "Tracking Identifier")[0].TextValue: group for group in groups}


def items(parent: Dataset, meaning: str) -> list[Dataset]:
    return [one for one in parent.ContentSequence if name(one) == meaning]


def name(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


def of_type(parent: Dataset, value_type: str) -> list[Dataset]:
    return [one for one in parent.get("ContentSequence", ()) if one.ValueType == value_type]


def descendants(item: Dataset) -> Iterator[Dataset]:
    for child in item.get("ContentSequence", ()):
        yield child
        yield from descendants(child)


def figures(group: Dataset) -> dict[str, float]:
    return {
        name(item): float(item.MeasuredValueSequence[0].NumericValue)
        for item in of_type(group, "NUM")
    }


def comments(report: Dataset) -> list[str]:
    (container,) = items(report, "Qualitative Evaluations")
    return [item.TextValue for item in container.ContentSequence]


def evaluations(group: Dataset) -> dict[str, str]:
    return {
        name(item): item.ConceptCodeSequence[0].CodeMeaning
        for item in of_type(group, "CODE")
        if name(item) in {"CAD Processing and Findings Summary", "Priority", "Quality Assessment"}
    }


def test_highdicom_reads_the_figures_back(tmp_path: Path) -> None:
    """Written and read, a report gives the figures of the reading, by side and by class."""
    context = result_context()
    path = tmp_path / "sr.dcm"
    encoded()["SR"].save_as(path, enforce_file_format=True)
    content = srread(path).content
    assert isinstance(content, MeasurementReport)
    read = {
        group.tracking_identifier: {m.name.meaning: m.value for m in group.get_measurements()}
        for group in (
            *content.get_volumetric_roi_measurement_groups(),
            *content.get_image_measurement_groups(),
        )
    }
    reading = context.reading
    assert read["AI triage"] == {"Probability": 93.4, "Threshold Value": 50.0}
    for side, title in ((Side.RIGHT, "Right lung"), (Side.LEFT, "Left lung")):
        assert read[title] == {"Volume": round(reading.figures[side].lung_volume_ml, 2)}
        assert read[f"{title}, lesions"] == _expected(reading.figures[side])
    total = reading.figures[Side.TOTAL]
    assert read["Both lungs"] == {"Volume": round(total.lung_volume_ml, 2)}
    assert read["Both lungs, lesions"] == _expected(total)
    ground_glass, consolidation = read["Ground glass opacity"], read["Consolidation"]
    assert ground_glass["Volume"] == round(total.ground_glass_ml, 2)
    assert ground_glass["Mean Attenuation Coefficient"] == -550
    assert consolidation["Volume"] == round(total.consolidation_ml, 2)
    assert consolidation["Mean Attenuation Coefficient"] == -10


def _expected(of_side: LungFigures) -> dict[str, float]:
    assert of_side.lesion_mean_hu is not None
    return {
        "Volume": round(of_side.lesion_volume_ml, 2),
        "Lesion share of lung": round(of_side.lesion_share_percent, 2),
        "Mean Attenuation Coefficient": round(of_side.lesion_mean_hu, 1),
        "Ground glass volume": round(of_side.ground_glass_ml, 2),
        "Consolidation volume": round(of_side.consolidation_ml, 2),
        "Slices involved": of_side.slices_involved,
    }


@EVERY_KIND
@ENHANCED
def test_every_group_has_what_ohif_dereferences(kind: str, enhanced: bool) -> None:
    """A group without SCOORD or tracking UID is a black viewport without a message."""
    report = encoded(kind, enhanced)["SR"]
    assert report.ConceptNameCodeSequence[0].CodeValue == "126000"
    assert items(report, "Image Library")[0].ContentSequence
    uids = []
    for group in groups_of(report).values():
        (tracking,) = items(group, "Tracking Unique Identifier")
        uids.append(tracking.UID)
        regions = of_type(group, "SCOORD")
        numbers = of_type(group, "NUM")
        assert numbers
        for region in regions:
            assert region.ContentSequence[0].ReferencedSOPSequence
        for number in [] if regions else numbers:
            (place,) = number.ContentSequence  # the only child: OHIF 3.11 looks at the first
            assert (place.ValueType, place.RelationshipType) == ("SCOORD", "INFERRED FROM")
            assert place.ContentSequence[0].ReferencedSOPSequence
    assert len(set(uids)) == len(uids)  # OHIF merges groups that share one


@ENHANCED
def test_outlines_are_on_the_slices_that_they_name(enhanced: bool) -> None:
    """Each outline of ground glass, filled, is the ground glass of the slice it refers to."""
    context = result_context(chest=Chest(enhanced=enhanced))
    index = {
        (one.sop_instance_uid, one.frame_number): place
        for place, one in enumerate(context.source.slices)
    }
    group = groups_of(encoded("positive", enhanced)["SR"])["Ground glass opacity"]
    slices = []
    for region in of_type(group, "SCOORD"):
        reference = region.ContentSequence[0].ReferencedSOPSequence[0]
        number = reference.get("ReferencedFrameNumber")
        key = (reference.ReferencedSOPInstanceUID, None if number is None else int(number))
        slices.append(index[key])
        drawn = enclosed([np.reshape(region.GraphicData, (-1, 2))], context.volume.shape[1:])
        lesions = context.regions.lesions[index[key]]
        # The consolidation inside is a hole, which an outline does not show.
        assert np.count_nonzero(drawn & (lesions > 0)) >= 0.9 * drawn.sum()
        covered = drawn & (lesions == LesionLabel.GROUND_GLASS)
        assert covered.sum() >= 0.9 * np.count_nonzero(lesions == LesionLabel.GROUND_GLASS)
    assert slices[0] == context.reading.key_slice  # OHIF draws the first one only
    assert len(set(slices)) > 1


def test_the_answer_points_into_a_lesion_of_the_key_slice() -> None:
    """The reader who follows the arrow sees what raised the suspicion."""
    context = result_context()
    (probability, _) = of_type(groups_of(encoded()["SR"])["AI triage"], "NUM")
    place = probability.ContentSequence[0]
    assert context.reading.key_slice is not None
    frame = context.volume.frames[context.reading.key_slice]
    reference = place.ContentSequence[0].ReferencedSOPSequence[0]
    assert reference.ReferencedSOPInstanceUID == frame.sop_instance_uid
    column, row = (int(value) for value in place.GraphicData)
    assert context.regions.lesions[context.reading.key_slice, row, column] > 0


def test_a_lung_without_its_own_lesions_on_the_key_slice_is_shown_on_another() -> None:
    """Each lung's lesions are pointed at on a slice where that lung has some."""
    context = result_context()
    key = 5  # right-sided lesions only
    context = replace(context, reading=replace(context.reading, key_slice=key))
    assert not context.areas[key, 2, 1:].any()
    group = groups_of(report_of(context))["Left lung, lesions"]
    place = of_type(group, "NUM")[0].ContentSequence[0]
    uid = place.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    index = [frame.sop_instance_uid for frame in context.volume.frames].index(uid)
    column, row = (int(value) for value in place.GraphicData)
    assert context.regions.lesions[index, row, column] > 0
    assert context.regions.lungs[index, row, column] == 2


def test_a_negative_report_has_lung_volumes_and_no_lesion() -> None:
    """Nothing found is said as an answer with its probability, without a lesion group."""
    report = encoded("negative")["SR"]
    groups = groups_of(report)
    assert set(groups) == {"AI triage", "Both lungs", "Right lung", "Left lung"}
    assert figures(groups["AI triage"])["Probability"] == 3.1
    assert evaluations(groups["AI triage"]) == {
        "CAD Processing and Findings Summary": "All algorithms succeeded; without findings",
        "Priority": "Routine procedure",
    }


def test_a_positive_report_says_so_in_codes() -> None:
    """Outcome (CID 6047) and urgency are there for programs."""
    assert evaluations(groups_of(encoded()["SR"])["AI triage"]) == {
        "CAD Processing and Findings Summary": "All algorithms succeeded; with findings",
        "Priority": "Urgent Procedure",
    }


def test_not_assessable_never_looks_normal() -> None:
    """No figure, no probability and no "routine" can be taken for an answer; the reasons stand."""
    report = encoded("not assessable")["SR"]
    (group,) = groups_of(report).values()
    assert figures(group) == {"NOT ASSESSABLE - failed checks": 1}
    assert evaluations(group) == {
        "CAD Processing and Findings Summary": "No algorithms succeeded; without findings",
        "Quality Assessment": "Not assessable",
    }
    said = "\n".join(comments(report))
    assert "NOT ASSESSABLE" in said
    assert "A slice is missing in the middle of the lungs" in said
    assert "outine" not in str(report)


@EVERY_KIND
def test_every_report_carries_the_disclaimer_and_the_algorithm(kind: str) -> None:
    """Whoever opens the report sees that no person made it, and which bundle did."""
    context = result_context(kind)
    report = encoded(kind)["SR"]
    assert comments(report)[0] == DISCLAIMER
    triage = groups_of(report)["AI triage"]
    said = {name(item): item.get("TextValue") for item in triage.ContentSequence}
    assert said["Algorithm Name"] == context.algorithm.name
    assert said["Algorithm Version"] == context.algorithm.version
    assert said["Algorithm Parameters"] == f"sha256={context.algorithm.bundle_digest}"
    assert (report.CompletionFlag, report.VerificationFlag) == ("COMPLETE", "UNVERIFIED")
    assert report.PreliminaryFlag == "PRELIMINARY"


def test_evidence_names_what_was_analysed_and_the_segmentation() -> None:
    """PS3.3 C.17.2.3: an archive can tell which instances a report rests on."""
    context = result_context()
    segmentation = encoded()["SEG"]
    (study,) = encoded()["SR"].CurrentRequestedProcedureEvidenceSequence
    named = {
        instance.ReferencedSOPInstanceUID
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }
    assert study.StudyInstanceUID == context.source.study_instance_uid
    assert named == {h.SOPInstanceUID for h in context.headers} | {segmentation.SOPInstanceUID}


def test_a_superseding_report_names_its_predecessor() -> None:
    """PS3.3 C.17.2.2: the newer report says which one it stands for, in a series of its own."""
    first = result_context()
    old = encoded()["SR"]
    previous = PredecessorReport(old.StudyInstanceUID, old.SeriesInstanceUID, old.SOPInstanceUID)
    new = report_of(replace(first, result_version=2, predecessor=previous))
    (study,) = new.PredecessorDocumentsSequence
    instance = study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert instance.ReferencedSOPInstanceUID == old.SOPInstanceUID
    assert new.SOPInstanceUID != old.SOPInstanceUID
    assert new.SeriesInstanceUID != old.SeriesInstanceUID
    assert new.SeriesNumber > old.SeriesNumber
    assert "PredecessorDocumentsSequence" not in old


def test_a_lesion_has_the_same_tracking_uid_in_report_and_segmentation() -> None:
    """A program can join the figures of the report to the voxels of the segment."""
    groups = groups_of(encoded()["SR"])
    for segment in encoded()["SEG"].SegmentSequence[2:]:
        (tracking,) = items(groups[segment.TrackingID], "Tracking Unique Identifier")
        assert segment.TrackingUID == tracking.UID


def test_only_the_key_image_is_described() -> None:
    """A library of 300 images would be 1.2 MB; the key image is enough for viewers."""
    context = result_context()
    (group,) = items(encoded()["SR"], "Image Library")[0].ContentSequence
    (image,) = of_type(group, "IMAGE")
    assert context.reading.key_slice is not None
    expected = context.volume.frames[context.reading.key_slice].sop_instance_uid
    assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == expected


def test_the_groups_stay_small_for_lesions_all_over() -> None:
    """The limits on slices, outlines and points hold the report below 50 kB and its evidence."""
    context = result_context(chest=Chest(spacing_mm=(10, 1.2, 1.2), shape=(14, 260, 280)))
    speckled = np.random.default_rng(2).random(context.volume.shape)
    lesions = np.where(context.regions.lungs > 0, 1 + (speckled > 0.6), 0).astype(np.uint8)
    lesions[speckled <= 0.3] = LesionLabel.NONE
    regions = ChestRegions(lungs=context.regions.lungs, lesions=lesions)
    report = report_of(replace(context, reading=replace(context.reading, regions=regions)))
    written = DicomBytesIO()
    written.is_little_endian, written.is_implicit_VR = True, False
    (measurements,) = items(report, "Imaging Measurements")
    write_dataset(written, measurements)
    assert written.tell() < 45_000


def test_signs_that_a_character_set_lacks_are_written_out() -> None:
    """The report keeps the character set of the source's names, so what we say is ASCII."""
    context = result_context("not assessable")
    gate = QualityGate("volume", False, "9 cm³", "≥ 1 cm³ – both", "Größe")
    report = report_of(replace(context, reading=replace(context.reading, gates=(gate,))))
    assert "volume: Gr??e (seen 9 cm3, needed >= 1 cm3 - both)" in comments(report)
    texts = [str(item.TextValue) for item in descendants(report) if "TextValue" in item]
    assert all(text.isascii() for text in texts)


def test_a_key_slice_without_lung_is_not_used() -> None:
    """A reading whose key slice is empty still gives a report that points into a lung."""
    context = result_context("negative")
    context = replace(context, reading=replace(context.reading, key_slice=0))
    assert not context.areas[0, 1:].any()
    group = groups_of(report_of(context))["AI triage"]
    assert of_type(group, "NUM")[0].ContentSequence


def test_dsrdump_reads_the_report(tmp_path: Path, dcmtk: Dcmtk) -> None:
    """The reader of dcmtk accepts the document tree without a complaint."""
    for kind in KINDS:
        path = tmp_path / f"{kind}.dcm"
        encoded(kind)["SR"].save_as(path, enforce_file_format=True)
        assert "Imaging Measurement Report" in dcmtk.dsrdump(path)


def test_an_outcome_without_lungs_has_no_report() -> None:
    """Without lungs there is no place in the images to point at."""
    context = result_context("not assessable")
    reading = replace(context.reading, regions=None, figures={}, key_slice=None)
    assert reading.outcome is Outcome.NOT_ASSESSABLE
    assert encode_measurement_report(replace(context, reading=reading)) is None
