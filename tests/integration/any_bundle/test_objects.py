"""What PACS has of each bundle: valid, in the bundle's own words, and true to the voxels."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from pydicom import Dataset

from radiology.urgency import Urgency
from tests.integration.any_bundle.read_head import (
    BLOOD_ML,
    RELEASED,
    SCORER,
    SEGMENTER,
    ReadHead,
    said,
)
from tests.peers.dicom.dicom3tools import ConformanceReport

pytestmark = [pytest.mark.integration, pytest.mark.timeout(500)]


def test_a_segmenter_of_three_classes_goes_all_the_way(
    read: ReadHead, dciodvfy: Callable[..., ConformanceReport]
) -> None:
    """PACS has SR, SEG and SC of it, valid, with the bundle's own words and codes."""
    result = read.results[SEGMENTER]
    assert (result.urgency, result.urgency_rule) == (Urgency.URGENT, "large bleeding")
    made = {one.Modality: one for one in read.objects_of(SEGMENTER)}
    assert sorted(made) == ["OT", "SEG", "SR"]
    for one in made.values():
        report = dciodvfy(one)
        assert not report.errors, report
        assert one.PatientID == "PHANTOM-HEAD-1"
    kinds = {
        one.SegmentedPropertyTypeCodeSequence[0].CodeMeaning for one in made["SEG"].SegmentSequence
    }
    assert kinds == {"Hemorrhage"}  # what a destination gets by default: findings alone
    told = said(made["SR"])
    assert "CT Head" in told
    assert "Hemorrhage" in told
    assert "lung" not in told.lower()


def test_what_is_reported_is_what_is_outlined(read: ReadHead) -> None:
    """The volume in the SR is that of the voxels in the SEG, and the bleeding lies among them."""
    made = {one.Modality: one for one in read.objects_of(SEGMENTER)}
    numbers = {
        int(one.SegmentNumber): one.SegmentedPropertyTypeCodeSequence[0].CodeMeaning
        for one in made["SEG"].SegmentSequence
    }
    voxel_ml = 5.0 * 0.9 * 0.9 / 1000.0
    outlined_ml = voxel_ml * sum(
        int(np.count_nonzero(pixels))
        for pixels, frame in zip(
            made["SEG"].pixel_array, made["SEG"].PerFrameFunctionalGroupsSequence, strict=True
        )
        if numbers[int(frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber)]
        == "Hemorrhage"
    )
    assert outlined_ml > 0.9 * BLOOD_ML
    volumes = [
        float(item.MeasuredValueSequence[0].NumericValue)
        for item in _items(made["SR"])
        if item.ValueType == "NUM"
        and item.ConceptNameCodeSequence[0].CodeMeaning == "Volume"
        and item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "ml"
    ]
    assert any(abs(one - outlined_ml) < 0.1 for one in volumes), (volumes, outlined_ml)


def _items(item: Dataset) -> Iterator[Dataset]:
    for one in item.get("ContentSequence", ()):
        yield one
        yield from _items(one)


def test_a_scorer_of_slices_goes_all_the_way(
    read: ReadHead, dciodvfy: Callable[..., ConformanceReport]
) -> None:
    """It draws nothing, so it has no SEG; report and picture are there and valid."""
    made = {one.Modality: one for one in read.objects_of(SCORER)}
    assert sorted(made) == ["OT", "SR"]
    for one in made.values():
        report = dciodvfy(one)
        assert not report.errors, report
    assert "CT Abdomen and Pelvis" in said(made["SR"])


def test_the_released_head_bundle_goes_all_the_way(
    read: ReadHead, dciodvfy: Callable[..., ConformanceReport]
) -> None:
    """It finds most of the bleeding, and PACS has SR, SEG and SC of it, valid."""
    assert read.results[RELEASED].urgency is Urgency.URGENT
    made = {one.Modality: one for one in read.objects_of(RELEASED)}
    assert sorted(made) == ["OT", "SEG", "SR"]
    for one in made.values():
        report = dciodvfy(one)
        assert not report.errors, report
    voxel_ml = 5.0 * 0.9 * 0.9 / 1000.0
    found_ml = voxel_ml * int(np.count_nonzero(made["SEG"].pixel_array))
    assert found_ml > 0.5 * BLOOD_ML
    assert "Hemorrhage" in said(made["SR"])
