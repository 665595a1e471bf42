"""Where a classifier looked in a slice: a small map and the box of the slice that it covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


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

    def facts(self) -> dict[str, Any]:
        """The box and the highest level, without the map."""
        box = [round(one, 2) for one in (self.top, self.left, self.height, self.width)]
        return {"box": box, "highest": round(int(self.levels.max(initial=0)) / 255.0, 3)}
