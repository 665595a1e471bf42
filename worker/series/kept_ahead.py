"""What a process has read of studies before their jobs: headers, and decoded slices.

Both go by the file that they were read from: one in the spool is never written again, and a
corrected copy has another name. Each is handed out once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from radiology.image.volume import FloatArray
from worker.series.read_series import ReadInstance, read_instances

MOST_BYTES: Final = 320 << 20  # 600 slices of 512 x 512, as bytes of 16 bits
MOST_HEADERS: Final = 4_000


class KeptAhead:
    """Headers and slices, as many as there is room for; the oldest ones go first."""

    def __init__(self, *, most_bytes: int = MOST_BYTES, most_headers: int = MOST_HEADERS) -> None:
        self._most_bytes = most_bytes
        self._most_headers = most_headers
        self._headers: OrderedDict[Path, ReadInstance] = OrderedDict()
        self._slices: OrderedDict[Path, NDArray[np.float32] | NDArray[np.int16]] = OrderedDict()
        self._bytes = 0

    def keep_header(self, header: ReadInstance) -> None:
        """Keep what was read of a file."""
        self._headers[header.path] = header
        while len(self._headers) > self._most_headers:
            self._headers.popitem(last=False)

    def keep_slice(self, path: Path, hounsfield: FloatArray) -> None:
        """Keep the only frame of a file, shape (rows, columns), HU; whole numbers as 16 bits."""
        with np.errstate(invalid="ignore"):  # denser than 16 bits hold: metal
            whole = hounsfield.astype(np.int16)
        kept = whole if np.array_equal(whole, hounsfield) else hounsfield
        self.take_slice(path)
        self._slices[path] = kept
        self._bytes += kept.nbytes
        while self._bytes > self._most_bytes:
            _, oldest = self._slices.popitem(last=False)
            self._bytes -= oldest.nbytes

    def take_slice(self, path: Path) -> FloatArray | None:
        """The only frame of a file in HU, if it is kept; it is not kept any longer."""
        found = self._slices.pop(path, None)
        if found is None:
            return None
        self._bytes -= found.nbytes
        return found.astype(np.float32, copy=False)

    def read_instances(self, paths: Iterable[Path]) -> list[ReadInstance]:
        """The headers of files, in their order; what is not kept is read.

        Raises
        ------
        DataSetUnreadable
            As `worker.series.read_series.read_instances`.
        """
        return [
            found if (found := self._headers.pop(path, None)) is not None else _read(path)
            for path in paths
        ]


def _read(path: Path) -> ReadInstance:
    (found,) = read_instances([path])
    return found
