"""A chest in which something was seen that is not sure enough to count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.unit.worker.encode.encoded_chest import ChestContext, with_chest


def with_possible(context: ChestContext) -> ChestContext:
    """What lies in the middle of the left lung on four slices was seen, and not surely enough."""
    possible = np.zeros(context.volume.shape, np.uint8)
    left = np.argwhere((context.regions.lungs == 2) & (context.regions.lesions == 0))
    middle = left.mean(axis=0).astype(int)
    possible[
        middle[0] : middle[0] + 4, middle[1] - 2 : middle[1] + 2, middle[2] : middle[2] + 3
    ] = 1
    return with_chest(context, regions=replace(context.regions, possible=possible))
