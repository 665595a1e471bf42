"""Decodes only a few slices of a series, for a first look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radiology.image.frame_stack import FrameStack, stack_frames
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from worker.series.decode_volume import decode_frame

SLICES = 8
_MIDDLE = (0.2, 0.8)  # of the stack: what a study is made for rarely lies at its ends


def thin_volume(series: SeriesHeader, paths: Mapping[str, Path]) -> Volume:
    """Decode `SLICES` slices, evenly through the middle of a series.

    Parameters
    ----------
    paths : SOP Instance UID to file

    Raises
    ------
    Refused
        The series does not give a volume, as for `worker.series.decode_volume.decode_volume`.
    """
    stack = stack_frames(series)
    first, last = (round(share * (len(stack.slices) - 1)) for share in _MIDDLE)
    chosen = sorted({round(at) for at in np.linspace(first, last, SLICES)})
    frames = [stack.slices[index].source for index in chosen]
    pixels = [decode_frame(paths[one.instance.sop_instance_uid], one.frame) for one in frames]
    volume = Volume(hounsfield=np.stack(pixels), affine=stack.affine)
    return replace(volume, affine=_stretched(stack, chosen))


def _stretched(stack: FrameStack, chosen: list[int]) -> NDArray[np.float64]:
    """The affine of evenly chosen slices; their distance is that of the whole series' thinning."""
    affine = stack.affine.copy()
    affine[:3, 3] += affine[:3, 0] * chosen[0]
    affine[:3, 0] *= max(1, (chosen[-1] - chosen[0]) // max(1, len(chosen) - 1))
    return affine
