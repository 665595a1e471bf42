"""The head is true: bleedings hold the blood that was asked for, wherever the head lies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstread.phantom.posture import Posture
from phantom.head import (
    QUICK_HEAD_GRID,
    Bleeding,
    BleedingLabel,
    Head,
    HeadPhantom,
    head_grid,
    make_head_phantom,
    random_bleedings,
)
from phantom.head.bleedings import place_bleeding

FINE = ((60, 110, 90), (3.0, 2.0, 2.0))

BLEEDINGS = {
    BleedingLabel.EXTRADURAL: Bleeding(BleedingLabel.EXTRADURAL, 30.0, (-60.0, -5.0, 15.0)),
    BleedingLabel.SUBDURAL: Bleeding(BleedingLabel.SUBDURAL, 40.0, (60.0, 5.0, 30.0)),
    BleedingLabel.INTRAPARENCHYMAL: Bleeding(
        BleedingLabel.INTRAPARENCHYMAL, 25.0, (26.0, 0.0, 4.0)
    ),
    BleedingLabel.INTRAVENTRICULAR: Bleeding(BleedingLabel.INTRAVENTRICULAR, 5.0),
}


def _head_with(*bleedings: Bleeding, posture: Posture | None = None) -> HeadPhantom:
    return make_head_phantom(
        grid=head_grid(*FINE, posture=posture), bleedings=bleedings, head=Head()
    )


@pytest.mark.parametrize("kind", BLEEDINGS, ids=lambda kind: kind.name.lower())
def test_a_bleeding_holds_the_blood_that_was_asked_for(kind: BleedingLabel) -> None:
    """Each kind, alone in a head, has its volume to within a few percent, at 55 to 75 HU."""
    phantom = _head_with(BLEEDINGS[kind])
    assert phantom.bleeding_ml(kind) == pytest.approx(BLEEDINGS[kind].volume_ml, rel=0.04)
    assert phantom.bleeding_ml() == phantom.bleeding_ml(kind)
    assert (phantom.cavity[phantom.bleedings > 0] == 1).mean() > 0.99
    middle = np.median(phantom.volume.hounsfield[phantom.bleedings > 0])
    assert 55.0 < middle < 75.0


@pytest.mark.parametrize(
    "posture",
    [Posture((12.0, 0.0, 0.0)), Posture((0.0, 9.0, -15.0), (8.0, -6.0, 4.0))],
    ids=["chin down", "turned and shifted"],
)
def test_a_posture_keeps_the_volume(posture: Posture) -> None:
    """A head that lies askew bleeds as much."""
    bleeding = BLEEDINGS[BleedingLabel.EXTRADURAL]
    phantom = _head_with(bleeding, posture=posture)
    assert phantom.bleeding_ml() == pytest.approx(bleeding.volume_ml, rel=0.04)


@settings(max_examples=10, deadline=None)
@given(
    kind=st.sampled_from([*BLEEDINGS][:3]),
    volume_ml=st.floats(2.0, 60.0),
    about=st.floats(-1.0, 1.0),
    up=st.floats(0.2, 0.7),
)
def test_any_place_and_volume_hold(
    kind: BleedingLabel, volume_ml: float, about: float, up: float
) -> None:
    """Wherever a bleeding lies, its size is solved for its volume."""
    at_mm = (40.0 * float(np.cos(about)), 40.0 * float(np.sin(about)), 40.0 * float(np.sin(up)))
    phantom = _head_with(Bleeding(kind, volume_ml, at_mm, seed=3))
    assert phantom.bleeding_ml() == pytest.approx(volume_ml, rel=0.06, abs=0.3)


def test_tissues_have_their_usual_attenuation() -> None:
    """Brain, fluid and bone are what a reader expects in HU; a healthy head has no blood."""
    phantom = _head_with()
    hounsfield, inside = phantom.volume.hounsfield, phantom.cavity > 0
    brain = hounsfield[inside & (hounsfield > 20) & (hounsfield < 50)]
    assert np.median(brain) == pytest.approx(34.0, abs=4.0)
    assert brain.size / np.count_nonzero(inside) > 0.5
    assert np.mean(hounsfield[inside] < 12.0) > 0.015  # ventricles and sulci
    assert np.percentile(hounsfield, 99.5) > 900.0  # bone
    assert hounsfield.min() >= -1024.0
    assert not phantom.bleedings.any()
    assert 1100.0 < phantom.cavity_ml() < 1800.0


def test_blood_in_the_ventricles_lies_at_the_back() -> None:
    """The patient lies on the back, and blood settles."""
    phantom = _head_with(BLEEDINGS[BleedingLabel.INTRAVENTRICULAR])
    places = phantom.volume.positions_mm(np.argwhere(phantom.bleedings > 0))
    assert places[:, 1].min() > 0.0


def test_a_bleeding_pushes_the_midline_away() -> None:
    """Blood at the left pushes towards the patient's right, and the other way round."""
    left = make_head_phantom(
        grid=head_grid(*QUICK_HEAD_GRID), bleedings=[Bleeding(BleedingLabel.SUBDURAL, 50.0)]
    )
    assert left.head.shift_mm < -4.0


def test_the_same_seed_makes_the_same_head() -> None:
    """Every voxel follows from the seed and the bleedings; another seed is another head."""
    grid = head_grid(*QUICK_HEAD_GRID)
    first, again, other = (
        make_head_phantom(seed=seed, grid=grid, bleedings=random_bleedings(5)) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first.volume.hounsfield, again.volume.hounsfield)
    np.testing.assert_array_equal(first.bleedings, again.bleedings)
    assert (first.volume.hounsfield != other.volume.hounsfield).mean() > 0.5


def test_too_much_blood_is_refused() -> None:
    """What a ventricle cannot hold is said, not shortened."""
    with pytest.raises(ValueError, match="no room for 500 ml intraventricular"):
        place_bleeding(Bleeding(BleedingLabel.INTRAVENTRICULAR, 500.0), Head())
