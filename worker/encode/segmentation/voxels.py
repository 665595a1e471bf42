"""The voxels of an encoded segmentation, measured on the volume that it is about.

PS3.3 C.8.20.2 (Segmentation Image), C.7.6.16.2.6 (Derivation Image): each frame names its source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from radiology.region import Mask
from worker.encode.derived_object import ResultContext
from worker.encode.segmentation.frames import frame_labels


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

    A frame of a label map holds several segments; 0 is its background (PS3.3 C.8.20.2.3).
    """
    places = {
        (placed.sop_instance_uid, placed.frame_number): index
        for index, placed in enumerate(context.source.slices)
    }
    groups = segmentation.PerFrameFunctionalGroupsSequence
    for frame_groups, labels in zip(groups, frame_labels(segmentation), strict=True):
        source = frame_groups.DerivationImageSequence[0].SourceImageSequence[0]
        frame = source.get("ReferencedFrameNumber")
        place = (str(source.ReferencedSOPInstanceUID), None if frame is None else int(frame))
        for number in np.unique(labels).tolist():
            if number:
                yield number, places[place], labels == number
