"""The segmentation: every voxel at its place in the patient, and what the segments say."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import segread
from numpy.typing import NDArray
from pydicom import Dataset

from chest.values.regions import ChestRegions, LesionLabel, LungLabel
from radiology.encoding_profile import SegmentScope
from tests.unit.worker.encode.encoded_chest import (
    ORIENTATIONS,
    Chest,
    ChestContext,
    result_context,
    with_chest,
)
from worker.encode import SegmentationVariant, encode_segmentation

LABELS = {
    "Right lung": ("lungs", LungLabel.RIGHT),
    "Left lung": ("lungs", LungLabel.LEFT),
    "Ground glass opacity": ("lesions", LesionLabel.GROUND_GLASS),
    "Consolidation": ("lesions", LesionLabel.CONSOLIDATION),
}


def segmentation_of(context: ChestContext, *, omit_empty_frames: bool = True) -> Dataset:
    """With the lungs: more segments, and such that overlap."""
    variant = SegmentationVariant(scope=SegmentScope.ANATOMY, omit_empty_frames=omit_empty_frames)
    made = encode_segmentation(context, variant)
    assert made is not None
    return made


def masks_of(segmentation: Dataset) -> NDArray[np.bool_]:
    """Frames as a reader of PS3.5 Section 8.1.1 finds them, without any of our code."""
    bits = np.unpackbits(np.frombuffer(segmentation.PixelData, np.uint8), bitorder="little")
    shape = (int(segmentation.NumberOfFrames), segmentation.Rows, segmentation.Columns)
    return bits[: int(np.prod(shape))].reshape(shape).astype(bool)


def places_by_label(segmentation: Dataset) -> dict[str, NDArray[np.float64]]:
    """Patient coordinates of all pixels of each segment (PS3.3 Equation C.7.6.2.1-1)."""
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    between_rows, between_columns = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    labels = {item.SegmentNumber: item.SegmentLabel for item in segmentation.SegmentSequence}
    found = defaultdict(list)
    groups = segmentation.PerFrameFunctionalGroupsSequence
    for frame, mask in zip(groups, masks_of(segmentation), strict=True):
        origin = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float)
        rows, columns = np.nonzero(mask)
        number = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        found[labels[number]].append(
            origin
            + np.outer(columns * between_columns, cosines[:3])
            + np.outer(rows * between_rows, cosines[3:])
        )
    return {label: np.concatenate(parts) for label, parts in found.items()}


def in_order(points: NDArray[np.float64]) -> NDArray[np.float64]:
    rounded = np.round(points, 2) + 0.0
    return points[np.lexsort(rounded.T)]


@pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_every_voxel_is_at_its_place_in_the_patient(orientation: str, enhanced: bool) -> None:
    """Whatever the orientation, a segment covers the very points that its region covers."""
    chest = Chest(orientation=ORIENTATIONS[orientation], enhanced=enhanced)
    context = result_context(chest=chest)
    places = places_by_label(segmentation_of(context))
    assert set(places) == set(LABELS)
    for label, (kind, value) in LABELS.items():
        region = getattr(context.regions, kind) == value
        expected = context.volume.positions_mm(np.argwhere(region))
        assert places[label].shape == expected.shape
        assert np.allclose(in_order(places[label]), in_order(expected), atol=0.005)


@pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])
def test_each_frame_refers_to_the_source_frame_that_it_lies_on(enhanced: bool) -> None:
    """A viewer that goes by references finds the same slice as one that goes by positions."""
    context = result_context(chest=Chest(enhanced=enhanced))
    slices = {
        (one.sop_instance_uid, one.frame_number): one.position_mm for one in context.source.slices
    }
    for frame in segmentation_of(context).PerFrameFunctionalGroupsSequence:
        (source,) = frame.DerivationImageSequence[0].SourceImageSequence
        assert source.SpatialLocationsPreserved == "YES"
        number = source.get("ReferencedFrameNumber")
        key = (source.ReferencedSOPInstanceUID, None if number is None else int(number))
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        assert np.allclose(position, slices[key], atol=1e-4)


def test_the_source_series_is_referenced_with_all_its_instances() -> None:
    """OHIF drops a segmentation without Referenced Series Sequence (PS3.3 C.12.2)."""
    context = result_context()
    made = segmentation_of(context)
    (series,) = made.ReferencedSeriesSequence
    expected = [header.SOPInstanceUID for header in context.headers]
    assert series.SeriesInstanceUID == context.source.series_instance_uid
    assert [i.ReferencedSOPInstanceUID for i in series.ReferencedInstanceSequence] == expected
    assert [i.ReferencedSOPInstanceUID for i in made.SourceImageSequence] == expected
    assert "2.25.0" not in str(made)  # the name of a stand-in


def test_frame_of_reference_is_the_source_s() -> None:
    """Without the same Frame of Reference no viewer lays the one over the other."""
    context = result_context()
    assert segmentation_of(context).FrameOfReferenceUID == context.headers[0].FrameOfReferenceUID


def test_only_segments_with_voxels_are_sent() -> None:
    """An empty segment hangs the loader of OHIF at 100 %."""
    context = result_context()
    lesions = context.regions.lesions
    without_ground_glass = np.where(lesions == LesionLabel.GROUND_GLASS, 0, lesions)
    made = segmentation_of(_with_lesions(context, without_ground_glass))
    labels = [item.SegmentLabel for item in made.SegmentSequence]
    assert labels == ["Right lung", "Left lung", "Consolidation"]
    assert [item.SegmentNumber for item in made.SegmentSequence] == [1, 2, 3]
    assert set(places_by_label(made)) == set(labels)


def _with_lesions(context: ChestContext, lesions: NDArray[np.uint8]) -> ChestContext:
    regions = ChestRegions(lungs=context.regions.lungs, lesions=lesions.astype(np.uint8))
    return with_chest(context, regions=regions)


@pytest.mark.parametrize("kind", ["negative", "not assessable"])
def test_no_segmentation_without_findings(kind: str) -> None:
    """Lungs alone are not sent."""
    assert encode_segmentation(result_context(kind)) is None


def test_no_segmentation_when_no_lesion_was_outlined() -> None:
    """Suspicion without a lesion voxel has nothing to show either."""
    context = result_context()
    assert encode_segmentation(_with_lesions(context, 0 * context.regions.lesions)) is None


@pytest.mark.parametrize("omit", [True, False])
def test_empty_frames_are_left_out_or_kept_as_asked(omit: bool) -> None:
    """Some viewers place segments wrongly when frames are missing, so both are possible."""
    context = result_context()
    made = segmentation_of(context, omit_empty_frames=omit)
    masks = masks_of(made)
    if omit:
        assert masks.any(axis=(1, 2)).all()
    else:
        assert len(masks) == len(made.SegmentSequence) * context.volume.shape[0]


def test_segments_are_coded_and_lesions_tracked() -> None:
    """Category, type, laterality and region say what a segment is to a program that cannot read."""
    context = result_context()
    right, _, ground_glass, consolidation = segmentation_of(context).SegmentSequence
    kind = right.SegmentedPropertyTypeCodeSequence[0]
    assert kind.CodeMeaning == "Lung"
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Right"
    assert "TrackingUID" not in right
    for segment, meaning in (
        (ground_glass, "Ground glass opacity"),
        (consolidation, "Lung consolidation"),
    ):
        category = segment.SegmentedPropertyCategoryCodeSequence[0]
        assert category.CodeMeaning == "Morphologically Abnormal Structure"
        assert segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == meaning
        assert segment.AnatomicRegionSequence[0].CodeMeaning == "Lung"
        assert segment.TrackingUID == context.tracking_uid(segment.SegmentLabel)
    algorithm = ground_glass.SegmentationAlgorithmIdentificationSequence[0]
    assert algorithm.AlgorithmVersion == context.algorithm.version
    assert context.algorithm.bundle_digest in algorithm.AlgorithmParameters


def test_highdicom_reads_the_segments_back(tmp_path: Path) -> None:
    """Another reader, by its own geometry code, finds the same masks on the source slices."""
    context = result_context(chest=Chest(orientation=ORIENTATIONS["oblique"]))
    path = tmp_path / "seg.dcm"
    segmentation_of(context).save_as(path, enforce_file_format=True)
    read = segread(path)
    uids = [str(frame.sop_instance_uid) for frame in context.volume.frames]
    masks = read.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True)
    for number, (kind, value) in enumerate(LABELS.values()):
        assert np.array_equal(masks[..., number], getattr(context.regions, kind) == value)
