"""The encoded data set of a received instance: its first elements, its encoding, and its end.

PS3.5 Section 7.1 (data elements), 7.5 (nesting), A.4 (encapsulated pixel data), A.5 (deflate).
"""

from __future__ import annotations

import io
import zlib
from functools import lru_cache
from typing import Final, Protocol

from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from dicom_node.receive.element_walk import check_elements
from radiology.errors import DataSetUnreadable

HEAD_BYTES: Final = 8 * 1024 * 1024  # what storing needs lies well within it
MOST_INFLATED_BYTES: Final = 256 * 1024 * 1024
"""Of a deflated data set, whatever the limit of an instance: half a megabyte may promise gigabytes,
and whoever reads such a file has all of it in memory. Five hundred slices of a CT have as much."""
_INFLATE_STEP: Final = 1024 * 1024


class Bytes(Protocol):
    """Bytes of a known number that can be read anywhere."""

    @property
    def size(self) -> int:
        """How many there are."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Read; fewer than `length` at the end."""


@lru_cache(maxsize=64)
def _syntax(uid: str) -> UID:
    return UID(uid)


class EncodedDataSet:
    """A data set as it was encoded, read piece by piece.

    Parameters
    ----------
    source : the encoded data set, without file meta information
    transfer_syntax_uid : of the presentation context under which it came
    max_bytes : a deflated data set that inflates to more than this is refused
    """

    def __init__(self, source: Bytes, transfer_syntax_uid: str, *, max_bytes: int) -> None:
        self._source = source
        self._syntax = _syntax(transfer_syntax_uid)
        self._max_bytes = min(max_bytes, MOST_INFLATED_BYTES)
        self._inflated: bytes | None = None
        self._inflated_size = 0

    @property
    def is_implicit_vr(self) -> bool:
        """Whether value representations are left out (PS3.5 Section 7.1.3)."""
        return self._syntax.is_implicit_VR

    @property
    def is_little_endian(self) -> bool:
        """Whether the low byte comes first (PS3.5 Section 7.3)."""
        return self._syntax.is_little_endian

    @property
    def is_plain(self) -> bool:
        """Whether it should be in explicit VR little endian, and as it came."""
        explicit = not self._syntax.is_implicit_VR and self._syntax.is_little_endian
        return explicit and self._syntax != DeflatedExplicitVRLittleEndian

    def head(self, length: int) -> bytes:
        """The first bytes of the data set, at most `HEAD_BYTES`; inflated where it came deflated.

        Raises
        ------
        DataSetUnreadable
            It does not inflate, or to more than is allowed.
        """
        if self._syntax != DeflatedExplicitVRLittleEndian:
            return self._source.read_at(0, length)
        if self._inflated is None:
            self._inflated = self._inflate()
        return self._inflated[:length]

    def check_end(self, offset: int, is_implicit_vr: bool, is_little_endian: bool) -> None:
        """Check that no element behind `offset` goes beyond the end.

        Parameters
        ----------
        offset : where an element begins
        is_implicit_vr, is_little_endian : how the data set is really encoded

        Raises
        ------
        DataSetUnreadable
            The data set ends in the middle of an element: it was cut off.
        """
        if self._inflated is None:
            size, read_at = self._source.size, self._source.read_at
        else:
            size, read_at = self._inflated_size, self._read_inflated
        check_elements(read_at, offset, size, is_implicit_vr, is_little_endian)

    def _read_inflated(self, offset: int, length: int) -> bytes:
        assert self._inflated is not None
        return self._inflated[offset : offset + length]

    def _inflate(self) -> bytes:
        """Inflate all of it, so that damage is found now, but keep only its beginning."""
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)  # PS3.5 Section A.5: no zlib header
        kept = bytearray()
        offset = 0
        pending = b""
        while not inflater.eof:
            if not pending:
                pending = self._source.read_at(offset, _INFLATE_STEP)
                offset += len(pending)
                if not pending:
                    raise DataSetUnreadable("The deflated data set was cut off")
            try:
                inflated = inflater.decompress(pending, _INFLATE_STEP)
            except zlib.error as error:
                raise DataSetUnreadable("The data set does not inflate") from error
            pending = inflater.unconsumed_tail
            self._inflated_size += len(inflated)
            if self._inflated_size > self._max_bytes:
                raise DataSetUnreadable(
                    "The data set inflates to more than is allowed", limit_bytes=self._max_bytes
                )
            if len(kept) < HEAD_BYTES:
                kept += inflated
        return bytes(kept[:HEAD_BYTES])


class CountedReads(io.BytesIO):
    """The beginning of a data set, of which only so much is read.

    pydicom says of the outermost elements alone what it is about to read. What is in a sequence of
    undefined length it reads to find the end of it, whether the sequence is wanted or not.

    Parameters
    ----------
    most : how often may be read: two or three times for each element and for each item
    """

    def __init__(self, content: bytes, *, most: int) -> None:
        super().__init__(content)
        self._left = most

    @property
    def is_used_up(self) -> bool:
        """Whether reading was ended, whatever whoever reads has made of it."""
        return self._left < 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as from any stream.

        Raises
        ------
        EOFError
            There were too many reads.
        """
        self._left -= 1
        if self.is_used_up:
            raise EOFError
        return super().read(size)
