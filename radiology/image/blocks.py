"""Blocks of voxels joined into one value each: the coarse grids that slow steps think on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Step = tuple[int, int, int]


def joined_blocks(
    voxels: NDArray[Any],
    step: Step,
    dtype: DTypeLike,
    *,
    join: Any = np.add,
    within: NDArray[Any] | None = None,
    outside: float | None = None,
) -> NDArray[Any]:
    """Join the voxels of each block, by default to their sum.

    Layer by layer, and whole planes at a time: what is added next is still in the cache. numpy's
    own sums over the axes of a folded array take ten times as long.

    Parameters
    ----------
    voxels : of three axes
    step : voxels of a block along each
    dtype : of the result
    join : a ufunc of two, such as `np.add` and `np.maximum`
    within : same shape; only where it is not 0 does a voxel count, elsewhere it is taken as 0
    outside : what blocks that reach beyond the end are filled with; None leaves them out

    Returns
    -------
    One value for each block.
    """
    pairs = list(zip(voxels.shape, step, strict=True))
    cells = tuple(-(-size // one) if outside is not None else size // one for size, one in pairs)
    rows, columns = cells[1] * step[1], cells[2] * step[2]
    filled = (step[0], rows, columns)
    joined = np.empty(cells, dtype=dtype)
    for index, block in enumerate(joined):
        layer = slice(index * step[0], (index + 1) * step[0])
        part = voxels[layer, :rows, :columns]
        if within is not None:
            part = np.where(within[layer, :rows, :columns] != 0, part, part.dtype.type(0))
        if part.shape != filled:
            whole = np.full(filled, outside, dtype=part.dtype)
            whole[: part.shape[0], : part.shape[1], : part.shape[2]] = part
            part = whole
        plane = join.reduce(part, axis=0, dtype=dtype)
        lines = join.reduce(plane.reshape(cells[1], step[1], columns), axis=1, dtype=dtype)
        np.copyto(block, lines[:, :: step[2]])
        for offset in range(1, step[2]):
            join(block, lines[:, offset :: step[2]], out=block)
    return joined
