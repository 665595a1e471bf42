"""What a polygon encloses, worked out without any of our code."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from worker.encode.outline import Points


def enclosed(polygons: list[Points], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels whose centre lies inside one of the polygons, by the even-odd rule."""
    rows, columns = np.indices(shape) + 0.5
    inside = np.zeros(shape, bool)
    for polygon in polygons:
        crossings = np.zeros(shape, bool)
        for (x0, y0), (x1, y1) in pairwise(polygon):
            if y0 != y1:
                between = (np.minimum(y0, y1) <= rows) & (rows < np.maximum(y0, y1))
                crossings ^= between & (columns < x0 + (rows - y0) * (x1 - x0) / (y1 - y0))
        inside |= crossings
    return inside
