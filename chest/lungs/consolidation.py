"""Says how far consolidation reaches, and what is consolidation: density first, then the network.

All in means of 3 x 3 pixels; docs/case-level.md has the limits.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from chest.lungs.on_slices import EVEN
from chest.model.probability_maps import ByteMaps
from models.connected import Masks
from models.shifts import grown, grown_within, shrunk

LIGHT_BELOW_HU: Final = -400.0
SOLID_ABOVE_HU: Final = -200.0

_BESIDE_MM: Final = 4.0
_THICK: Final = np.ones((3, 3), dtype=bool)  # pixels
_CORNERS: Final = 2  # steps from what a square of them fits into to its corners


def with_airless_beside(
    counting: Masks, lung: Masks, even: NDArray[np.float32], pixel_mm: float
) -> Masks:
    """What counts, with the lung without air that lies within 4 mm of its own.

    A network that is sure of a consolidation is in doubt at its border. There density is not:
    nothing else in a lung is as dense but vessels, and of those it takes 4 mm.

    Parameters
    ----------
    counting, lung : shape (slices, rows, columns)
    even : HU, same shape
    """
    airless = lung & (even > SOLID_ABOVE_HU)
    steps = max(round(_BESIDE_MM / pixel_mm), 1)
    return counting | grown_within(counting & airless, steps, airless)


def share_of_consolidation(dense: ByteMaps, lesion: Masks, even: NDArray[np.float32]) -> ByteMaps:
    """The network's share of consolidation, made to agree with what density says.

    What density leaves open is the network's to say where it is at least three pixels thick: what
    is thinner is ground glass that shares its pixels with a vessel or with the wall.

    Parameters
    ----------
    dense : 255 = certain, shape (slices, rows, columns)
    lesion : same shape
    even : HU, same shape
    """
    decided = dense.copy()
    light, solid = lesion & (even < LIGHT_BELOW_HU), lesion & (even > SOLID_ABOVE_HU)
    decided[light] = np.minimum(decided[light], EVEN - 1)
    decided[solid] = np.maximum(decided[solid], EVEN)
    consolidation = lesion & (decided >= EVEN)
    thick = grown(shrunk(consolidation, _THICK), _THICK)
    thin = consolidation & ~solid & ~grown_within(thick, _CORNERS, consolidation)
    decided[thin] = EVEN - 1
    return decided
