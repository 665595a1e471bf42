"""Does what no answer changes of encoding a study, on one thread, while the study is read.

Reading has steps that keep one core busy; another is there for this. docs/decisions/0055
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydicom import Dataset, dcmread

from radiology.image.slice_stack import MOST_SLICES, pack_voxels
from radiology.image.volume import Volume

_MOST_PACKED: Final = 300  # slices, of about 250 KB: those of larger studies are packed afterwards

PackSlice = Callable[[int], bytes]


class BegunEncoding:
    """Source headers and the voxels of the page, as far as they are made when they are wanted.

    Parameters
    ----------
    thread : makes them, the headers first
    paths, volume, with_slices : as in `begin_encoding`
    """

    def __init__(
        self, thread: Executor, paths: Collection[Path], volume: Volume, *, with_slices: bool
    ) -> None:
        self._turned, _ = volume.canonical()
        self._headers = thread.submit(read_headers, paths)
        self._packed: dict[int, Future[bytes]] = {}
        slices = self._turned.shape[0]
        if with_slices and slices <= MOST_SLICES:
            for index in range(slices - 1, -1, -1)[:_MOST_PACKED]:  # as the page has them
                self._packed[index] = thread.submit(self._pack, index)

    def headers(self) -> list[Dataset]:
        """What `read_headers` gives for the paths."""
        return self._headers.result()

    def pack_slice(self, index: int) -> bytes:
        """The voxels of one slice of the canonical volume, packed; from any thread."""
        begun = self._packed.pop(index, None)  # what was handed out is not kept
        if begun is None or begun.cancel():
            return self._pack(index)
        return begun.result()

    def _pack(self, index: int) -> bytes:
        return pack_voxels(self._turned.hounsfield[index])


@contextmanager
def begin_encoding(
    paths: Collection[Path], volume: Volume, *, with_slices: bool
) -> Iterator[BegunEncoding]:
    """Begin, and leave out at the end what has not begun by then.

    Parameters
    ----------
    paths : files of the instances that the volume was decoded from, one per slice
    with_slices : whether the page keeps slices
    """
    thread = ThreadPoolExecutor(1, "begin-encoding")
    try:
        yield BegunEncoding(thread, paths, volume, with_slices=with_slices)
    finally:
        thread.shutdown(cancel_futures=True)


def read_headers(paths: Iterable[Path]) -> list[Dataset]:
    """Full data sets without pixels; a multi-frame instance once."""
    return [dcmread(path, stop_before_pixels=True) for path in dict.fromkeys(paths)]
