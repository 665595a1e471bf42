"""Segments in their variants: label maps, lobes, lesions one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import segread
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import JPEGLSLossless, RLELossless

from chest.values.regions import ChestRegions, LesionLabel, LungLabel
from chest.values.territory import Territories, Territory
from models.measure.lesions import number_lesions
from radiology.answer.tracking import Tracking
from radiology.encoding_profile import SegmentationForm, SegmentScope
from tests.unit.worker.encode.encoded_chest import (
    ORIENTATIONS,
    Chest,
    ChestContext,
    result_context,
    with_chest,
)
from worker.encode import SegmentationVariant, encode_segmentation

LABELMAPS = (SegmentationForm.LABELMAP_RLE, SegmentationForm.LABELMAP_JPEG_LS)
SYNTAXES = dict(zip(LABELMAPS, (RLELossless, JPEGLSLossless), strict=True))


def made_of(context: ChestContext, variant: SegmentationVariant) -> Dataset:
    made = encode_segmentation(context, variant)
    assert made is not None
    return made


def read_labels(made: Dataset, context: ChestContext, folder: Path) -> NDArray[np.integer]:
    """The label map as highdicom reads it, by the geometry of the frames, slice by slice."""
    path = folder / "labelmap.dcm"
    made.save_as(path, enforce_file_format=True)
    frames = context.volume.frames
    uids = [str(frame.sop_instance_uid) for frame in frames]
    read = segread(path)
    found = read.get_pixels_by_source_instance(
        uids, combine_segments=True, assert_missing_frames_are_empty=True
    )
    return np.asarray(found)


def labels_of(made: Dataset) -> dict[str, int]:
    return {str(item.SegmentLabel): int(item.SegmentNumber) for item in made.SegmentSequence}


def with_lobes(context: ChestContext) -> ChestContext:
    """The lungs divided at a height, the left one into zones."""
    lungs = context.regions.lungs
    labels = np.zeros_like(lungs)
    half = len(lungs) // 2
    labels[:half][lungs[:half] == LungLabel.RIGHT] = 3
    labels[half:][lungs[half:] == LungLabel.RIGHT] = 6
    labels[lungs == LungLabel.LEFT] = 10
    names = {
        3: Territory.RIGHT_LOWER_LOBE,
        6: Territory.RIGHT_UPPER_AND_MIDDLE_LOBE,
        10: Territory.LEFT_UPPER_ZONE,
    }
    divided = Territories(labels, names, ())
    return with_chest(context, divided=divided)


@pytest.mark.parametrize("form", LABELMAPS)
@pytest.mark.parametrize("orientation", ["axial", "oblique"])
def test_a_label_map_is_read_back_as_it_was(
    form: SegmentationForm, orientation: str, tmp_path: Path
) -> None:
    """Another reader finds each voxel's label at its place; a lesion wins over its lung."""
    context = result_context(chest=Chest(orientation=ORIENTATIONS[orientation]))
    made = made_of(context, SegmentationVariant(form, SegmentScope.ANATOMY))
    assert made.file_meta.TransferSyntaxUID == SYNTAXES[form]
    numbers = labels_of(made)
    assert list(numbers) == [
        "Background",
        "Right lung, without lesions",
        "Left lung, without lesions",
        "Ground glass opacity",
        "Consolidation",
    ]
    regions, found = context.regions, read_labels(made, context, tmp_path)
    expected = np.where(regions.lesions > 0, regions.lesions + 2, regions.lungs)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("form", LABELMAPS)
@pytest.mark.parametrize("omit", [True, False])
def test_empty_frames_of_a_label_map_are_left_out_or_kept(
    form: SegmentationForm, omit: bool
) -> None:
    """One frame for each slice, or for each that holds anything."""
    context = result_context()
    made = made_of(context, SegmentationVariant(form, SegmentScope.ANATOMY, omit))
    held = int((context.regions.lungs > 0).any(axis=(1, 2)).sum())
    assert int(made.NumberOfFrames) == (held if omit else context.volume.shape[0])


@pytest.mark.parametrize("form", list(SegmentationForm))
def test_lesions_alone_when_lesions_alone_are_asked_for(form: SegmentationForm) -> None:
    """No lung, no lobe."""
    made = made_of(with_lobes(result_context()), SegmentationVariant(form, SegmentScope.LESIONS))
    assert set(labels_of(made)) - {"Background"} == {"Ground glass opacity", "Consolidation"}


@pytest.mark.parametrize(
    ("scope", "overlap", "description"),
    [
        (SegmentScope.LESIONS, "NO", "AI lesions (Firstread)"),
        (SegmentScope.ANATOMY, "YES", "AI lungs and lesions (Firstread)"),
        (SegmentScope.ALL, "YES", "AI lungs, lobes and lesions (Firstread)"),
    ],
)
def test_a_segmentation_says_what_it_holds(
    scope: SegmentScope, overlap: str, description: str
) -> None:
    """Whether segments overlap (0062,0013) stands in it, and what there is in its series' name."""
    made = made_of(with_lobes(result_context()), SegmentationVariant(scope=scope))
    assert made.SegmentsOverlap == overlap
    assert made.SeriesDescription == description


def test_lobes_are_segments_and_zones_are_not() -> None:
    """A zone has no border that a reader could check; the lung that it is of is there."""
    context = with_lobes(result_context())
    made = made_of(context, SegmentationVariant(scope=SegmentScope.ALL))
    assert list(labels_of(made))[:4] == [
        "Right lung",
        "Left lung",
        "Right lower lobe",
        "Right upper and middle lobe",
    ]
    kind = made.SegmentSequence[2].SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("90572001", "SCT")
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Right"


def test_in_a_label_map_lobes_take_the_place_of_their_lung(tmp_path: Path) -> None:
    """A lung that its lobes cover has no voxel left, and what has no voxel is no segment."""
    context = with_lobes(result_context())
    made = made_of(context, SegmentationVariant(SegmentationForm.LABELMAP_RLE, SegmentScope.ALL))
    numbers = labels_of(made)
    assert "Right lung, without lesions" not in numbers
    assert list(numbers.values()) == list(range(len(numbers)))
    found, regions = read_labels(made, context, tmp_path), context.regions
    lower = np.zeros(found.shape, bool)
    lower[: len(found) // 2] = (regions.lungs == LungLabel.RIGHT)[: len(found) // 2]
    expected = lower & (regions.lesions == 0)
    assert np.array_equal(found == numbers["Right lower lobe, without lesions"], expected)


def scattered(context: ChestContext) -> ChestContext:
    """One ground glass with a consolidation within, and two consolidations in the other lung."""
    lungs, lesions = context.regions.lungs, np.zeros_like(context.regions.lesions)
    s, r, c = (int(one) for one in np.argwhere(lungs == LungLabel.RIGHT).mean(axis=0))
    lesions[s, r - 5 : r + 5, c - 5 : c + 5] = LesionLabel.GROUND_GLASS
    lesions[s, r - 2 : r + 4, c - 2 : c] = LesionLabel.CONSOLIDATION
    s, r, c = (int(one) for one in np.argwhere(lungs == LungLabel.LEFT).mean(axis=0))
    lesions[s, r : r + 5, c : c + 6] = LesionLabel.CONSOLIDATION
    lesions[s + 2, r, c] = LesionLabel.CONSOLIDATION
    regions = ChestRegions(lungs, lesions)
    return with_chest(context, regions=regions)


def test_lesions_are_told_apart_by_class_largest_first() -> None:
    """A consolidation within ground glass is a lesion beside it."""
    found = number_lesions(scattered(result_context()).regions.lesions)
    assert [(LesionLabel(one.kind).name, one.rank, one.voxels) for one in found.lesions] == [
        ("GROUND_GLASS", 1, 88),
        ("CONSOLIDATION", 1, 30),
        ("CONSOLIDATION", 2, 12),
        ("CONSOLIDATION", 3, 1),
    ]


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0, ["Ground glass opacity", "Consolidation"]),
        (1, ["Ground glass opacity 1", "Consolidation"]),
        (2, ["Ground glass opacity 1", "Consolidation 1", "Consolidation, other"]),
        (
            9,
            [
                "Ground glass opacity 1",
                "Consolidation 1",
                "Consolidation 2",
                "Consolidation 3",
            ],
        ),
    ],
)
@pytest.mark.parametrize("form", list(SegmentationForm))
def test_the_largest_lesions_have_segments_of_their_own(
    form: SegmentationForm, most: int, expected: list[str]
) -> None:
    """The rest shares one for each class, and none is empty."""
    context = replace(scattered(result_context()), most_tracked_lesions=most)
    made = made_of(context, SegmentationVariant(form, SegmentScope.LESIONS))
    items = [item for item in made.SegmentSequence if item.SegmentNumber > 0]
    assert [item.SegmentLabel for item in items] == expected
    assert [item.TrackingID for item in items] == expected
    assert len({item.TrackingUID for item in items}) == len(items)


def test_a_lesion_keeps_its_identity_whatever_else_is_tracked() -> None:
    """Its tracking UID follows from the result and its rank, not from form or setting."""
    uids = set()
    for most, form in ((1, SegmentationForm.BINARY), (3, SegmentationForm.LABELMAP_RLE)):
        context = replace(scattered(result_context()), most_tracked_lesions=most)
        made = made_of(context, SegmentationVariant(form))
        uids |= {
            str(item.TrackingUID)
            for item in made.SegmentSequence
            if item.SegmentLabel == "Ground glass opacity 1"
        }
    assert len(uids) == 1


def test_a_lesion_that_is_known_keeps_its_name() -> None:
    """What an earlier study of the patient called it, it is called again."""
    known = {(LesionLabel.CONSOLIDATION, 1): Tracking("Consolidation 4", "2.25.77")}
    context = replace(scattered(result_context()), most_tracked_lesions=2, known_lesions=known)
    named = {
        item.get("TrackingID"): item.get("TrackingUID")
        for item in made_of(context, SegmentationVariant()).SegmentSequence
    }
    assert named["Consolidation 4"] == "2.25.77"
    assert "Ground glass opacity 1" in named
