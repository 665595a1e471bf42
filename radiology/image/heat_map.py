"""A heat map of a classifier on a slice: a small map, and the box of the slice that it covers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def _weights(pixels: int, first: float, length: float, cells: int) -> FloatArray:
    """Linear interpolation from cells that share a length to pixels, shape (pixels, cells)."""
    centres = np.arange(pixels) + 0.5
    at = np.clip((centres - first) / length * cells - 0.5, 0.0, cells - 1.0)
    weights = np.clip(1.0 - np.abs(at[:, None] - np.arange(cells)[None, :]), 0.0, None)
    weights[(centres < first) | (centres > first + length)] = 0.0
    result: FloatArray = weights.astype(np.float32)
    return result


def spread_out(
    cells: FloatArray,
    corner: tuple[float, float],
    size: tuple[float, float],
    shape: tuple[int, int],
) -> FloatArray:
    """Lay a coarse map over a part of a grid.

    Parameters
    ----------
    cells : shape (h, w); they share the part evenly
    corner : top and left of the part, in pixels of the grid from the outer edge of the first one
    size : height and width of the part; it may reach beyond the grid
    shape : rows and columns of the grid

    Returns
    -------
    float32, `shape`, linearly interpolated, 0 outside of the part
    """
    rows = _weights(shape[0], corner[0], size[0], cells.shape[0])
    columns = _weights(shape[1], corner[1], size[1], cells.shape[1])
    spread: FloatArray = rows @ cells.astype(np.float32) @ columns.T
    return spread


@dataclass(frozen=True)
class HeatMap:
    """A coarse map over a part of one slice.

    Attributes
    ----------
    levels : uint8, shape (h, w), 0…255 for 0…1; its cells share the box evenly
    top, left, height, width : of the box, in pixels of the slice, counted from the outer edge of
        its first pixel; it may reach beyond the slice
    """

    levels: NDArray[np.uint8]
    top: float
    left: float
    height: float
    width: float

    def upside_down(self, rows: int) -> HeatMap:
        """The map of the slice with its `rows` in the other order."""
        return replace(self, levels=self.levels[::-1], top=rows - self.top - self.height)

    def mirrored(self, columns: int) -> HeatMap:
        """The map of the slice with its `columns` in the other order."""
        return replace(self, levels=self.levels[:, ::-1], left=columns - self.left - self.width)

    def transposed(self) -> HeatMap:
        """The map of the slice with rows for columns."""
        return HeatMap(self.levels.T, self.left, self.top, self.width, self.height)

    def on_slice(self, shape: tuple[int, int]) -> FloatArray:
        """The map on the rows and columns of its slice, 0…1; 0 outside of its box."""
        cells = self.levels.astype(np.float32) / np.float32(255.0)
        return spread_out(cells, (self.top, self.left), (self.height, self.width), shape)

    def facts(self) -> dict[str, Any]:
        """The box and the highest level, without the map."""
        box = [round(one, 2) for one in (self.top, self.left, self.height, self.width)]
        return {"box": box, "highest": round(int(self.levels.max(initial=0)) / 255.0, 3)}
