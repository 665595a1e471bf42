"""The slices of a series that have come so far, as a reader is handed them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.readers.study_reader import ComingSlices
from radiology.errors import VolumeRefused
from radiology.image.frame_stack import FrameStack, stack_frames
from radiology.image.series import SeriesHeader
from radiology.image.volume import AxisOrder, FloatArray, Volume
from worker.series.decode_volume import decode_frame


def coming_slices(
    series: SeriesHeader,
    paths: Mapping[str, Path],
    first_came: str,
    on_decoded: Callable[[Path, FloatArray], None],
) -> ComingSlices | None:
    """The slices of a series, from feet to head.

    Parameters
    ----------
    series : as far as it has come
    paths : SOP Instance UID to file
    first_came : SOP Instance UID of the one that came before all others
    on_decoded : called with each slice that is decoded, on its own rows and columns, and its file

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
        hounsfield=_Decoding(stack, order, indices, paths, on_decoded).hounsfield,
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
        on_decoded: Callable[[Path, FloatArray], None],
    ) -> None:
        self._stack = stack
        self._order = order
        self._indices = indices
        self._paths = paths
        self._on_decoded = on_decoded

    def hounsfield(self, at: int) -> NDArray[np.float32]:
        """One slice, counted from the feet, on canonical axes."""
        placed = self._stack.slices[self._indices[at]].source
        path = self._paths[placed.instance.sop_instance_uid]
        slice_hu = decode_frame(path, placed.frame)
        self._on_decoded(path, slice_hu)
        turned: NDArray[np.float32] = self._order.apply(slice_hu[np.newaxis])[0]
        return turned
