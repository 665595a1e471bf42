"""Runs over a volume patch by patch, and yields each plane when no further patch covers it.

What patches answer is weighted and averaged before anything is made of it: of logits the logits,
as nnU-Net and MONAI do. Held at once are the planes of one patch's depth, however long the
volume is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.declared.inputs import NetworkInput
from models.input.planes import Planes
from models.window.lay_out import starts, total_weights, weights

Floats = NDArray[np.float32]
Run = Callable[[Floats], Mapping[str, Floats]]
"""Takes patches (n, channels, planes, rows, columns), gives tensors by name, n first."""


@dataclass(frozen=True)
class Layout:
    """Patches on a canvas.

    Attributes
    ----------
    begins : along planes, rows and columns
    """

    canvas: tuple[int, int, int]
    size: tuple[int, int, int]
    begins: tuple[list[int], list[int], list[int]]

    @classmethod
    def of(cls, canvas: tuple[int, int, int], fed: NetworkInput) -> Layout:
        """Lay the patches of an input over a canvas."""
        size = (fed.size[0], fed.size[1], fed.size[2])
        planes, rows, columns = (
            starts(length, patch, fed.overlap) for length, patch in zip(canvas, size, strict=True)
        )
        return cls(canvas, size, (planes, rows, columns))

    @property
    def count(self) -> int:
        """Of all patches."""
        planes, rows, columns = self.begins
        return len(planes) * len(rows) * len(columns)

    def in_plane(self) -> list[tuple[slice, slice]]:
        """Rows and columns of each patch of one depth."""
        _, height, width = self.size
        return [
            (slice(row, row + height), slice(column, column + width))
            for row in self.begins[1]
            for column in self.begins[2]
        ]


@dataclass(frozen=True)
class Finished:
    """Planes that no patch adds to any more.

    Attributes
    ----------
    first : the first of them on the canvas
    averaged : of each tensor that was averaged: (channels, planes, rows, columns)
    """

    first: int
    averaged: Mapping[str, Floats]


def slide(
    planes: Planes,
    fed: NetworkInput,
    layout: Layout,
    run: Run,
    *,
    averaged: Sequence[str],
    at_once: int = 1,
    on_patch: Callable[[Mapping[str, Floats], tuple[int, int, int]], None] | None = None,
) -> Iterator[Finished]:
    """Run every patch.

    Parameters
    ----------
    averaged : tensors that hold something of each voxel
    at_once : patches
    on_patch : called with what each patch answered, and where on the canvas it begins
    """
    depth = layout.size[0]
    along = [weights(length, fed.weighting) for length in layout.size]
    share = _Share(layout, along)
    sums: dict[str, Floats] = {}
    for number, begin in enumerate(layout.begins[0]):
        slab = planes.take(range(begin, begin + depth))
        places = layout.in_plane()
        for first in range(0, len(places), at_once):
            part = places[first : first + at_once]
            answers = run(np.stack([slab[:, :, rows, columns] for rows, columns in part]))
            for at, (rows, columns) in enumerate(part):
                of_patch = {name: answer[at] for name, answer in answers.items()}
                if on_patch is not None:
                    on_patch(of_patch, (begin, rows.start, columns.start))
                for name in averaged:
                    _add(sums, name, of_patch[name], share, (rows, columns))
        following = (*layout.begins[0], layout.canvas[0])[number + 1]
        yield share.finish(sums, begin, following - begin)


class _Share:
    """The weights of one patch and the sums of those of all."""

    def __init__(self, layout: Layout, along: list[Floats]) -> None:
        self.patch: Floats = (
            along[0][:, None, None] * along[1][None, :, None] * along[2][None, None, :]
        )
        self.shape = (layout.size[0], *layout.canvas[1:])
        self._totals = [
            total_weights(length, patch, begins, weight)
            for length, patch, begins, weight in zip(
                layout.canvas, layout.size, layout.begins, along, strict=True
            )
        ]

    def finish(self, sums: dict[str, Floats], begin: int, count: int) -> Finished:
        """Take the first `count` planes out of the sums and divide them by their weights."""
        planes, rows, columns = self._totals
        in_plane = (rows[:, None] * columns[None, :]).astype(np.float32)
        averaged = {}
        for name, total in sums.items():
            done = total[:, :count] / in_plane
            done /= planes[begin : begin + count].astype(np.float32)[None, :, None, None]
            averaged[name] = done
            total[:, : total.shape[1] - count] = total[:, count:]
            total[:, total.shape[1] - count :] = 0.0
        return Finished(begin, averaged)


def _add(
    sums: dict[str, Floats],
    name: str,
    answer: Floats,
    share: _Share,
    place: tuple[slice, slice],
) -> None:
    if name not in sums:
        sums[name] = np.zeros((answer.shape[0], *share.shape), dtype=np.float32)
    rows, columns = place
    sums[name][:, :, rows, columns] += answer * share.patch
