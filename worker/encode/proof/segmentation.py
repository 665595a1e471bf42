"""Proves a segmentation against its source frames and the reading, voxel by voxel.

PS3.3 C.7.6.16.2 (place of a frame), C.8.20.2 and C.8.20.4 (what a segment is).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np
from pydicom import Dataset
from pydicom.config import IGNORE
from pydicom.uid import UID

from radiology.answer.finding import Presence
from radiology.answer.reading import Reading
from radiology.errors import ResultMismatch
from radiology.image.series import FrameHeader
from radiology.image.volume import SourceFrame
from radiology.region import LabelMap, Mask, Region
from worker.encode.derived_object import ResultContext
from worker.encode.proof.meaning import ReadingMasks
from worker.encode.proof.source import ProvedSource
from worker.encode.segmentation.frames import frame_labels
from worker.series.frame_headers import items, numbers, text, whole

BACKGROUND = "background"
_MOST_OFF_MM = 0.01
_MOST_OFF_COSINE = 1e-4


def check_segmentation(read: Dataset, context: ResultContext, source: ProvedSource) -> None:
    """Compare place, references and voxels of every frame.

    Raises
    ------
    ResultMismatch
        A viewer would paint something else than what was found.
    """
    _check_series(read, source)
    reading, shape = context.reading, context.volume.shape
    withheld = [one for one in reading.regions if _is_withheld(one, reading)]
    masks = ReadingMasks([one for one in reading.regions if one not in withheld], shape)
    unclaimed = ReadingMasks(withheld, shape)
    meanings = {
        int(item.SegmentNumber): _meaning(item, masks, unclaimed) for item in read.SegmentSequence
    }
    frames = read.PerFrameFunctionalGroupsSequence
    places = [_slice_of(groups, source) for groups in frames]
    shared = _stated(next(iter(items(read, "SharedFunctionalGroupsSequence")), Dataset()))
    for groups, (frame, index) in zip(frames, places, strict=True):
        _check_place(shared | _stated(groups), source.frames[frame], index)
    is_labelmap = read.SegmentationType == "LABELMAP"
    comparison = (_LabelMap if is_labelmap else _Binary)(masks, meanings)
    for labels, (_, index) in zip(frame_labels(read), places, strict=True):
        comparison.frame(labels, index)
    comparison.check_complete()


def _check_series(read: Dataset, source: ProvedSource) -> None:
    stated, found = source.frames_of_reference, text(read, "FrameOfReferenceUID")
    if len(stated) == 1 and "" not in stated:
        wrong = found not in stated
    else:  # one of its own: that of a single slice would say that the others lie elsewhere
        wrong = found in stated or not UID(found, IGNORE).is_valid
    if wrong:
        raise ResultMismatch("The segmentation has another frame of reference")
    if (whole(read, "Rows"), whole(read, "Columns")) != (source.rows, source.columns):
        raise ResultMismatch("The segmentation has other rows or columns than its source")
    series = [text(one, "SeriesInstanceUID") for one in items(read, "ReferencedSeriesSequence")]
    named = {
        text(instance, "ReferencedSOPInstanceUID")
        for item in items(read, "ReferencedSeriesSequence")
        for instance in items(item, "ReferencedInstanceSequence")
    }
    if series != [source.series_instance_uid] or named != source.instances:
        raise ResultMismatch("The segmentation refers to another series than its source")


def _slice_of(groups: Dataset, source: ProvedSource) -> tuple[SourceFrame, int]:
    """The source frame that a frame refers to, and the slice that was made of it."""
    named = [
        SourceFrame(text(image, "ReferencedSOPInstanceUID"), whole(image, "ReferencedFrameNumber"))
        for derivation in items(groups, "DerivationImageSequence")
        for image in items(derivation, "SourceImageSequence")
    ]
    if len(named) != 1 or named[0] not in source.slices:
        raise ResultMismatch("A frame does not refer to one slice of the source")
    return named[0], source.slices[named[0]]


_PLACE: Final = (  # keyword, the macro that holds it, and how far a frame may be off
    ("ImagePositionPatient", "PlanePositionSequence", _MOST_OFF_MM),
    ("ImageOrientationPatient", "PlaneOrientationSequence", _MOST_OFF_COSINE),
    ("PixelSpacing", "PixelMeasuresSequence", _MOST_OFF_MM),
)


def _stated(groups: Dataset) -> dict[str, tuple[float, ...]]:
    """What functional groups say of the place of a frame, by keyword."""
    return {
        keyword: numbers(item, keyword)
        for keyword, macro, _ in _PLACE
        for item in items(groups, macro)
    }


def _check_place(found: Mapping[str, tuple[float, ...]], stated: FrameHeader, index: int) -> None:
    """Compare where a viewer would put a frame with where its source lies."""
    expected = {
        "ImagePositionPatient": stated.image_position_patient,
        "ImageOrientationPatient": stated.image_orientation_patient,
        "PixelSpacing": stated.pixel_spacing,
    }
    for keyword, _, most in _PLACE:
        here, there = found.get(keyword, ()), expected[keyword]
        if (
            there is None
            or len(here) != len(there)
            or any(abs(mine - theirs) > most for mine, theirs in zip(here, there, strict=True))
        ):
            raise ResultMismatch(
                "A frame does not lie on its source", attribute=keyword, slice=index
            )


def _is_withheld(region: Region, reading: Reading) -> bool:
    """Whether findings name a region, and none of them is said to be there."""
    said = [one.presence for one in reading.findings if region.name in one.regions]
    return bool(said) and not {Presence.PRESENT, Presence.SUSPECTED} & set(said)


def _meaning(item: Dataset, masks: ReadingMasks, unclaimed: ReadingMasks) -> str:
    """What a segment shows, by its codes; `BACKGROUND` for that of a label map."""
    number = int(item.SegmentNumber)
    if number == 0:
        return BACKGROUND
    kind = next(iter(items(item, "SegmentedPropertyTypeCodeSequence")), Dataset())
    modifiers = items(kind, "SegmentedPropertyTypeModifierCodeSequence")
    side = text(modifiers[0], "CodeValue") if modifiers else ""
    coded = text(kind, "CodeValue"), side
    meaning = masks.of_segment(*coded)
    if meaning is None and unclaimed.of_segment(*coded) is not None:
        raise ResultMismatch("A segment shows a finding that is not claimed", segment=number)
    if meaning is None:
        raise ResultMismatch("A segment shows what the reading does not have", segment=number)
    return meaning


def _shown(meanings: Mapping[int, str], masks: ReadingMasks) -> list[str]:
    """What a segmentation must show in full, since it shows some of it: anatomy before lesions."""
    there = set(meanings.values())
    parts = masks.parts if there & set(masks.parts) else []
    wholes = masks.wholes if parts or there & set(masks.wholes) else []
    return [*wholes, *parts, *masks.findings]


class _Binary:
    """Each frame against one mask of the reading; lesions of one class share theirs."""

    def __init__(self, masks: ReadingMasks, meanings: Mapping[int, str]) -> None:
        self._masks = masks
        self._meanings = meanings
        self._seen: Counter[str] = Counter()
        self._lesions = np.zeros(masks.shape, bool)  # seen so far, by any segment

    def frame(self, labels: LabelMap, index: int) -> None:
        """Compare the voxels of one frame."""
        number = int(labels.max())
        if number == 0:
            return  # what should be there is missed in the end
        meaning, found = self._meanings[number], labels > 0
        expected = self._masks.mask([meaning], index)
        if meaning in self._masks.findings:
            wrong = found & (~expected | self._lesions[index])
            self._lesions[index] |= found
        else:
            wrong = found ^ expected
        if wrong.any():
            raise _wrong_voxels(meaning, index, wrong)
        self._seen[meaning] += int(np.count_nonzero(found))

    def check_complete(self) -> None:
        """Compare how many voxels there were in all: a frame may be missing."""
        for meaning in _shown(self._meanings, self._masks):
            expected = self._masks.size(meaning)
            if self._seen[meaning] != expected:
                raise ResultMismatch(
                    "Voxels are missing", region=meaning, seen=self._seen[meaning], needed=expected
                )


class _LabelMap:
    """Each frame against what the reading says of every pixel."""

    def __init__(self, masks: ReadingMasks, meanings: Mapping[int, str]) -> None:
        self._masks = masks
        shown = _shown(meanings, masks)  # the last one wins
        self._order = {meaning: place for place, meaning in enumerate(shown, start=1)}
        self._lookup = np.zeros(256, np.uint8)
        for number, meaning in meanings.items():
            self._lookup[number] = self._order.get(meaning, 0)
        self._slices: set[int] = set()

    def frame(self, labels: LabelMap, index: int) -> None:
        """Compare the voxels of one frame."""
        expected, found = self._expected(index), self._lookup[labels]
        wrong = found != expected
        if wrong.any():
            raise _wrong_voxels("label map", index, wrong)
        self._slices.add(index)

    def check_complete(self) -> None:
        """Look at the slices that have no frame: nothing may be there."""
        for index in range(self._masks.shape[0]):
            if index not in self._slices and self._expected(index).any():
                raise ResultMismatch("A frame is missing", slice=index)

    def _expected(self, index: int) -> LabelMap:
        expected = np.zeros(self._masks.shape[1:], np.uint8)
        for meaning, place in self._order.items():
            expected[self._masks.mask([meaning], index)] = place
        return expected


def _wrong_voxels(region: str, index: int, wrong: Mask) -> ResultMismatch:
    return ResultMismatch(
        "Voxels are not those of the reading",
        region=region,
        slice=index,
        pixels=int(np.count_nonzero(wrong)),
    )
