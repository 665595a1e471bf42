"""The report of a reading that says everything: nothing is lost, and OHIF can still show it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from highdicom.sr import MeasurementReport, srread
from pydicom import Dataset

from chest.answer.regions import territory_name
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.dicom3tools import dciodvfy
from tests.unit.worker.encode.encoded_chest import ENHANCED, EVERY_KIND
from tests.unit.worker.encode.full_reading import GIVEN, full_context, fully_encoded
from tests.unit.worker.encode.polygons import enclosed
from tests.unit.worker.encode.report_content import (
    comments,
    descendants,
    figures,
    groups_of,
    items,
    name,
    of_type,
)
from worker.encode import EncodedKind, encode_results
from worker.encode.report.text import report_lines

LOBES = (
    "Right upper lobe",
    "Right middle lobe",
    "Right lower lobe",
    "Left upper lobe",
    "Left lower lobe",
)


def codes_of(group: Dataset) -> dict[str, str]:
    return {name(one): one.ConceptCodeSequence[0].CodeMeaning for one in of_type(group, "CODE")}


@EVERY_KIND
@ENHANCED
def test_every_group_has_a_place_and_a_tracking_uid_of_its_own(kind: str, enhanced: bool) -> None:
    """A group without either is a black viewport in OHIF, whatever else the report says."""
    groups = groups_of(fully_encoded(kind, enhanced)["SR"])
    for group in groups.values():
        regions, numbers = of_type(group, "SCOORD"), of_type(group, "NUM")
        assert numbers
        for number in [] if regions else numbers:
            (place,) = number.ContentSequence
            assert (place.ValueType, place.RelationshipType) == ("SCOORD", "INFERRED FROM")
    uids = {items(group, "Tracking Unique Identifier")[0].UID for group in groups.values()}
    assert len(uids) == len(groups)


def test_the_answer_says_confidence_type_and_quality() -> None:
    """Beside probability and urgency: how firm, which type as a hint, and with which reserve."""
    group = groups_of(fully_encoded()["SR"])["AI triage"]
    assert figures(group) == {
        "Probability": 93.4,
        "Threshold Value": 50.0,
        "Confidence in the answer": 71.0,
        "Viral pattern probability (hint)": 81.0,
        "Quality warnings": 1.0,
    }
    said = codes_of(group)
    assert said["Confidence in the answer"] == "High"
    assert said["Pneumonia type (hint, no diagnosis)"] == "Viral pattern suspected"
    assert said["Quality Assessment"] == "Usable - Does not meet the quality control standard"


def test_signs_severity_and_lobes_leave_the_key_slice_free() -> None:
    """OHIF writes every figure of a slice over it: the answer's would not be read among them."""
    context = full_context()
    assert context.reading.key_slice is not None
    key = context.volume.frames[context.reading.key_slice].sop_instance_uid
    shown: dict[str, set[str]] = {}
    for title, group in groups_of(fully_encoded()["SR"]).items():
        shown[title] = {
            str(one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
            for one in descendants(group)
            if one.ValueType == "IMAGE"
        }
    assert shown["AI triage"] == {key}
    for title in ("AI signs", "AI severity", *LOBES):
        assert key not in shown[title]
    assert shown["AI signs"] != shown["AI severity"]


def test_each_sign_is_present_or_absent_and_has_its_probability() -> None:
    """In one group, so that no viewer lists an absent sign as a finding."""
    groups = groups_of(fully_encoded()["SR"])
    said = codes_of(groups["AI signs"])
    assert {meaning: said[meaning] for meaning in ("Ground glass opacity", "Crazy paving")} == {
        "Ground glass opacity": "Present",
        "Crazy paving": "Absent",
    }
    assert figures(groups["AI signs"])["Septal lines, probability"] == 5.0
    assert "Sign crazy paving: not present, probability 3.0 %, threshold 5.0 %" in comments(
        fully_encoded()["SR"]
    )


def test_each_lobe_has_its_figures_and_its_outline() -> None:
    """Volume, share and density per lobe, and a line around it on a slice."""
    context = full_context()
    groups = groups_of(fully_encoded()["SR"])
    assert [title for title in groups if title in LOBES] == list(LOBES)
    for one in context.chest.territories:
        group = groups[one.territory.value.capitalize()]
        read = figures(group)
        assert read["Volume"] == round(one.volume_ml, 2)
        assert read["Lesion share of lobe"] == round(one.lesion_share_percent, 2)
        assert ("Mean attenuation of lesions" in read) == (one.lesion_mean_hu is not None)
        places = [
            scoord.ContentSequence[0].ReferencedSOPSequence[0]
            for scoord in of_type(group, "SCOORD")
        ]
        index = [f.sop_instance_uid for f in context.volume.frames].index(
            places[0].ReferencedSOPInstanceUID
        )
        outlined = [np.reshape(scoord.GraphicData, (-1, 2)) for scoord in of_type(group, "SCOORD")]
        drawn = enclosed(outlined, context.volume.shape[1:])
        inside = drawn & context.reading.region(territory_name(one.territory)).mask(index)
        assert inside.sum() >= 0.95 * drawn.sum() > 0


def test_a_zone_is_never_called_a_lobe() -> None:
    """A third of a lung's height has no fissure, and its name and code say so."""
    report = fully_encoded(zones=True)["SR"]
    groups = groups_of(report)
    zone = groups["Right lower zone"]
    assert codes_of(zone)["Finding"] == "Zone of lung, a third of its height"
    assert codes_of(zone)["Finding Site"] == "Lower zone of lung"
    assert "Lesion share of zone" in figures(zone)
    assert not any("lobe" in title for title in groups)
    assert "CT severity score (0 to 25)" not in figures(groups["AI severity"])
    assert any(text.startswith("A zone is a third of a lung's height") for text in comments(report))


def test_severity_is_told_with_its_rule_and_its_inputs() -> None:
    """A score without its source and what it was computed from is no use to anybody."""
    context, report = full_context(), fully_encoded()["SR"]
    severity = context.chest.severity
    assert severity is not None
    assert figures(groups_of(report)["AI severity"]) == {
        "MosMed CT grade (0 to 4)": severity.mosmed.value,
        "CT severity score (0 to 25)": severity.ct_severity.value,
    }
    said = comments(report)
    assert any(
        text.startswith(f"Severity, MosMed CT grade: {severity.mosmed.label} from pneumonia on CT")
        and "lesion share of the right lung" in text
        for text in said
    )
    assert f"Source of MosMed CT grade: {severity.mosmed.source}" in said
    assert any(text.startswith("Severity, CURB-65: not computed; missing:") for text in said)


def test_clinical_values_are_told_with_where_they_came_from(tmp_path: Path) -> None:
    """Each value with its source, the scores that they make, and no name of who entered them."""
    results = encode_results(full_context(clinical=GIVEN))
    report = next(one.dataset for one in results if one.kind is EncodedKind.SR)
    said = comments(report)
    told = {text.removeprefix("Clinical value, ") for text in said}
    assert "respiratory rate: 31 /min, entered on the page 2026-01-01 11:30 UTC" in told
    assert "urea: 9 mmol/l, received by HL7 2026-01-01 10:15 UTC" in told
    assert "new confusion: no" in told
    assert any(
        text.startswith("Severity, CURB-65: high (3 points) from new confusion no, urea 9 mmol/l")
        for text in said
    )
    assert any(text.startswith("Severity, Guideline class: at least severe") for text in said)
    assert not any("anna" in text for text in said)
    for one in results:
        assert dciodvfy(one.dataset, work_folder=tmp_path).errors == ()


def test_a_study_that_is_not_assessable_tells_no_clinical_values() -> None:
    """It has no severity, so nothing was computed from them."""
    context = replace(full_context("not assessable"), clinical=GIVEN)
    assert not any("Clinical value" in text for _, text in report_lines(context))


@EVERY_KIND
def test_every_report_says_what_was_checked(kind: str) -> None:
    """A negative or a refusal is believed only by somebody who sees what it rests on."""
    context, report = full_context(kind), fully_encoded(kind)["SR"]
    said = comments(report)
    passed = sum(gate.passed for gate in context.reading.gates)
    assert f"Quality checks passed: {passed} of {len(context.reading.gates)}" in said
    assert any("lungs found (2 lungs)" in text for text in said)
    assert any(text.startswith("Warning, slice thickness: Thick slices") for text in said)
    digest = context.algorithm.bundle_digest
    assert any(text.startswith("Algorithm: ") and digest in text for text in said)


def test_a_negative_report_says_what_was_seen_and_nothing_of_lesions() -> None:
    """The rule and its limit stand there; there is no lobe, sign or lesion group."""
    report = fully_encoded("negative")["SR"]
    assert set(groups_of(report)) == {
        "AI triage",
        "AI severity",
        "Both lungs",
        "Right lung",
        "Left lung",
    }
    assert (
        "Rule lesion share, decides: 0.10 % of the lungs, limit 0.99 (not suspected)"
        in comments(report)
    )


def test_what_is_not_assessable_has_its_reasons_and_no_figure_but_their_number() -> None:
    """Nothing that looks like an answer: no probability, no type, no severity, no urgency."""
    report = fully_encoded("not assessable")["SR"]
    ((title, group),) = groups_of(report).items()
    assert (title, figures(group)) == ("AI triage", {"NOT ASSESSABLE - failed checks": 1.0})
    assert "Priority" not in codes_of(group)
    said = comments(report)
    assert not any(text.startswith(("Urgency", "Answer", "Severity", "Type")) for text in said)
    assert any(text.startswith("slices without a gap: A slice is missing") for text in said)


@EVERY_KIND
@ENHANCED
def test_validators_and_readers_take_the_full_report(
    kind: str, enhanced: bool, tmp_path: Path, dcmtk: Dcmtk
) -> None:
    """dciodvfy finds no error, dcmtk reads the tree, and highdicom every group."""
    path = tmp_path / "sr.dcm"
    report = fully_encoded(kind, enhanced)["SR"]
    report.save_as(path, enforce_file_format=True)
    found = dciodvfy(path, work_folder=tmp_path)
    assert not found.errors
    # Its table knows no private coding scheme, although the object identifies ours.
    assert all("99FIRSTREAD" in warning for warning in found.warnings)
    assert "Imaging Measurement Report" in dcmtk.dsrdump(path)
    content = srread(path).content
    assert isinstance(content, MeasurementReport)
    read = [
        *content.get_volumetric_roi_measurement_groups(),
        *content.get_image_measurement_groups(),
    ]
    assert {group.tracking_identifier for group in read} == set(groups_of(report))
