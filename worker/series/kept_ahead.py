"""What a process has read of studies before their jobs: headers, and decoded slices.

Both go by the file that they were read from, and are handed out once, while it is still that very
file: an instance that was removed or forgotten may come again under its UID with other contents,
and then has the same place in the spool.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radiology.image.series import FrameHeader
from radiology.image.volume import FloatArray
from worker.series.decode_volume import decode_frame
from worker.series.read_series import ReadInstance, read_instances

MOST_BYTES: Final = 320 << 20  # 600 slices of 512 x 512, as bytes of 16 bits
MOST_HEADERS: Final = 4_000


class _File(NamedTuple):
    """Which file lies at a path: another one put in its place differs in one of these."""

    inode: int
    size: int
    written_ns: int
    placed_ns: int


class _KeptSlice(NamedTuple):
    file: _File
    hounsfield: NDArray[np.float32] | NDArray[np.int16]


class KeptAhead:
    """Headers and slices, as many as there is room for; the oldest ones go first."""

    def __init__(self, *, most_bytes: int = MOST_BYTES, most_headers: int = MOST_HEADERS) -> None:
        self._most_bytes = most_bytes
        self._most_headers = most_headers
        self._headers: OrderedDict[Path, tuple[_File, ReadInstance]] = OrderedDict()
        self._slices: OrderedDict[Path, _KeptSlice] = OrderedDict()
        self._bytes = 0

    def read_header(self, path: Path) -> ReadInstance:
        """Read the header of a file, and keep it.

        Raises
        ------
        DataSetUnreadable
            As `worker.series.read_series.read_instances`.
        """
        file = _file_at(path)  # before: if it is exchanged meanwhile, it is not taken for the other
        header = _read(path)
        if file is not None:
            self._headers[path] = file, header
        while len(self._headers) > self._most_headers:
            self._headers.popitem(last=False)
        return header

    def decode_slice(self, path: Path, frame: FrameHeader) -> FloatArray:
        """Decode the only frame of a file, shape (rows, columns), HU, and keep it.

        Whole numbers are kept as 16 bits. Raises as `worker.series.decode_volume.decode_frame`.
        """
        file = _file_at(path)
        hounsfield = decode_frame(path, frame)
        if file is None:
            return hounsfield
        with np.errstate(invalid="ignore"):  # denser than 16 bits hold: metal
            whole = hounsfield.astype(np.int16)
        kept = whole if np.array_equal(whole, hounsfield) else hounsfield
        self._pop_slice(path)
        self._slices[path] = _KeptSlice(file, kept)
        self._bytes += kept.nbytes
        while self._bytes > self._most_bytes:
            self._pop_slice(next(iter(self._slices)))
        return hounsfield

    def take_slice(self, path: Path) -> FloatArray | None:
        """The only frame of a file in HU, if it is kept; it is not kept any longer."""
        found = self._pop_slice(path)
        if found is None or found.file != _file_at(path):
            return None
        return found.hounsfield.astype(np.float32, copy=False)

    def read_instances(self, paths: Iterable[Path]) -> list[ReadInstance]:
        """The headers of files, in their order; what is not kept is read.

        Raises
        ------
        DataSetUnreadable
            As `worker.series.read_series.read_instances`.
        """
        return [self._taken_header(path) or _read(path) for path in paths]

    def _taken_header(self, path: Path) -> ReadInstance | None:
        file, header = self._headers.pop(path, (None, None))
        return header if file is not None and file == _file_at(path) else None

    def _pop_slice(self, path: Path) -> _KeptSlice | None:
        found = self._slices.pop(path, None)
        if found is not None:
            self._bytes -= found.hounsfield.nbytes
        return found


def _read(path: Path) -> ReadInstance:
    (found,) = read_instances([path])
    return found


def _file_at(path: Path) -> _File | None:
    """None where there is none, or it cannot be asked: whoever reads it will say so."""
    try:
        state = path.stat()
    except OSError:
        return None
    return _File(state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
