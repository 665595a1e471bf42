"""The report: the same figures when it is read back, and what it says of itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from highdicom.sr import MeasurementReport, srread

from chest.values.figures import LungFigures, Side
from radiology.outcome import Outcome, QualityGate
from tests.peers.dicom.dcmtk import Dcmtk
from tests.unit.worker.encode.encoded_chest import (
    EVERY_KIND,
    KINDS,
    encoded,
    result_context,
    with_chest,
)
from tests.unit.worker.encode.report_content import (
    comments,
    descendants,
    evaluations,
    figures,
    groups_of,
    items,
    name,
    report_of,
)
from worker.encode import DISCLAIMER, EarlierReport, EarlierReports, encode_measurement_report


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
    reading = context.chest
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
    previous = EarlierReport(old.StudyInstanceUID, old.SeriesInstanceUID, old.SOPInstanceUID)
    new = report_of(replace(first, result_version=2, earlier_reports=EarlierReports(previous)))
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
    segments = encoded()["SEG"].SegmentSequence
    assert len(segments) == 2
    for segment in segments:
        (tracking,) = items(groups[segment.TrackingID], "Tracking Unique Identifier")
        assert segment.TrackingUID == tracking.UID


def test_signs_that_a_character_set_lacks_are_written_out() -> None:
    """The report keeps the character set of the source's names, so what we say is ASCII."""
    context = result_context("not assessable")
    gate = QualityGate("volume", False, "9 cm³", "≥ 1 cm³ – both", "Größe")
    report = report_of(with_chest(context, gates=(gate,)))
    assert "volume: Gr??e (seen 9 cm3, needed >= 1 cm3 - both)" in comments(report)
    texts = [str(item.TextValue) for item in descendants(report) if "TextValue" in item]
    assert all(text.isascii() for text in texts)


def test_dsrdump_reads_the_report(tmp_path: Path, dcmtk: Dcmtk) -> None:
    """The reader of dcmtk accepts the document tree without a complaint."""
    for kind in KINDS:
        path = tmp_path / f"{kind}.dcm"
        encoded(kind)["SR"].save_as(path, enforce_file_format=True)
        assert "Imaging Measurement Report" in dcmtk.dsrdump(path)


def test_an_outcome_without_lungs_has_no_report() -> None:
    """Without lungs there is no place in the images to point at."""
    context = result_context("not assessable")
    without = with_chest(context, regions=None, figures={}, key_slice=None)
    assert without.reading.outcome is Outcome.NOT_ASSESSABLE
    assert encode_measurement_report(without) is None
