"""What is never analysed is refused by the rule that says why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydicom.uid import (
    EnhancedCTImageStorage,
    EnhancedSRStorage,
    SecondaryCaptureImageStorage,
    XRayRadiationDoseSRStorage,
)

from radiology.image.series import SeriesHeader
from tests.builders.dicom.headers import CORONAL, joined, series_header, with_frame
from worker.series.select_series import select_series

GOOD = series_header("2.25.1.1")

REFUSED: list[tuple[str, SeriesHeader, str, str]] = [
    # what, the series, the rule that refuses it, what the rule saw
    ("MR", series_header(modality="MR"), "modality", "MR"),
    ("no modality", series_header(modality=""), "modality", "none"),
    ("a name as modality", series_header(modality="Smith^John"), "modality", "not a code"),
    (
        "dose report",
        series_header(slices=1, sop_class_uid=XRayRadiationDoseSRStorage),
        "sop_class",
        XRayRadiationDoseSRStorage,
    ),
    (
        "report",
        series_header(slices=1, sop_class_uid=EnhancedSRStorage),
        "sop_class",
        EnhancedSRStorage,
    ),
    (
        "secondary capture",
        series_header(sop_class_uid=SecondaryCaptureImageStorage),
        "sop_class",
        SecondaryCaptureImageStorage,
    ),
    (
        "localizer",
        series_header(slices=2, image_type=("ORIGINAL", "PRIMARY", "LOCALIZER")),
        "localizer",
        "LOCALIZER",
    ),
    (
        "scout",
        series_header(image_type=("ORIGINAL", "PRIMARY", "SCOUT")),
        "localizer",
        "SCOUT",
    ),
    (
        "screen save",
        series_header(image_type=("DERIVED", "SECONDARY", "SCREEN SAVE")),
        "screen",
        "SCREEN SAVE",
    ),
    (
        "patient protocol",
        series_header(image_type=("DERIVED", "SECONDARY", "OTHER", "CT_SOM5 PROT")),
        "screen",
        "CT_SOM5 PROT",
    ),
    (
        "Siemens MPR",
        series_header(image_type=("DERIVED", "SECONDARY", "MPR", "CSA MPR")),
        "reformatted",
        "MPR",
    ),
    (
        "GE reformat",
        series_header(image_type=("DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE")),
        "reformatted",
        "REFORMATTED",
    ),
    (
        "projection of an enhanced CT",
        series_header(
            image_type=("DERIVED", "PRIMARY", "VOLUME", "MAXIMUM"),
            sop_class_uid=EnhancedCTImageStorage,
        ),
        "reformatted",
        "MAXIMUM",
    ),
    (
        "colour",
        series_header(samples_per_pixel=3, photometric_interpretation="RGB"),
        "colour",
        "3 samples per pixel",
    ),
    (
        "palette",
        series_header(photometric_interpretation="PALETTE COLOR"),
        "colour",
        "PALETTE COLOR",
    ),
    ("head", series_header(body_part_examined="HEAD"), "body_part", "head"),
    ("abdomen", series_header(body_part_examined="ABDOMENPELVIS"), "body_part", "abdomen"),
    ("knee", series_header(body_part_examined="KNEE"), "body_part", "limb"),
    (
        "head by protocol alone",
        series_header(body_part_examined="", protocol_name="01_Neurocranium"),
        "body_part",
        "head",
    ),
    (
        "abdomen by description alone",
        series_header(body_part_examined="", series_description="Abd. pv 3.0 B30f"),
        "body_part",
        "abdomen",
    ),
    (
        "head by code",
        series_header(body_part_examined="", anatomic_region="69536005"),
        "body_part",
        "head",
    ),
    (
        "no position",
        with_frame(GOOD, 4, image_position_patient=None),
        "geometry",
        "1 of 150 frames without it",
    ),
    ("too few", series_header(slices=9), "too_few_slices", "9 slices"),
    (
        "bolus tracking: the same place again and again",
        series_header(slices=40, spacing_mm=0.0),
        "too_few_slices",
        "1 slice",
    ),
    (
        "two orientations",
        joined(GOOD, series_header("2.25.1.9", slices=20, image_orientation_patient=CORONAL)),
        "mixed_geometry",
        "20 images turned otherwise",
    ),
    (
        "two sizes",
        joined(GOOD, series_header("2.25.1.9", slices=20, rows=256)),
        "mixed_geometry",
        "2 sizes of image",
    ),
    (
        "two spacings",
        with_frame(GOOD, 4, pixel_spacing=(0.8, 0.8)),
        "mixed_geometry",
        "1 images of another pixel spacing",
    ),
    ("fragment", series_header(slices=40, spacing_mm=2.0), "coverage", "78 mm"),
    ("no rescale", with_frame(GOOD, 4, rescale_slope=None), "hounsfield", "no rescale"),
    ("iodine map", series_header(rescale_type="MGML"), "hounsfield", "MGML"),
    (
        "video",
        series_header(transfer_syntax_uid="1.2.840.10008.1.2.4.102"),
        "transfer_syntax",
        "1.2.840.10008.1.2.4.102",
    ),
]


@pytest.mark.parametrize(
    ("series", "rule", "seen"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_cannot_be_read_is_refused_even_alone(
    series: SeriesHeader, rule: str, seen: str
) -> None:
    """Each rule refuses by its name, with the value seen, the limit and a sentence."""
    selection = select_series([series])
    (decision,) = selection.decisions
    assert selection.chosen is None
    assert (decision.chosen, decision.rule, decision.seen) == (False, rule, seen)
    assert decision.limit
    assert decision.reason


@pytest.mark.parametrize(
    "series",
    [row[1] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
def test_what_cannot_be_read_does_not_keep_a_good_series_back(series: SeriesHeader) -> None:
    """Beside a good series each of them is refused and the good one is chosen."""
    selection = select_series([replace(series, series_instance_uid="2.25.1.5"), GOOD])
    assert selection.chosen == GOOD


@pytest.mark.parametrize(
    "changes",
    [
        {"body_part_examined": ""},
        {"body_part_examined": "CHESTABDPELVIS"},
        {"body_part_examined": "HEART"},
        {"body_part_examined": "ABDOMEN", "series_description": "CT Thorax/Abdomen"},
        {"body_part_examined": "ABDOMEN", "protocol_name": "CAP with contrast"},
        {"body_part_examined": "", "series_description": "early phase, arms up, head first"},
        {"image_type": ("DERIVED", "PRIMARY", "AXIAL")},
        {"image_type": ()},
        {"rescale_type": ""},
        {"photometric_interpretation": "MONOCHROME1"},
        {"sop_class_uid": EnhancedCTImageStorage},
        {"transfer_syntax_uid": "1.2.840.10008.1.2.4.51"},
    ],
)
def test_what_may_be_a_chest_is_chosen_without_warning(changes: dict[str, Any]) -> None:
    """No label, a label of several parts, or an unusual but valid header is no reason."""
    (decision,) = select_series([series_header(**changes)]).decisions
    assert (decision.chosen, decision.warnings) == (True, ())


def test_no_free_text_of_the_header_is_shown() -> None:
    """Names typed into a protocol do not get into decisions."""
    series = series_header(
        body_part_examined="", protocol_name="Smith skull", series_description="Smith"
    )
    shown = repr(select_series([series]).decisions)
    assert "head" in shown
    assert "mith" not in shown
