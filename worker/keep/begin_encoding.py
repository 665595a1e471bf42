"""Does what no answer changes of encoding a study, on one thread, while the study is read.

Reading has steps that keep one core busy; another is there for this. docs/decisions/0055
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pydicom import Dataset, dcmread

from radiology.image.slice_stack import MOST_SLICES, pack_voxels
from radiology.image.volume import Volume

_MOST_PACKED: Final = 300  # slices, of about 250 KB: those of larger studies are packed afterwards

PackSlice = Callable[[int], bytes]


class BegunEncoding:
    """Source headers and the voxels of the page, as far as they are made when they are wanted.

    Use it as a context manager: what has not begun at its end is left out.

    Parameters
    ----------
    paths : files of the instances that the volume was decoded from, one per slice
    with_slices : whether the page keeps slices
    """

    def __init__(self, paths: Collection[Path], volume: Volume, *, with_slices: bool) -> None:
        self._turned, _ = volume.canonical()
        self._thread = ThreadPoolExecutor(1, "begin-encoding")
        self._headers = self._thread.submit(read_headers, paths)
        self._lock = threading.Lock()
        self._packed: dict[int, Future[bytes]] = {}
        slices = self._turned.shape[0]
        if with_slices and slices <= MOST_SLICES:
            for index in range(slices - 1, -1, -1)[:_MOST_PACKED]:  # as the page has them
                self._packed[index] = self._thread.submit(self._pack, index)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def headers(self) -> list[Dataset]:
        """Full data sets without pixels; a multi-frame instance once."""
        return self._headers.result()

    def pack_slice(self, index: int) -> bytes:
        """The voxels of one slice of the canonical volume, packed; it is handed out once."""
        with self._lock:
            begun = self._packed.pop(index, None)
        if begun is None or begun.cancel():
            return self._pack(index)
        return begun.result()

    def _pack(self, index: int) -> bytes:
        return pack_voxels(self._turned.hounsfield[index])


def read_headers(paths: Iterable[Path]) -> list[Dataset]:
    """Full data sets without pixels; a multi-frame instance once."""
    return [dcmread(path, stop_before_pixels=True) for path in dict.fromkeys(paths)]
