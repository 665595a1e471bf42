"""Heat maps of a network's attention, on the slices of the original volume."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.declared.outputs.kinds import HeatMapOutput
from models.input.grid import Grid
from models.input.orient import Oriented
from models.output.probability import probabilities
from radiology.image.heat_map import HeatMap


def heat_levels(raw: NDArray[np.float32], output: HeatMapOutput) -> NDArray[np.float32]:
    """Levels 0…1 of the cells of several slices, shape (slices, cell rows, cell columns).

    Parameters
    ----------
    raw : shape (slices, cell rows, cell columns), or with channels before the cell rows
    """
    cells = raw[:, output.column] if raw.ndim == 4 else raw
    return probabilities(cells, output.answer.activation, axis=1)


def heat_map(
    raw: NDArray[np.float32], output: HeatMapOutput, grid: Grid, oriented: Oriented
) -> HeatMap:
    """The map of one plane.

    Parameters
    ----------
    raw : shape (cell rows, cell columns), or with channels before them
    """
    (level,) = heat_levels(raw[None], output)
    rows, columns = grid.rows, grid.columns
    return oriented.source_heat_map(
        HeatMap(
            levels=np.rint(np.clip(level, 0.0, 1.0) * 255.0).astype(np.uint8),
            top=-rows.offset * rows.step,
            left=-columns.offset * columns.step,
            height=rows.canvas * rows.step,
            width=columns.canvas * columns.step,
        )
    )


def by_slice(maps: dict[int, HeatMap], grid: Grid, oriented: Oriented) -> dict[int, HeatMap]:
    """Maps by plane of the canvas, by slice of the volume; none where planes run across them."""
    found: dict[int, HeatMap] = {}
    for plane in range(oriented.shape[0]):
        source = oriented.source_slice(plane)
        canvas = nearest_plane(plane, grid)
        if source is not None and canvas in maps:
            found[source] = maps[canvas]
    return found


def nearest_plane(plane: int, grid: Grid) -> int:
    """The plane of the canvas that is nearest to a plane of the volume."""
    place = (plane + 0.5) / grid.planes.step - 0.5 + grid.planes.offset
    return int(np.clip(round(place), 0, grid.planes.canvas - 1))
