"""Finds where pixels differ: in pictures, and in segmentations by segment and slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

Pixels = NDArray[Any]
Masks = dict[tuple[int, str], Pixels]
"""What is not empty of a segmentation, by segment number and place of the slice."""


def compare_pixels(before: Pixels, after: Pixels) -> Iterator[str]:
    """Say how many pixels differ, and where the first one is."""
    if before.shape != after.shape:
        yield f"pixels: shape {before.shape} → {after.shape}"
        return
    places = np.argwhere(before != after)
    if len(places):
        first = tuple(map(int, places[0]))
        values = f"{before[first]} → {after[first]}"
        yield f"pixels: {len(places)} values differ, the first at {first}: {values}"


def _labels(segmentation: Dataset) -> dict[int, str]:
    return {int(one.SegmentNumber): str(one.SegmentLabel) for one in segmentation.SegmentSequence}


def _masks(segmentation: Dataset) -> Masks:
    """What each segment covers on each slice, whether it has frames of its own or a label map."""
    frames = segmentation.pixel_array
    groups = segmentation.PerFrameFunctionalGroupsSequence
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    masks: Masks = {}
    for frame, group in zip(frames.reshape(-1, *frames.shape[-2:]), groups, strict=True):
        place = _slice_place(group, shared)
        if segmentation.SegmentationType == "LABELMAP":
            parts = {int(number): frame == number for number in np.unique(frame) if number}
        else:
            parts = {_segment_number(group, shared): frame}
        for number, part in parts.items():
            if part.any():
                known = masks.get((number, place))
                masks[number, place] = part if known is None else np.maximum(known, part)
    return masks


def _slice_place(group: Dataset, shared: Dataset) -> str:
    planes = group.get("PlanePositionSequence") or shared.PlanePositionSequence
    return "\\".join(map(str, planes[0].ImagePositionPatient))


def _segment_number(group: Dataset, shared: Dataset) -> int:
    named = group.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence
    return int(named[0].ReferencedSegmentNumber)


def _compare_masks(before: Masks, after: Masks, labels: Mapping[int, str]) -> Iterator[str]:
    """Say how many voxels of a segment differ on a slice, and where the first one is."""
    for key in sorted({*before, *after}):
        known = before.get(key, after.get(key))
        nothing = np.zeros_like(known)
        for difference in compare_pixels(before.get(key, nothing), after.get(key, nothing)):
            number, place = key
            label = labels.get(number, "not there before")
            yield f"segment {number} ({label}), slice at {place}: {difference}"


def compare_segmentations(before: Dataset, after: Dataset) -> Iterator[str]:
    """Say which segments cover other voxels, whatever the form that they are written in."""
    yield from _compare_masks(_masks(before), _masks(after), _labels(before))
