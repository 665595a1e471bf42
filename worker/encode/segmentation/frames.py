"""The frames of a segmentation, read from the bytes of the object alone.

PS3.5 Section 8.1.1 (bits are packed without gaps between frames), Annex A.4 (compressed frames).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import JPEGLSLossless, RLELossless

from radiology.region import LabelMap


def segment_number(segmentation: Dataset, frame_groups: Dataset) -> int:
    """The segment of a frame of a BINARY segmentation (PS3.3 C.8.20.3.1)."""
    holder = frame_groups
    if "SegmentIdentificationSequence" not in frame_groups:
        holder = segmentation.SharedFunctionalGroupsSequence[0]
    return int(holder.SegmentIdentificationSequence[0].ReferencedSegmentNumber)


def frame_labels(segmentation: Dataset) -> Iterator[LabelMap]:
    """Segment numbers by pixel, frame by frame; in a BINARY segmentation one number and 0.

    Returns
    -------
    uint8, shape (rows, columns) each, in the order of the per-frame functional groups.
    """
    if segmentation.SegmentationType == "LABELMAP":
        plugin = _DECODERS[segmentation.file_meta.TransferSyntaxUID]
        decoded = iter_pixels(segmentation, decoding_plugin=plugin)
        yield from (np.asarray(frame, np.uint8) for frame in decoded)
        return
    groups = segmentation.PerFrameFunctionalGroupsSequence
    for frame_groups, bits in zip(groups, _bits(segmentation), strict=True):
        yield bits * np.uint8(segment_number(segmentation, frame_groups))


_DECODERS = {RLELossless: "pydicom", JPEGLSLossless: "pyjpegls"}


def _bits(segmentation: Dataset) -> Iterator[NDArray[np.uint8]]:
    """Eight frames at a time: they fill whole bytes whatever their size."""
    rows, columns = int(segmentation.Rows), int(segmentation.Columns)
    packed = np.frombuffer(segmentation.PixelData, np.uint8)
    frames = int(segmentation.NumberOfFrames)
    block = rows * columns
    for first in range(0, frames, 8):
        here = min(8, frames - first)
        start = first * block // 8
        part = packed[start : start + (here * block + 7) // 8]
        bits = np.unpackbits(part, bitorder="little")[: here * block]
        yield from bits.reshape(here, rows, columns)
