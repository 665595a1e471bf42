"""Where the report points to in the images, in the form that viewers need."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from chest.values.regions import ChestRegions, LesionLabel
from tests.unit.worker.encode.encoded_chest import (
    ENHANCED,
    EVERY_KIND,
    Chest,
    encoded,
    result_context,
    with_chest,
)
from tests.unit.worker.encode.polygons import enclosed
from tests.unit.worker.encode.report_content import groups_of, items, of_type, report_of


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


def test_the_answer_stands_on_the_key_slice_away_from_the_lesions() -> None:
    """The reader who follows the arrow sees what raised the suspicion, and its figures beside it:
    the answer does not lie over them."""
    context = result_context()
    (probability, _) = of_type(groups_of(encoded()["SR"])["AI triage"], "NUM")
    place = probability.ContentSequence[0]
    assert context.reading.key_slice is not None
    frame = context.volume.frames[context.reading.key_slice]
    reference = place.ContentSequence[0].ReferencedSOPSequence[0]
    assert reference.ReferencedSOPInstanceUID == frame.sop_instance_uid
    key = context.reading.key_slice
    column, row = (int(value) for value in place.GraphicData)
    assert context.regions.lungs[key, row, column] > 0
    lesions = np.argwhere(context.regions.lesions[key] > 0)
    spacing = context.volume.spacing_mm[1:]
    assert np.linalg.norm((lesions - (row, column)) * spacing, axis=1).min() > 30.0


def test_only_what_matters_most_stands_on_the_key_slice() -> None:
    """OHIF writes all groups of a slice over each other: three are there, the others elsewhere."""
    context = result_context()
    assert context.reading.key_slice is not None
    key = context.volume.frames[context.reading.key_slice].sop_instance_uid
    there = {
        title for title, group in groups_of(encoded()["SR"]).items() if _first_image(group) == key
    }
    assert there == {"AI triage", "Both lungs, lesions", "Ground glass opacity"}


def _first_image(group: Dataset) -> str:
    """The image that OHIF shows a group on."""
    regions = of_type(group, "SCOORD")
    return _image(regions[0] if regions else of_type(group, "NUM")[0].ContentSequence[0])


@EVERY_KIND
def test_the_answer_does_not_share_its_point(kind: str) -> None:
    """OHIF writes the figures of a group at its point, over those of another one there."""
    groups = groups_of(report_of(result_context(kind)))
    places = {
        title: {
            (tuple(item.ContentSequence[0].GraphicData), _image(item.ContentSequence[0]))
            for item in of_type(group, "NUM")
            if "ContentSequence" in item
        }
        for title, group in groups.items()
    }
    answer = places.pop("AI triage")
    assert len(answer) == 1
    assert not any(answer & others for others in places.values())


def _image(place: Dataset) -> str:
    return str(place.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID)


def test_a_lung_without_its_own_lesions_on_the_key_slice_is_shown_on_another() -> None:
    """Each lung's lesions are pointed at on a slice where that lung has some."""
    context = result_context()
    key = 5  # right-sided lesions only
    context = with_chest(context, key_slice=key)
    assert not (context.regions.lesions[key][context.regions.lungs[key] == 2]).any()
    group = groups_of(report_of(context))["Left lung, lesions"]
    place = of_type(group, "NUM")[0].ContentSequence[0]
    uid = place.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    index = [frame.sop_instance_uid for frame in context.volume.frames].index(uid)
    column, row = (int(value) for value in place.GraphicData)
    assert context.regions.lesions[index, row, column] > 0
    assert context.regions.lungs[index, row, column] == 2


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
    report = report_of(with_chest(context, regions=regions))
    written = DicomBytesIO()
    written.is_little_endian, written.is_implicit_VR = True, False
    (measurements,) = items(report, "Imaging Measurements")
    write_dataset(written, measurements)
    assert written.tell() < 45_000


def test_a_key_slice_without_lung_is_not_used() -> None:
    """A reading whose key slice is empty still gives a report that points into a lung."""
    context = result_context("negative")
    context = with_chest(context, key_slice=0)
    assert not context.regions.lungs[0].any()
    group = groups_of(report_of(context))["AI triage"]
    assert of_type(group, "NUM")[0].ContentSequence
