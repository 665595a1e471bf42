"""Grids for head studies: thick axial slices from the skull base to the vertex."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firstread.phantom.grid import ORIENTATIONS, PhantomGrid
from firstread.phantom.posture import Posture

CENTRE_MM = (0.0, 0.0, 6.0)
"""Middle of the field of view: the skull base lies 80 mm below it, the vertex 85 mm above."""

QUICK_HEAD_GRID = ((18, 96, 96), (9.0, 2.4, 2.4))
"""Shape and spacing (mm) of a small study for tests."""


def head_grid(
    shape: tuple[int, int, int] = (36, 512, 512),
    spacing_mm: tuple[float, float, float] = (5.0, 0.46, 0.46),
    orientation: str | NDArray[np.float64] = "axial_to_head",
    posture: Posture | None = None,
) -> PhantomGrid:
    """A grid around the middle of the head.

    Parameters
    ----------
    shape : slices, rows, columns
    spacing_mm : between slices, rows, columns
    orientation : as for the chest: a name of `ORIENTATIONS`, or a 3 x 3 matrix
    posture : how the head lies; a turn leaves the middle of the skull base in its place
    """
    directions = ORIENTATIONS[orientation] if isinstance(orientation, str) else orientation
    affine = np.eye(4)
    affine[:3, :3] = directions * np.asarray(spacing_mm)
    middle = (np.asarray(shape) - 1) / 2.0
    affine[:3, 3] = np.asarray(CENTRE_MM) - affine[:3, :3] @ middle
    return PhantomGrid(shape, affine, posture or Posture())
