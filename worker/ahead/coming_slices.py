"""The slices of a series that have come so far, as a reader is handed them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.readers.study_reader import ComingSlices
from radiology.errors import VolumeRefused
from radiology.image.frame_stack import FrameStack, stack_frames
from radiology.image.series import FrameHeader, SeriesHeader
from radiology.image.volume import AxisOrder, FloatArray, Volume

Decode = Callable[[Path, FrameHeader], FloatArray]


def coming_slices(
    series: SeriesHeader,
    paths: Mapping[str, Path],
    first_came: str,
    decode: Decode,
) -> ComingSlices | None:
    """The slices of a series, from feet to head.

    Parameters
    ----------
    series : as far as it has come
    paths : SOP Instance UID to file
    first_came : SOP Instance UID of the one that came before all others
    decode : gives the only frame of a file in HU, on its own rows and columns

    Returns
    -------
    None where they are no stack of axial slices of single instances; they may become one.
    """
    if any(frame.frame_number is not None for _, frame in series.frames):
        return None
    try:
        stack = stack_frames(series)
    except VolumeRefused:
        return None
    if stack.duplicate_count:
        return None
    nothing = np.broadcast_to(np.float32(0.0), stack.shape)
    canonical, order = Volume(nothing, stack.affine).canonical()
    if order.permutation[0] != 0:
        return None
    indices = list(range(len(stack.slices)))
    if order.flipped[0]:
        indices.reverse()
    names = [stack.slices[at].source.instance.sop_instance_uid for at in indices]
    return ComingSlices(
        shape=canonical.shape,
        spacing_mm=canonical.spacing_mm,
        names=names,
        hounsfield=_Decoding(stack, order, indices, paths, decode).hounsfield,
        grows_upwards=names[0] == first_came,
    )


class _Decoding:
    """Decodes slices of a stack when they are asked for."""

    def __init__(
        self,
        stack: FrameStack,
        order: AxisOrder,
        indices: Sequence[int],
        paths: Mapping[str, Path],
        decode: Decode,
    ) -> None:
        self._stack = stack
        self._order = order
        self._indices = indices
        self._paths = paths
        self._decode = decode

    def hounsfield(self, at: int) -> NDArray[np.float32]:
        """One slice, counted from the feet, on canonical axes."""
        placed = self._stack.slices[self._indices[at]].source
        path = self._paths[placed.instance.sop_instance_uid]
        slice_hu = self._decode(path, placed.frame)
        turned: NDArray[np.float32] = self._order.apply(slice_hu[np.newaxis])[0]
        return turned
