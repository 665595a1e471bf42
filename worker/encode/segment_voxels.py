"""The voxels of an encoded segmentation, measured on the volume that it is about.

PS3.3 C.8.20.2 (Segmentation Image), C.7.6.16.2.6 (Derivation Image): each frame names its source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.utils import iter_pixels

from radiology.region import Mask
from worker.encode.derived_object import ResultContext


@dataclass(frozen=True, slots=True)
class SegmentVoxels:
    """What a segment holds.

    Attributes
    ----------
    count : voxels
    slices : of the source, with at least one voxel
    mean_hu : HU
    """

    count: int
    slices: int
    mean_hu: float


def segment_voxels(context: ResultContext, segmentation: Dataset) -> dict[int, SegmentVoxels]:
    """Count and measure the voxels of each segment.

    Returns
    -------
    By segment number; a segment without a voxel is absent.
    """
    counts: dict[int, int] = {}
    totals: dict[int, float] = {}
    slices: dict[int, set[int]] = {}
    for number, index, mask in _masks(context, segmentation):
        count = int(np.count_nonzero(mask))
        if not count:
            continue
        inside = context.volume.hounsfield[index][mask]
        counts[number] = counts.get(number, 0) + count
        totals[number] = totals.get(number, 0.0) + float(inside.sum(dtype=np.float64))
        slices.setdefault(number, set()).add(index)
    return {
        number: SegmentVoxels(count, len(slices[number]), totals[number] / count)
        for number, count in counts.items()
    }


def _masks(context: ResultContext, segmentation: Dataset) -> Iterator[tuple[int, int, Mask]]:
    """Segment number, slice of the volume and pixels, frame by frame.

    A frame of a label map holds several segments: its values are their numbers.
    """
    # 0 is the background of a label map (PS3.3 C.8.20.2.3) and no segment to be measured.
    numbers = [int(one.SegmentNumber) for one in segmentation.SegmentSequence if one.SegmentNumber]
    labelled = segmentation.SegmentationType == "LABELMAP"
    places = {
        (one.sop_instance_uid, one.frame_number): index
        for index, one in enumerate(context.source.slices)
    }
    groups = segmentation.PerFrameFunctionalGroupsSequence
    for frame_groups, pixels in zip(groups, _frames(segmentation), strict=True):
        source = frame_groups.DerivationImageSequence[0].SourceImageSequence[0]
        frame = source.get("ReferencedFrameNumber")
        place = (str(source.ReferencedSOPInstanceUID), None if frame is None else int(frame))
        index = places[place]
        if labelled:
            held = set(np.unique(pixels).tolist())
            for number in numbers:
                if number in held:
                    yield number, index, pixels == number
        else:
            yield _number(frame_groups, segmentation), index, pixels.astype(bool)


def _frames(segmentation: Dataset) -> Iterator[NDArray[Any]]:
    """The pixels of each frame.

    Frames of single bits follow each other without a gap, so most begin inside of a byte
    (PS3.5 Section 8.1.1); pydicom reads only those that do not one by one.
    """
    if segmentation.BitsAllocated != 1:
        yield from iter_pixels(segmentation)
        return
    packed = np.frombuffer(segmentation.PixelData, np.uint8)
    rows, columns = segmentation.Rows, segmentation.Columns
    for number in range(int(segmentation.NumberOfFrames)):
        first = number * rows * columns
        some = packed[first // 8 : -(-(first + rows * columns) // 8)]
        bits = np.unpackbits(some, bitorder="little")[first % 8 :]
        yield bits[: rows * columns].reshape(rows, columns)


def _number(frame_groups: Dataset, segmentation: Dataset) -> int:
    """Which segment a frame shows: said by the frame, or once for all of them."""
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    holder = frame_groups if "SegmentIdentificationSequence" in frame_groups else shared
    return int(holder.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
