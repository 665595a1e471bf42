"""The frames of one instance: as they are stored, or decoded; one at a time, read from the disk.

PS3.5 Section 8 and Annex A. Decoded frames are those of Explicit VR Little Endian: little-endian,
each beginning at a byte of its own, also of one bit a pixel (PS3.18 Section 8.7.3.3.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import FileDataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import get_expected_length, iter_pixels
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from radiology.image.stated_size import refuse_other_size
from worklist.dicomweb.data_sets import FAULTS, damaged, read_data_set, read_whole
from worklist.dicomweb.refusal import RequestRefused, not_acceptable, not_held

_PIXELS: Final = (0x7FE00010, 0x7FE00008, 0x7FE00009)
_AS_DECODED: Final = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,  # when it is inflated
)
_PREFERRED: Final = {
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: "pylibjpeg",  # python-gdcm can end the process on damaged streams
    JPEG2000: "pylibjpeg",
}


MOST_FRAME_BYTES: Final = 64 << 20
"""Of one decoded frame: a compressed file of a few MB may promise gigabytes."""
MOST_DECODED_BYTES: Final = 256 << 20
"""Of all frames of an instance that is decoded whole."""


class PixelSource:
    """The frames of an instance.

    Attributes
    ----------
    header : the data set, large values left on the disk
    transfer_syntax : as it is stored
    frames : how many there are
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.header: FileDataset = read_data_set(path)
        self.transfer_syntax = UID(str(self.header.file_meta.get("TransferSyntaxUID", "")))
        self._is_deflated = self.transfer_syntax == DeflatedExplicitVRLittleEndian
        if self._is_deflated:  # its values have no places in the file: once, and not for each frame
            self.header = read_whole(path)
        element: Any = next(
            (self.header.get_item(tag) for tag in _PIXELS if tag in self.header), None
        )
        if element is None:
            raise not_held("This instance has no pixel data.")
        self._element: DataElement | RawDataElement = element
        try:
            self.frames = max(1, int(self.header.get("NumberOfFrames") or 1))
            self._one_bit = int(self.header.get("BitsAllocated", 0)) == 1
        except FAULTS as error:
            raise damaged(path, error) from error

    @property
    def is_as_decoded(self) -> bool:
        """Whether the stored bytes are those of Explicit VR Little Endian."""
        return self.transfer_syntax in _AS_DECODED

    def check(self, numbers: Sequence[int]) -> None:
        """Refuse frames that there are not (PS3.18 Section 10.4.1.1.2), before any is sent.

        Raises
        ------
        RequestRefused
            404: fewer are stated. 500: fewer are there than are stated.
        """
        last = max(numbers)
        if last > self.frames:
            raise not_held(f"The instance has {self.frames} frames, counted from 1.")
        if self.transfer_syntax.is_encapsulated:
            self.as_stored(last)
            return
        bits = self._whole_bytes() * 8 if not self._one_bit else self._pixels() * self.frames
        if self._length() * 8 < bits // self.frames * last:
            raise damaged(self._path, EOFError("the pixel data end before this frame"))

    def check_decodable(self) -> None:
        """Refuse what no decoder here can read.

        Raises
        ------
        RequestRefused
            406
        """
        if not is_decodable(self.transfer_syntax):
            raise not_acceptable(
                "The pixels cannot be decoded here: ask for them as they are stored, with "
                "transfer-syntax=*."
            )

    def check_size(self) -> None:
        """Refuse what would take too much memory when it is decoded whole.

        Raises
        ------
        RequestRefused
            406
        """
        if self._whole_bytes() > MOST_DECODED_BYTES:
            raise _too_large()

    def as_stored(self, number: int) -> bytes:
        """A compressed frame as it lies in the file."""
        assert self.transfer_syntax.is_encapsulated
        value = self._element.value
        try:
            if value is not None:
                return get_frame(value, number - 1, number_of_frames=self.frames)
            with self._path.open("rb") as file:
                file.seek(self._place())
                return get_frame(file, number - 1, number_of_frames=self.frames)
        except FAULTS as error:
            raise damaged(self._path, error) from error

    def decoded(self, number: int) -> bytes:
        """A frame in Explicit VR Little Endian."""
        if self.is_as_decoded and not self._one_bit:
            length = self._whole_bytes() // self.frames
            return self._native((number - 1) * length, length)
        array = self.array(number, raw=True)
        if self._one_bit:
            return np.packbits(array.astype(np.uint8), axis=None, bitorder="little").tobytes()
        return array.astype(array.dtype.newbyteorder("<")).tobytes()

    def array(self, number: int, *, raw: bool) -> NDArray[Any]:
        """A frame, shape (rows, columns) or (rows, columns, 3).

        Parameters
        ----------
        raw : stored values; otherwise colours are RGB
        """
        self.check_decodable()
        if self._whole_bytes() // self.frames > MOST_FRAME_BYTES:
            raise _too_large()
        if self.is_as_decoded and self._one_bit:
            return self._bits(number)
        try:
            if self.transfer_syntax.is_encapsulated:
                self._refuse_other_size(self.as_stored(number))
            source = self.header if self._is_deflated else self._path
            (array,) = iter_pixels(
                source, indices=[number - 1], raw=raw, decoding_plugin=self._plugin()
            )
        except FAULTS as error:
            raise damaged(self._path, error) from error
        return array

    def all_decoded(self) -> Iterator[bytes]:
        """Every frame in Explicit VR Little Endian, one after the other.

        What is compressed is decoded once before the first is given: what is wrong with the last
        can then still be answered. However slowly somebody reads, one frame is held at a time.

        Raises
        ------
        RequestRefused
            406: decoded they are too large. 500: they cannot be decoded, or are not all there.
        """
        numbers = range(1, self.frames + 1)
        self.check(numbers[-1:])
        if not self.transfer_syntax.is_encapsulated:
            yield from map(self.decoded, numbers)
            return
        self.check_size()
        for number in numbers:
            self.decoded(number)
        yield from map(self.decoded, numbers)

    def _bits(self, number: int) -> NDArray[np.uint8]:
        """A frame of one bit a pixel; frames follow each other bit by bit (PS3.5 Section 8.1.1)."""
        count = self._pixels()
        first = (number - 1) * count
        start, end = first // 8, -(-(first + count) // 8)
        content = np.frombuffer(self._native(start, end - start), np.uint8)
        bits = np.unpackbits(content, bitorder="little")[first % 8 :][:count]
        return bits.reshape((int(self.header.Rows), int(self.header.Columns)))

    def _pixels(self) -> int:
        """Of a frame of one bit a pixel."""
        try:
            return int(self.header.Rows) * int(self.header.Columns)
        except FAULTS as error:
            raise damaged(self._path, error) from error

    def _refuse_other_size(self, encoded: bytes) -> None:
        """The limits go by the header, and a decoder by what the frame states of itself."""
        refuse_other_size(
            encoded,
            self.transfer_syntax,
            rows=int(self.header.Rows),
            columns=int(self.header.Columns),
            frame_bytes=self._whole_bytes() // self.frames,
        )

    def _whole_bytes(self) -> int:
        try:
            return get_expected_length(self.header, "bytes")
        except FAULTS as error:
            raise damaged(self._path, error) from error

    def _native(self, start: int, length: int) -> bytes:
        """Bytes of pixel data that are not compressed."""
        try:
            value = self._element.value
            if value is not None:
                content = bytes(value[start : start + length])
            else:
                with self._path.open("rb") as file:
                    file.seek(self._place() + start)
                    content = file.read(length)
            if len(content) != length or start + length > self._length():
                raise EOFError("the pixel data end before this frame")
        except FAULTS as error:
            raise damaged(self._path, error) from error
        return content

    def _place(self) -> int:
        """Where the value begins in the file; known of a value that was left there."""
        if not isinstance(self._element, RawDataElement):
            raise LookupError("the pixel data were read")
        return int(self._element.value_tell)

    def _length(self) -> int:
        element = self._element
        return element.length if isinstance(element, RawDataElement) else len(element.value or b"")

    def _plugin(self) -> str:
        wanted = _PREFERRED.get(self.transfer_syntax, "")
        available = get_decoder(self.transfer_syntax).available_plugins
        return wanted if wanted in available else ""


def _too_large() -> RequestRefused:
    return not_acceptable(
        "Decoded, the pixels are too large to be sent: ask for them as they are stored, with "
        "transfer-syntax=*."
    )


def is_decodable(transfer_syntax: UID) -> bool:
    """Whether a decoder for this transfer syntax is installed."""
    if transfer_syntax in (*_AS_DECODED, ExplicitVRBigEndian):
        return True
    try:
        return bool(get_decoder(transfer_syntax).is_available)
    except NotImplementedError:  # pydicom's word for a transfer syntax that it does not know
        return False
