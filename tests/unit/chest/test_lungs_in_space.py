"""The body, whole lungs, the trachea and the domes, each on bodies made of boxes and discs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from chest.lungs.body import find_body
from chest.lungs.domes import resting_on_diaphragm
from chest.lungs.trachea import trachea_mm
from chest.lungs.whole_lungs import keep_lungs
from chest.values.regions import LungLabel

AIR_HU, LUNG_HU, SOFT_HU = -1000.0, -860.0, 40.0
SHAPE = (30, 128, 128)
MM = (5.0, 2.5, 2.5)
RIGHT = (slice(6, 26), slice(40, 80), slice(30, 56))
LEFT = (slice(6, 26), slice(40, 80), slice(72, 98))


def _patient() -> NDArray[np.float32]:
    hu = np.full(SHAPE, AIR_HU, dtype=np.float32)
    hu[:, 30:90, 20:108] = SOFT_HU
    hu[RIGHT] = hu[LEFT] = LUNG_HU
    return hu


def _lungs() -> NDArray[np.bool_]:
    lungs = np.zeros(SHAPE, dtype=bool)
    lungs[RIGHT] = lungs[LEFT] = True
    return lungs


def _labels() -> NDArray[np.uint8]:
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[RIGHT], labels[LEFT] = LungLabel.RIGHT, LungLabel.LEFT
    return labels


def test_the_body_holds_the_lungs_and_no_table() -> None:
    """The table's plate touches the back; below it lie foam and room air."""
    hu = _patient()
    hu[:, 90:92] = SOFT_HU
    hu[:, 92:110] = -950.0
    hu[:, 110:112] = 300.0
    body = find_body(hu, _lungs(), MM[1])
    assert body[RIGHT].all()
    assert body[LEFT].all()
    assert not body[:, 96:].any()
    assert not body[:, :28].any()


def test_a_square_of_odd_size_is_looked_at_as_it_is() -> None:
    """A bundle may declare any size."""
    hu = _patient()[:, 1:, 1:]
    body = find_body(hu, _lungs()[:, 1:, 1:], MM[1])
    assert body.shape == hu.shape
    assert body[6:26, 39:79, 29:55].all()
    assert not body[:, :27].any()


def test_arms_beside_the_body_leave_the_air_between_them_outside() -> None:
    """Three centimetres of air lie between the trunk and either arm."""
    hu = _patient()
    hu[:, 45:75, 0:8] = hu[:, 45:75, 120:128] = SOFT_HU
    body = find_body(hu, _lungs(), MM[1])
    assert not body[:, :, 9:18].any()
    assert not body[:, :, 110:119].any()


def test_a_thin_chest_wall_still_closes_the_body() -> None:
    """Two pixels, 5 mm, of tissue in front of the lungs: less than a table's plate."""
    hu = _patient()
    hu[:, 30:38] = AIR_HU
    body = find_body(hu, _lungs(), MM[1])
    assert body[RIGHT].all()


def test_lungs_that_the_field_of_view_cuts_off_stay_in_the_body() -> None:
    hu, lungs = _patient(), _lungs()
    hu[:, 30:90, :20] = SOFT_HU
    hu[6:26, 40:80, :30] = LUNG_HU
    lungs[6:26, 40:80, :30] = True
    body = find_body(hu, lungs, MM[1])
    assert body[6:26, 42:78, 2:56].all()


def test_without_soft_tissue_there_is_no_body() -> None:
    empty = np.full(SHAPE, AIR_HU, dtype=np.float32)
    assert not find_body(empty, np.zeros(SHAPE, dtype=bool), MM[1]).any()


def test_bowel_gas_far_from_the_lungs_goes_and_a_piece_beside_them_stays() -> None:
    lungs = _lungs()
    bowel, piece = np.zeros_like(lungs), np.zeros_like(lungs)
    bowel[0:4, 50:70, 60:80] = True
    piece[8:12, 81:90, 35:50] = True  # cut off from the right lung by 2.5 mm of disease
    kept = keep_lungs(lungs | bowel | piece, MM)
    assert np.array_equal(kept, lungs | piece)


def test_the_trachea_above_the_lungs_is_no_lung() -> None:
    """It hangs on the left lung; above the tip nothing is kept that is as narrow."""
    lungs = _lungs()
    lungs[25:30, 58:63, 71:74] = True
    assert np.array_equal(keep_lungs(lungs, MM)[:26], lungs[:26])
    assert not keep_lungs(lungs, MM)[26:].any()


def test_one_lung_alone_is_kept() -> None:
    """The other is filled with fluid."""
    right = _lungs()
    right[LEFT] = False
    assert np.array_equal(keep_lungs(right, MM), right)
    nothing = np.zeros_like(right)
    assert not keep_lungs(nothing, MM).any()


def test_a_trachea_is_as_long_as_the_slices_that_show_it() -> None:
    hu, labels = _patient(), _labels()
    assert trachea_mm(hu, labels, MM[:2]) == 0.0
    hu[16:30, 52:58, 61:67] = AIR_HU
    assert trachea_mm(hu, labels, MM[:2]) == pytest.approx(10 * 5.0)  # up to the last lung
    hu[20] = SOFT_HU
    assert trachea_mm(hu, labels, MM[:2]) == pytest.approx(5 * 5.0)


def test_gas_beside_the_middle_or_far_too_wide_is_no_trachea() -> None:
    hu, labels = _patient(), _labels()
    hu[16:30, 52:58, 90:96] = AIR_HU  # a bulla in the left lung
    hu[16:30, 36:80, 57:71] = AIR_HU  # the stomach, pulled up
    assert trachea_mm(hu, labels, MM[:2]) == 0.0
    assert trachea_mm(hu, np.zeros_like(labels), MM[:2]) == 0.0


def test_a_thin_cap_on_the_diaphragm_goes_and_what_reaches_up_from_it_stays() -> None:
    """A dome's edge is a slice high; a pneumonia at the base is four."""
    hu, lungs = _patient(), _lungs()
    lesion = np.zeros_like(lungs)
    lesion[6, 45:55, 35:50] = True  # on soft tissue, 5 mm high
    lesion[6:10, 60:70, 35:50] = True  # on soft tissue, 20 mm high
    lesion[15, 45:55, 80:90] = True  # in the middle of the lung, 5 mm high
    rests = resting_on_diaphragm(lesion, lungs, hu, MM[0])
    expected = np.zeros_like(lungs)
    expected[6, 45:55, 35:50] = True
    assert np.array_equal(rests, expected)


def test_a_cap_below_the_last_slice_counts_too() -> None:
    """The run ends with the stack."""
    hu = np.full((3, 16, 16), SOFT_HU, dtype=np.float32)
    lung = np.zeros((3, 16, 16), dtype=bool)
    lung[2] = True
    rests = resting_on_diaphragm(lung.copy(), lung, hu, 5.0)
    assert np.array_equal(rests, lung)
