"""Fat is known by its density, and by being even."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from chest.lungs.fat import find_fat

BOX = np.s_[1, 20:40, 20:40]
INNER = np.s_[1, 22:38, 22:38]


def _found(box_hu: float, noise_hu: float, around_hu: float = -860.0) -> NDArray[np.bool_]:
    """Of a box in a lung, with noise; all of the box is wanted."""
    hounsfield = np.full((3, 60, 60), around_hu, dtype=np.float32)
    hounsfield[BOX] = box_hu
    noise = np.random.default_rng(7).standard_normal(hounsfield.shape) * noise_hu
    hounsfield += noise.astype(np.float32)
    even = np.stack([ndimage.uniform_filter(one, 3) for one in hounsfield])
    wanted = np.zeros(hounsfield.shape, dtype=bool)
    wanted[BOX] = True
    return find_fat(hounsfield, even, wanted)


def test_fat_is_found_and_nothing_beside_it() -> None:
    found = _found(-100.0, 10.0)
    assert found[INNER].all()
    assert found.sum() <= 400


@pytest.mark.parametrize(
    ("hounsfield", "noise"),
    [(20.0, 10.0), (-250.0, 10.0), (-550.0, 10.0), (-100.0, 120.0)],
    ids=["no air", "little air", "ground glass", "air and none side by side"],
)
def test_an_opacity_is_no_fat(hounsfield: float, noise: float) -> None:
    assert not _found(hounsfield, noise).any()


def test_consolidation_in_fat_stays() -> None:
    """Its border passes the density of fat, and is not even."""
    assert not _found(20.0, 10.0, around_hu=-100.0)[INNER].any()
