"""The same chest, shifted, turned and with another breath: what changes, and what does not."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from chest.values.regions import LesionLabel
from phantom import (
    Breath,
    LobeLabel,
    Posture,
    make_phantom,
    phantom_grid,
)
from phantom.study import StudyIdentity

CUBE = ((66, 70, 70), (5.0, 5.0, 5.0))
MOVED = Posture(turn_degrees=(10.0, 0.0, 0.0), shift_mm=(15.0, 0.0, 0.0))
EXHALED = Posture(breath=Breath(lift_mm=35.0, narrowing=0.05))

quick_phantom = partial(make_phantom, twigs=10, noise_hu=0.0)


@pytest.mark.parametrize("posture", [MOVED, EXHALED, Posture((3, 4, 5), (1, 2, 3), Breath(-20))])
def test_a_posture_is_undone(posture: Posture) -> None:
    """Any place of the body is found again where the posture put it."""
    places = np.random.default_rng(1).uniform(-150.0, 150.0, size=(500, 3))
    np.testing.assert_allclose(posture.body(posture.place(places)), places, atol=0.01)


def test_a_moved_chest_keeps_its_volumes() -> None:
    """Lying differently on the table changes no volume of lungs, lobes or lesions."""
    straight = quick_phantom(grid=phantom_grid(*CUBE))
    moved = quick_phantom(grid=phantom_grid(*CUBE, posture=MOVED))
    assert moved.lung_ml() == pytest.approx(straight.lung_ml(), rel=0.01)
    assert moved.lesion_ml() == pytest.approx(straight.lesion_ml(), rel=0.03)
    assert (moved.lungs != straight.lungs).mean() > 0.01


def test_another_breath_takes_air_from_the_lower_lobes() -> None:
    """A diaphragm that stands higher leaves less room below than above, and denser lung."""
    full = quick_phantom(grid=phantom_grid(*CUBE))
    less = quick_phantom(grid=phantom_grid(*CUBE, posture=EXHALED))
    kept = {
        lobe: np.count_nonzero(less.lobes == lobe) / np.count_nonzero(full.lobes == lobe)
        for lobe in LobeLabel
        if lobe is not LobeLabel.NONE
    }
    assert all(0.6 < share < 0.96 for share in kept.values())
    assert kept[LobeLabel.RIGHT_LOWER] < kept[LobeLabel.RIGHT_UPPER]
    healthy = [
        float(np.median(one.volume.hounsfield[(one.lungs > 0) & (one.lesions == LesionLabel.NONE)]))
        for one in (full, less)
    ]
    assert healthy[1] > healthy[0] + 10


@pytest.mark.parametrize("posture", [MOVED, EXHALED])
def test_labels_of_a_posture_are_the_truth_at_each_place(posture: Posture) -> None:
    """Asked by place in the patient, the phantom answers what its label maps hold."""
    grid = phantom_grid((30, 32, 32), (9.0, 9.0, 9.0), posture=posture)
    phantom = quick_phantom(grid=grid)
    places = phantom.volume.positions_mm(np.argwhere(np.ones(grid.shape, dtype=bool)))
    lungs, lesions = phantom.labels_at(places)
    assert np.mean(lungs == phantom.lungs.reshape(-1)) > 0.999
    assert np.mean(lesions == phantom.lesions.reshape(-1)) > 0.999


def test_another_posture_is_another_study() -> None:
    """Two acquisitions of one chest on the same grid do not share their UIDs."""
    grids = [phantom_grid((8, 16, 16), (40.0, 24.0, 24.0), posture=p) for p in (Posture(), MOVED)]
    first, second = (StudyIdentity.of(quick_phantom(grid=grid)) for grid in grids)
    assert first.uid("study") != second.uid("study")


def test_a_breath_must_not_fold_the_chest() -> None:
    """A diaphragm lifted further than the lungs are high is no breath."""
    with pytest.raises(ValueError, match="fold"):
        Breath(lift_mm=160.0)
