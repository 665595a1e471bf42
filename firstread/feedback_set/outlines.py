"""Reads the outlines of a result, slice by slice, from the segmentation that was sent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from chest import chest_codes
from radiology.errors import PixelDataUndecodable
from radiology.image.volume import SourceFrame
from worker.encode.segmentation.frames import frame_labels
from worker.series.frame_headers import items, text, whole

Mask = NDArray[np.uint8]
_LEVELS = {  # by the type of a segment; see docs/training.md
    chest_codes.GROUND_GLASS_OPACITY.value: 1,
    chest_codes.ABNORMAL_OPACITY.value: 1,
    chest_codes.CONSOLIDATION.value: 2,
}


def read_outlines(path: Path) -> dict[SourceFrame, Mask]:
    """The lesions of each slice that has some.

    Returns
    -------
    uint8, shape (rows, columns) as stored: 0 none, 1 ground glass, 2 consolidation.

    Raises
    ------
    PixelDataUndecodable
        The file is not there, or not what we wrote.
    """
    try:
        segmentation = dcmread(path)
        return _outlines(segmentation)
    except (OSError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise PixelDataUndecodable(cause=type(error).__name__) from error


def _outlines(segmentation: Dataset) -> dict[SourceFrame, Mask]:
    levels = np.zeros(256, np.uint8)
    for item in segmentation.SegmentSequence:
        levels[int(item.SegmentNumber)] = _LEVELS.get(_kind(item), 0)
    found: dict[SourceFrame, Mask] = {}
    groups = segmentation.PerFrameFunctionalGroupsSequence
    for labels, group in zip(frame_labels(segmentation), groups, strict=True):
        drawn = levels[labels]
        if drawn.any():
            source = group.DerivationImageSequence[0].SourceImageSequence[0]
            frame = SourceFrame(
                text(source, "ReferencedSOPInstanceUID"), whole(source, "ReferencedFrameNumber")
            )
            before = found.get(frame)
            found[frame] = drawn if before is None else np.maximum(before, drawn)
    return found


def _kind(item: Dataset) -> str:
    kind = next(iter(items(item, "SegmentedPropertyTypeCodeSequence")), Dataset())
    return text(kind, "CodeValue")
