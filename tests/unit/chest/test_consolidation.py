"""How far consolidation reaches, and what is thick enough to be some."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chest.lungs.consolidation import share_of_consolidation, with_airless_beside

LUNG_HU, HAZE_HU, BETWEEN_HU, AIRLESS_HU = -860.0, -550.0, -300.0, 20.0
PIXEL_MM = 1.4
SHAPE = (2, 40, 40)
Masks = NDArray[np.bool_]


def _mask(*box: slice) -> Masks:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[(slice(None), *box)] = True
    return mask


def _called(even: NDArray[np.float32], network: int = 255) -> Masks:
    """What is consolidation where all is opacity, and the network says the same throughout."""
    dense = np.full(SHAPE, network, dtype=np.uint8)
    called: Masks = share_of_consolidation(dense, np.ones(SHAPE, dtype=bool), even) >= 128
    return called


def test_what_density_leaves_open_is_the_networks_to_say_where_it_is_thick() -> None:
    thick = _mask(slice(10, 20), slice(10, 20))
    even = np.where(thick, BETWEEN_HU, HAZE_HU).astype(np.float32)
    assert np.array_equal(_called(even), thick)
    assert not _called(even, network=0).any()


def test_a_thin_strip_in_ground_glass_is_none() -> None:
    """Pixels that it shares with the wall, or with a vessel."""
    strip = _mask(slice(10, 30), slice(10, 12))
    even = np.where(strip, BETWEEN_HU, HAZE_HU).astype(np.float32)
    assert not _called(even).any()


def test_a_thin_strip_without_air_is_consolidation_by_its_density() -> None:
    strip = _mask(slice(10, 30), slice(10, 12))
    even = np.where(strip, AIRLESS_HU, HAZE_HU).astype(np.float32)
    assert np.array_equal(_called(even, network=0), strip)


def test_the_border_of_consolidation_belongs_to_it() -> None:
    core, all_of_it = _mask(slice(12, 28), slice(12, 28)), _mask(slice(10, 30), slice(10, 30))
    even = np.where(core, AIRLESS_HU, np.where(all_of_it, BETWEEN_HU, HAZE_HU)).astype(np.float32)
    assert np.array_equal(_called(even), all_of_it)


def test_airless_lung_beside_what_counts_counts_too() -> None:
    """Up to 4 mm, within the lung, and only where both have no air."""
    airless = _mask(slice(10, 30), slice(10, 30))
    even = np.where(airless, AIRLESS_HU, LUNG_HU).astype(np.float32)
    lung = _mask(slice(0, 40), slice(0, 29))
    counting = _mask(slice(10, 30), slice(10, 20))
    reached = with_airless_beside(counting, lung, even, PIXEL_MM)
    assert np.array_equal(reached, _mask(slice(10, 30), slice(10, 23)))
    haze = with_airless_beside(counting, lung, np.full(SHAPE, HAZE_HU, np.float32), PIXEL_MM)
    assert np.array_equal(haze, counting)
    wide = with_airless_beside(_mask(slice(10, 30), slice(10, 28)), lung, even, PIXEL_MM)
    assert np.array_equal(wide, _mask(slice(10, 30), slice(10, 29)))
