"""Decodes the stored values of frames from any transfer syntax.

PS3.5 Section 8 and Annex A. pydicom finds the decoder; which plugins are installed is written in
docs/decisions/0001-decoders.md.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.config import IGNORE
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import generate_frames
from pydicom.errors import InvalidDicomError
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import HTJ2K, JPEG2000, UID, JPEG2000Lossless, JPEGLSLossless, JPEGLSNearLossless

from radiology.errors import PixelDataUndecodable
from radiology.image.stated_size import refuse_other_size
from worker.series.pixels.frame_count import refuse_other_frames
from worker.series.pixels.jpeg_12_bit import JPEG_LOSSY_12_BIT, decode_jpeg_12_bit
from worker.series.pixels.lost_bytes import refuse_lost_low_bytes
from worker.series.pixels.stored_bits import Stored, within_bits_stored

_PREFERRED = {
    JPEGLSLossless: "pyjpegls",  # 4 ms against python-gdcm's 7 ms a slice
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: "pylibjpeg",  # python-gdcm can abort the process on damaged streams
    JPEG2000: "pylibjpeg",
}
"""Where pydicom would try another plugin first that decodes the same, but slower or unsafely."""

_MAY_LOSE = frozenset({JPEG2000, JPEGLSNearLossless, HTJ2K})
"""Transfer syntaxes that may lose something of 16 bits (PS3.5 Section 10): what stands above Bits
Stored has then leaked into what stands below. The lossy kinds of JPEG have 12 bits at most."""

_DECODER_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,  # pydicom, of pixel data that it has no decoder for
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    InvalidDicomError,
)
"""What pydicom and its plugins raise for pixel data that is damaged or of an unknown kind."""


def can_decode(transfer_syntax_uid: str) -> bool:
    """Whether a decoder for this transfer syntax is installed (PS3.5 Section 10)."""
    uid = UID(transfer_syntax_uid, IGNORE)
    if uid in JPEG_LOSSY_12_BIT:
        return True
    if not uid.is_valid:
        return False
    try:
        return bool(get_decoder(uid).is_available)
    except NotImplementedError:  # pydicom's word for a transfer syntax it knows no decoder for
        return False


def read_pixels(path: Path) -> FileDataset:
    """Read a whole instance.

    Raises
    ------
    PixelDataUndecodable
        The file is damaged.
    """
    try:
        return dcmread(path)
    except _DECODER_ERRORS as error:
        raise PixelDataUndecodable(cause=type(error).__name__) from None


def stored_frames(
    dataset: FileDataset, frame_numbers: Sequence[int | None]
) -> Iterator[tuple[int | None, Stored]]:
    """Decode frames to stored values: sign applied, no rescale, nothing above Bits Stored.

    Parameters
    ----------
    frame_numbers : counted from 1; None for the one frame of a single-frame instance

    Yields
    ------
    The frame number and its values, shape (rows, columns), in the order in which they are stored.

    Raises
    ------
    PixelDataUndecodable
        With the transfer syntax UID. Also where Number of Frames is not that of the frames that
        are there, where values do not fit into Bits Stored, and where low bytes were lost.
    """
    if "PixelData" not in dataset:
        raise _undecodable(dataset, "none", "The instance has no pixel data")
    try:
        refuse_other_frames(dataset)
        syntax = dataset.file_meta.TransferSyntaxUID
        lossless = syntax not in _MAY_LOSE
        shape = (int(dataset.Rows), int(dataset.Columns))
        for frame_number, stored in _decoded(dataset, frame_numbers):
            if stored.shape != shape:
                raise _undecodable(dataset, "the decoded frame has another size")
            refuse_lost_low_bytes(stored)
            yield frame_number, within_bits_stored(stored, dataset, lossless=lossless)
    except _DECODER_ERRORS as error:
        raise _undecodable(dataset, type(error).__name__) from error


def _decoded(
    dataset: FileDataset, frame_numbers: Sequence[int | None]
) -> Iterator[tuple[int | None, Stored]]:
    numbers = sorted(number or 1 for number in frame_numbers)
    transfer_syntax_uid = dataset.file_meta.TransferSyntaxUID
    if transfer_syntax_uid in JPEG_LOSSY_12_BIT and int(dataset.BitsStored) > 8:
        frames: Iterator[Stored] = _jpeg_12_bit_frames(dataset, numbers)
    else:
        decoder = get_decoder(transfer_syntax_uid)
        if transfer_syntax_uid.is_encapsulated:
            _refuse_other_sizes(dataset, numbers)
        plugin = _PREFERRED.get(transfer_syntax_uid, "")
        frames = (
            array
            for array, _ in decoder.iter_array(
                dataset,
                indices=[number - 1 for number in numbers],
                raw=True,
                correct_unused_bits=False,  # which would hide values that do not fit
                decoding_plugin=plugin if plugin in decoder.available_plugins else "",
            )
        )
    single = list(frame_numbers) == [None]
    for number, stored in zip(numbers, frames, strict=True):
        yield (None if single else number), stored


def _jpeg_12_bit_frames(dataset: Dataset, numbers: Sequence[int]) -> Iterator[Stored]:
    wanted = set(numbers)
    count = int(dataset.get("NumberOfFrames") or 1)
    for number, encoded in enumerate(
        generate_frames(dataset.PixelData, number_of_frames=count), start=1
    ):
        if number in wanted:
            _refuse_other_size(dataset, encoded)
            yield decode_jpeg_12_bit(encoded, rows=int(dataset.Rows), columns=int(dataset.Columns))


def _refuse_other_sizes(dataset: Dataset, numbers: Sequence[int]) -> None:
    """Refuse before any frame is decoded: a decoder makes what the frame states of itself."""
    wanted = set(numbers)
    count = int(dataset.get("NumberOfFrames") or 1)
    frames = generate_frames(dataset.PixelData, number_of_frames=count)
    for number, encoded in enumerate(itertools.islice(frames, max(wanted)), start=1):
        if number in wanted:
            _refuse_other_size(dataset, encoded)


def _refuse_other_size(dataset: Dataset, encoded: bytes) -> None:
    refuse_other_size(
        encoded,
        dataset.file_meta.TransferSyntaxUID,
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        frame_bytes=get_expected_length(dataset) // int(dataset.get("NumberOfFrames") or 1),
    )


def _undecodable(
    dataset: FileDataset, cause: str, message: str | None = None
) -> PixelDataUndecodable:
    return PixelDataUndecodable(
        message,
        transfer_syntax_uid=str(dataset.file_meta.TransferSyntaxUID),
        sop_instance_uid=str(dataset.SOPInstanceUID),
        cause=cause,
    )


def padding_range(dataset: Dataset, dtype: np.dtype[Any]) -> tuple[int, int] | None:
    """The stored values that stand for "no data", lowest and highest.

    PS3.3 C.7.5.1.1.2 (Pixel Padding Value) and C.7.6.3 (Pixel Padding Range Limit). Some writers
    give the value unsigned where the pixels are signed, so it is read as the bits that it has.
    """
    value, limit = dataset.get("PixelPaddingValue"), dataset.get("PixelPaddingRangeLimit")
    if not isinstance(value, int):
        return None
    ends = [_as_stored(end, dtype) for end in (value, limit) if isinstance(end, int)]
    return min(ends), max(ends)


def _as_stored(value: int, dtype: np.dtype[Any]) -> int:
    bits = dtype.itemsize * 8
    wrapped = value & ((1 << bits) - 1)
    negative = dtype.kind == "i" and wrapped >= 1 << (bits - 1)
    return wrapped - (1 << bits) if negative else wrapped
