"""Converts grey levels of a picture to HU, where its window is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def window_to_hounsfield(
    grey: NDArray[np.uint8], low_hu: float, high_hu: float
) -> NDArray[np.float32]:
    """HU from grey levels whose window is known; 0 and 255 are its ends."""
    hu = low_hu + grey.astype(np.float32) * ((high_hu - low_hu) / 255.0)
    return hu.astype(np.float32)
