"""A first look at a waiting study: a few slices, to tell which one should be analysed first.

It decides the order of the queue and nothing else: no finding, no flag and no result comes of it.
A study that is not asked for urgently is known to be urgent only after its analysis; where twenty
others wait before it, a look of about a second at each of them brings it forward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chest.read_study import Network
from models.bundle import Bundle
from models.preprocess import fit_of, to_patches
from radiology.image.frame_stack import FrameStack, stack_frames
from radiology.image.series import SeriesHeader
from radiology.image.volume import Volume
from worker.series.decode_volume import decode_frame

SLICES = 8
_MIDDLE = (0.2, 0.8)  # of the stack: above and below there is little lung
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What a few slices show.

    Attributes
    ----------
    worse_lung_percent : lesion share of the worse lung in these slices; 0 where there is no lung
    """

    slices: int
    worse_lung_percent: float


def first_look(
    series: SeriesHeader, paths: Mapping[str, Path], bundle: Bundle, session: Network
) -> FirstLook:
    """Run the segmentation network on a few slices of a series.

    Raises
    ------
    Refused
        The series does not give a volume, as for `worker.series.decode_volume.decode_volume`.
    """
    volume, _ = _thinned(stack_frames(series), paths).canonical()
    fit = fit_of(volume, bundle.grid)
    right = left = np.zeros(2)
    for _, lung, lesion in session.run(to_patches(volume, fit, bundle.grid)):
        some = lesion[:, 1] + lesion[:, 2] >= _HALF
        right = right + _counts(lung[:, 1] >= _HALF, some)
        left = left + _counts(lung[:, 2] >= _HALF, some)
    return FirstLook(volume.shape[0], max(_share_percent(right), _share_percent(left)))


def _thinned(stack: FrameStack, paths: Mapping[str, Path]) -> Volume:
    """Only a few slices of a stack, evenly through its middle."""
    first, last = (round(share * (len(stack.slices) - 1)) for share in _MIDDLE)
    chosen = sorted({round(at) for at in np.linspace(first, last, SLICES)})
    frames = [stack.slices[index].source for index in chosen]
    pixels = [decode_frame(paths[one.instance.sop_instance_uid], one.frame) for one in frames]
    return replace(
        Volume(hounsfield=np.stack(pixels), affine=stack.affine), affine=_stretched(stack, chosen)
    )


def _stretched(stack: FrameStack, chosen: list[int]) -> NDArray[np.float64]:
    """The affine of every so-manieth slice; only axes and spacing within slices are asked for."""
    affine = stack.affine.copy()
    affine[:3, 3] += affine[:3, 0] * chosen[0]
    affine[:3, 0] *= max(1, (chosen[-1] - chosen[0]) // max(1, len(chosen) - 1))
    return affine


def _counts(lung: NDArray[np.bool_], lesion: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.array([np.count_nonzero(lung), np.count_nonzero(lung & lesion)], dtype=np.float64)


def _share_percent(counts: NDArray[np.float64]) -> float:
    return float(100.0 * counts[1] / counts[0]) if counts[0] else 0.0
