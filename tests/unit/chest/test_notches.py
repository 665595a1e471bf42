"""Airless lung at the ribs leaves a notch, which is filled; what bulges in elsewhere is none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from chest.lungs.notches import close_notches

PIXEL_MM = 1.4
SIZE = 200
MIDDLE = SIZE // 2
Masks = NDArray[np.bool_]


def _disc(row: float, column: float, radius: float) -> Masks:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    inside: Masks = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
    return inside


def _lungs(radius: float = 43) -> Masks:
    """One slice with two round lungs of 60 mm radius."""
    return (_disc(100, 50, radius) | _disc(100, 150, radius))[None]


def _mirrored(mask: Masks, side: str) -> Masks:
    return mask if side == "left" else mask[..., ::-1]


def _covered(lung: Masks, of: Masks) -> float:
    return float(lung[of].mean())


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("row", "column"), [(100, 193), (143, 160)], ids=["beside", "behind"])
def test_a_wide_notch_at_the_ribs_is_filled(side: str, row: int, column: int) -> None:
    """So wide that a disc of 20 mm reaches deep into it."""
    whole = _mirrored(_lungs(), side)
    notch = _mirrored(_disc(row, column, 26)[None], side) & whole
    closed = close_notches(whole & ~notch, notch, PIXEL_MM)
    assert _covered(closed, notch) > 0.5  # up to the chord between its lips
    beyond = _mirrored(closed, side) & ~_lungs(radius=44)
    assert not beyond[..., 150:].any()


@pytest.mark.parametrize("side", ["left", "right"])
def test_what_bulges_into_a_lung_from_the_middle_stays_out(side: str) -> None:
    """The aorta, which a network takes for disease."""
    whole = _mirrored(_lungs(), side)
    aorta = _mirrored(_disc(120, 110, 20)[None], side) & whole
    closed = close_notches(whole & ~aorta, aorta, PIXEL_MM)
    assert _covered(closed, aorta) < 0.2


def test_a_dome_with_lung_around_it_stays_out() -> None:
    """Lung behind it and beside it: the base of a lung around the liver."""
    whole = _lungs()
    dome = _disc(85, 150, 30)[None]
    around = whole & ~dome & (np.arange(SIZE)[:, None] > 70)
    closed = close_notches(around, dome, PIXEL_MM)
    assert _covered(closed, dome) < 0.2


def test_where_nothing_is_wanted_nothing_is_closed() -> None:
    whole = _lungs()
    notched = whole & ~_disc(100, 193, 26)[None]
    assert np.array_equal(close_notches(notched, np.zeros_like(whole), PIXEL_MM), notched)
