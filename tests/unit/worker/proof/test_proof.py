"""Proof: right objects pass, and each kind of wrong one is caught before it leaves."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from pydicom import Dataset

from radiology.encoding_profile import (
    EncodingChoice,
    EncodingProfile,
    SegmentationForm,
    SegmentScope,
)
from radiology.errors import ResultMismatch
from radiology.image.volume import Volume
from tests.unit.worker.encode.encoded_chest import (
    KINDS,
    ORIENTATIONS,
    Chest,
    ChestContext,
    prove,
    result_context,
    with_chest,
)
from tests.unit.worker.encode.test_encode_segments import scattered, with_lobes
from tests.unit.worker.encode.test_encode_source import odd_context
from worker.encode import EncodedKind, EncodedObject, encode_results, plan_results, united
from worker.encode.segmentation.build import _packed
from worker.encode.segmentation.frames import frame_labels

CHOICES = [
    EncodingChoice(
        EncodingProfile.MACHINE,
        form,
        omit_empty_frames=scope is not SegmentScope.ALL,
        segments=scope,
        encapsulated_pdf=True,
    )
    for form in SegmentationForm
    for scope in SegmentScope
]
EVERYTHING = EncodingChoice(EncodingProfile.MACHINE, encapsulated_pdf=True)
WITH_LUNGS = EncodingChoice(segments=SegmentScope.ANATOMY)


def made_of(context: ChestContext, *choices: EncodingChoice) -> tuple[EncodedObject, ...]:
    recipes = united(plan_results(context, one) for one in choices)
    return tuple(
        replace(one, dataset=deepcopy(one.dataset)) for one in encode_results(context, recipes)
    )


@pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_object_of_every_choice_passes(kind: str, enhanced: bool) -> None:
    """What we make is right, in every form, with lobes and with lesions one by one."""
    context = with_lobes(result_context(kind, Chest(enhanced=enhanced)))
    context = replace(context, most_tracked_lesions=3)
    prove(context, made_of(context, *CHOICES))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_objects_pass_in_any_orientation(orientation: str) -> None:
    """The proof goes by the headers, whatever way the slices lie."""
    context = result_context(chest=Chest(orientation=ORIENTATIONS[orientation]))
    prove(context, made_of(context, EVERYTHING))


def test_odd_sources_and_small_lesions_pass() -> None:
    """Missing and unusual attributes, and lesions of one voxel, are no mismatch."""
    context = odd_context()
    prove(context, made_of(context, EVERYTHING))
    context = replace(scattered(result_context()), most_tracked_lesions=2)
    prove(context, made_of(context, *CHOICES))


def of_another_patient(made: Dataset) -> None:
    made.PatientID = "P-18"


def of_a_namesake(made: Dataset) -> None:
    made.PatientBirthDate = "19600103"


def of_another_study(made: Dataset) -> None:
    made.StudyInstanceUID = "1.2.3.99"


def with_an_attribute_of_its_own(made: Dataset) -> None:
    made.PatientWeight = 70


def with_another_issuer(made: Dataset) -> None:
    made.IssuerOfPatientID = "CLINIC"


@pytest.mark.parametrize(
    "spoil",
    [
        of_another_patient,
        of_a_namesake,
        of_another_study,
        with_an_attribute_of_its_own,
        with_another_issuer,
    ],
)
@pytest.mark.parametrize("recipe", ["SEG:binary:lesions", "SR:viewer:binary:lesions", "SC", "PDF"])
def test_an_object_of_somebody_else_is_caught(
    recipe: str, spoil: Callable[[Dataset], None]
) -> None:
    """Whatever object it is; the message names the attribute and not its value."""
    context = result_context()
    made = made_of(context, EncodingChoice(encapsulated_pdf=True))
    (wrong,) = (one for one in made if one.recipe == recipe)
    spoil(wrong.dataset)
    with pytest.raises(ResultMismatch, match="Patient or study differ") as caught:
        prove(context, made)
    assert caught.value.facts["recipe"] == recipe
    assert "P-18" not in str(caught.value)


def another_frame_of_reference(seg: Dataset) -> None:
    seg.FrameOfReferenceUID = "1.2.3.98"


def shifted_by_a_slice(seg: Dataset) -> None:
    frames = seg.PerFrameFunctionalGroupsSequence
    places = [one.PlanePositionSequence for one in frames]
    for frame, place in zip(frames, [*places[1:], places[0]], strict=True):
        frame.PlanePositionSequence = place


def shifted_in_the_plane(seg: Dataset) -> None:
    place = seg.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence[0]
    x, y, z = map(float, place.ImagePositionPatient)
    place.ImagePositionPatient = [x + 0.6, y, z]


def turned_over(seg: Dataset) -> None:
    plane = seg.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    plane.ImageOrientationPatient = [-float(one) for one in plane.ImageOrientationPatient]


def stretched(seg: Dataset) -> None:
    seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [5, 6]


def referring_to_the_next_slice(seg: Dataset) -> None:
    frames = seg.PerFrameFunctionalGroupsSequence
    sources = [one.DerivationImageSequence for one in frames]
    for frame, source in zip(frames, [*sources[1:], sources[0]], strict=True):
        frame.DerivationImageSequence = source


def referring_to_nothing(seg: Dataset) -> None:
    del seg.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence


def of_another_series(seg: Dataset) -> None:
    seg.ReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.3.97"


def without_an_instance(seg: Dataset) -> None:
    del seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]


def mirrored(seg: Dataset) -> None:
    seg.PixelData = _packed(iter([one[:, ::-1] > 0 for one in frame_labels(seg)]))


def off_by_one_pixel(seg: Dataset) -> None:
    seg.PixelData = _packed(iter([np.roll(one, 1, axis=0) > 0 for one in frame_labels(seg)]))


def one_pixel_more(seg: Dataset) -> None:
    seg.PixelData = bytes([seg.PixelData[0] | 1]) + seg.PixelData[1:]


def with_its_segments_swapped(seg: Dataset) -> None:
    right, left, *_ = seg.SegmentSequence
    right.SegmentedPropertyTypeCodeSequence, left.SegmentedPropertyTypeCodeSequence = (
        left.SegmentedPropertyTypeCodeSequence,
        right.SegmentedPropertyTypeCodeSequence,
    )


def of_an_unknown_type(seg: Dataset) -> None:
    seg.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue = "80891009"


def without_a_frame(seg: Dataset) -> None:
    frames = [one > 0 for one in frame_labels(seg)][:-1]
    seg.PixelData = _packed(iter(frames))
    seg.NumberOfFrames = len(frames)
    del seg.PerFrameFunctionalGroupsSequence[-1]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (another_frame_of_reference, "another frame of reference"),
        (shifted_by_a_slice, "attribute=ImagePositionPatient"),
        (shifted_in_the_plane, "attribute=ImagePositionPatient"),
        (turned_over, "attribute=ImageOrientationPatient"),
        (stretched, "attribute=PixelSpacing"),
        (referring_to_the_next_slice, "does not lie on its source"),
        (referring_to_nothing, "does not refer to one slice"),
        (of_another_series, "another series"),
        (without_an_instance, "another series"),
        (mirrored, "Voxels are not those"),
        (off_by_one_pixel, "Voxels are not those"),
        (one_pixel_more, "Voxels are not those"),
        (with_its_segments_swapped, "Voxels are not those"),
        (of_an_unknown_type, "what the reading does not have"),
        (without_a_frame, "Voxels are missing"),
    ],
)
def test_a_wrong_segmentation_is_caught(spoil: Callable[[Dataset], None], said: str) -> None:
    """Each way in which a viewer could be made to paint the wrong place."""
    context = result_context()
    made = made_of(context, WITH_LUNGS)
    spoil(made[0].dataset)
    with pytest.raises(ResultMismatch, match=said):
        prove(context, made[:1])


@pytest.mark.parametrize("form", [SegmentationForm.LABELMAP_RLE, SegmentationForm.LABELMAP_JPEG_LS])
@pytest.mark.parametrize("scope", list(SegmentScope))
def test_a_label_map_of_another_reading_is_caught(
    form: SegmentationForm, scope: SegmentScope
) -> None:
    """One voxel more or less in the reading, or a slice that has no frame, and it does not fit."""
    context = result_context()
    made = made_of(context, EncodingChoice(segmentation=form, segments=scope))[:1]
    prove(context, made)
    lesions = context.regions.lesions.copy()
    s, r, c = np.argwhere(lesions > 0)[0]
    lesions[s, r, c] = 0
    regions = replace(context.regions, lesions=lesions)
    other = with_chest(context, regions=regions)
    with pytest.raises(ResultMismatch, match="Voxels are not those"):
        prove(other, made)
    lesions = context.regions.lesions.copy()
    lesions[0, 0, 0] = 1  # where there is no frame
    regions = replace(context.regions, lesions=lesions)
    other = with_chest(context, regions=regions)
    with pytest.raises(ResultMismatch, match="frame is missing"):
        prove(other, made)


def test_a_volume_whose_slices_lie_elsewhere_is_caught() -> None:
    """Head and feet exchanged while decoding: the masks would fit each other, and nobody."""
    context = result_context()
    made = made_of(context, EncodingChoice())
    volume = context.volume
    turned = Volume(volume.hounsfield, volume.affine, volume.frames[::-1])
    with pytest.raises(ResultMismatch, match="not where its source is"):
        prove(replace(context, volume=turned), made)


def test_a_source_of_two_patients_is_caught() -> None:
    """A series into which an image of somebody else was sorted."""
    context = result_context()
    made = made_of(context, EncodingChoice())
    context.headers[5].PatientID = "P-18"
    with pytest.raises(ResultMismatch, match="source instances differ"):
        prove(context, made)


@pytest.mark.parametrize("claimed", ["1.2.3.3.4", ""])
def test_a_frame_of_reference_of_one_slice_is_not_that_of_all(claimed: str) -> None:
    """Where each slice has its own, a segmentation in one of them lies beside the others."""
    context = result_context()
    for number, header in enumerate(context.headers):
        header.FrameOfReferenceUID = f"1.2.3.3.{number}"
    made = encode_results(context)
    prove(context, made)
    seg = next(one.dataset for one in made if one.kind is EncodedKind.SEG)
    seg.FrameOfReferenceUID = claimed
    with pytest.raises(ResultMismatch, match="another frame of reference"):
        prove(context, made)
