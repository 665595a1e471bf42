"""The phantom is true: what it says of a place holds on every grid."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chest.values.regions import LesionLabel, LungLabel
from phantom import (
    ORIENTATIONS,
    TYPICAL_LESIONS,
    Chest,
    Lesion,
    LobeLabel,
    Phantom,
    make_phantom,
    phantom_grid,
    rotation,
)

CUBE = ((50, 50, 50), (7.0, 7.0, 7.0))


quick_phantom = partial(make_phantom, twigs=10)


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return make_phantom(grid=phantom_grid((75, 144, 144), (4.0, 2.5, 2.5)))


def test_tissues_have_their_usual_attenuation(phantom: Phantom) -> None:
    """Lung, ground glass, consolidation and muscle are what a reader expects in HU."""
    hounsfield = phantom.volume.hounsfield
    healthy = hounsfield[(phantom.lungs > 0) & (phantom.lesions == 0)]
    assert np.median(healthy) == pytest.approx(-860, abs=25)
    assert np.median(hounsfield[phantom.lesions == LesionLabel.GROUND_GLASS]) == pytest.approx(
        -560, abs=60
    )
    assert np.median(hounsfield[phantom.lesions == LesionLabel.CONSOLIDATION]) == pytest.approx(
        10, abs=40
    )
    tissue = hounsfield[(hounsfield > 0) & (hounsfield < 100)]
    assert np.median(tissue) == pytest.approx(50, abs=10)
    assert hounsfield.min() >= -1024
    assert hounsfield.max() > 500  # bone


def test_contrast_medium_is_in_the_blood_alone() -> None:
    """A heart with its great vessels is 150 HU brighter, and nothing is darker."""
    plain, enhanced = (
        quick_phantom(grid=phantom_grid(*CUBE), noise_hu=0.0, enhanced_by_hu=more)
        for more in (0.0, 150.0)
    )
    brighter = enhanced.volume.hounsfield - plain.volume.hounsfield
    assert brighter.max() == pytest.approx(150.0, abs=1.0)
    assert brighter.min() >= -0.01
    filled_ml = float(np.count_nonzero(brighter > 75.0)) * plain.volume.voxel_ml
    assert 400.0 < filled_ml < 1300.0
    assert np.array_equal(plain.lungs, enhanced.lungs)
    assert float(np.median(brighter[plain.lesions > 0])) == pytest.approx(0.0, abs=1.0)


def test_the_lungs_have_the_size_of_an_adults(phantom: Phantom) -> None:
    """Both lungs hold some litres; the right one, with the smaller heart beside it, more."""
    assert 3500 < phantom.lung_ml() < 6000
    assert phantom.lung_ml(LungLabel.RIGHT) > phantom.lung_ml(LungLabel.LEFT) > 1500
    assert phantom.lung_ml() == pytest.approx(
        phantom.lung_ml(LungLabel.RIGHT) + phantom.lung_ml(LungLabel.LEFT)
    )


def test_lesions_lie_in_lungs_on_both_sides(phantom: Phantom) -> None:
    """No lesion voxel lies outside the lungs, and the typical disease is in both."""
    assert not ((phantom.lesions > 0) & (phantom.lungs == 0)).any()
    for side in (LungLabel.RIGHT, LungLabel.LEFT):
        assert ((phantom.lesions > 0) & (phantom.lungs == side)).any()
    assert phantom.lesion_ml() == pytest.approx(
        phantom.lesion_ml(LesionLabel.GROUND_GLASS) + phantom.lesion_ml(LesionLabel.CONSOLIDATION)
    )


def test_five_lobes_fill_the_lungs(phantom: Phantom) -> None:
    """Every lung voxel belongs to one lobe of its side, and each lobe has a fair share."""
    np.testing.assert_array_equal(phantom.lobes > 0, phantom.lungs > 0)
    right = {LobeLabel.RIGHT_UPPER, LobeLabel.RIGHT_MIDDLE, LobeLabel.RIGHT_LOWER}
    assert set(np.unique(phantom.lobes[phantom.lungs == LungLabel.RIGHT])) == right
    for lobe in LobeLabel:
        if lobe is not LobeLabel.NONE:
            assert np.mean(phantom.lobes[phantom.lungs > 0] == lobe) > 0.05


def test_the_right_lung_is_on_the_right(phantom: Phantom) -> None:
    """In LPS the patient's right has negative x, and the lower lobes lie below."""
    places = phantom.volume.positions_mm(np.argwhere(phantom.lungs == LungLabel.RIGHT))
    assert (places[:, 0] < 0).all()
    upper = phantom.volume.positions_mm(np.argwhere(phantom.lobes == LobeLabel.RIGHT_UPPER))
    lower = phantom.volume.positions_mm(np.argwhere(phantom.lobes == LobeLabel.RIGHT_LOWER))
    assert upper[:, 2].mean() > lower[:, 2].mean() + 50


def test_a_healthy_chest_has_no_lesion() -> None:
    """Without lesions nothing is labelled, and what lies there is aerated lung."""
    grid = phantom_grid(*CUBE)
    healthy = quick_phantom(grid=grid, lesions=())
    diseased = quick_phantom(grid=grid)
    assert healthy.lesion_ml() == 0.0
    assert not healthy.lesions.any()
    where = diseased.lesions > 0
    assert np.median(healthy.volume.hounsfield[where]) < -800
    np.testing.assert_array_equal(healthy.lungs, diseased.lungs)


def test_the_same_seed_gives_the_same_phantom() -> None:
    """Nothing in a phantom is left to chance but the seed."""
    first, second = (quick_phantom(seed=7, grid=phantom_grid(*CUBE)) for _ in range(2))
    np.testing.assert_array_equal(first.volume.hounsfield, second.volume.hounsfield)
    other = quick_phantom(seed=8, grid=phantom_grid(*CUBE))
    assert other.chest != first.chest
    assert (other.lungs != first.lungs).any()


@pytest.mark.parametrize("seed", range(8))
def test_every_seed_gives_a_plausible_chest(seed: int) -> None:
    """Bodies differ, but each has two lungs, five lobes and all its lesions."""
    phantom = quick_phantom(seed=seed, grid=phantom_grid((50, 60, 60), (6.0, 6.0, 6.0)))
    assert 3000 < phantom.lung_ml() < 6500
    assert len(np.unique(phantom.lobes)) == 6
    for lesion in TYPICAL_LESIONS:
        places = np.random.default_rng(1).uniform(*np.array(lesion.box), size=(4000, 3))
        _, found = replace(phantom, specified_lesions=(lesion,)).labels_at(places)
        assert (found == lesion.kind).mean() > 0.05


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_volumes_are_the_same_in_any_orientation(orientation: str) -> None:
    """The truth belongs to the patient, not to the grid that cuts him."""
    phantom = quick_phantom(grid=phantom_grid(*CUBE, orientation=orientation), noise_hu=0.0)
    axial = quick_phantom(grid=phantom_grid(*CUBE), noise_hu=0.0)
    assert phantom.lung_ml() == axial.lung_ml()
    assert phantom.lesion_ml() == axial.lesion_ml()
    turned, order = phantom.volume.canonical()
    expected, _ = axial.volume.canonical()
    np.testing.assert_allclose(turned.affine, expected.affine, atol=1e-9)
    np.testing.assert_array_equal(order.apply(phantom.lesions), axial.lesions)
    np.testing.assert_allclose(turned.hounsfield, expected.hounsfield, atol=0.5)


@settings(max_examples=10)
@given(
    angles=st.tuples(*[st.floats(-40, 40)] * 3),
    lean=st.floats(-0.4, 0.4),
    spacing=st.tuples(st.floats(5, 12), st.floats(5, 9), st.floats(5, 9)),
)
def test_labels_are_the_truth_at_each_voxels_place(
    angles: tuple[float, float, float], lean: float, spacing: tuple[float, float, float]
) -> None:
    """Oblique, sheared, with any spacing: a label map holds what is true at each centre."""
    turn = rotation(about_x=angles[0], about_y=angles[1], about_z=angles[2])
    directions = turn @ ORIENTATIONS["axial_to_head"]
    directions[:, 0] += lean * directions[:, 1]
    phantom = quick_phantom(grid=phantom_grid((24, 32, 32), spacing, directions), noise_hu=0.0)
    places = phantom.volume.positions_mm(np.argwhere(np.ones(phantom.volume.shape, dtype=bool)))
    lungs, lesions = phantom.labels_at(places)
    # Coordinates are float32: a voxel within a micrometre of an edge may fall on either side
    assert np.mean(lungs == phantom.lungs.reshape(-1)) > 0.9999
    assert np.mean(lesions == phantom.lesions.reshape(-1)) > 0.9999


def test_a_lesion_has_the_volume_of_its_ellipsoid() -> None:
    """Deep in a lung, where nothing cuts it, a lesion has the volume that its radii give."""
    lesion = Lesion(LesionLabel.CONSOLIDATION, (-75.0, 20.0, -30.0), (20.0, 15.0, 18.0), seed=3)
    phantom = quick_phantom(grid=phantom_grid((100, 120, 120), (3.0, 3.0, 3.0)), lesions=[lesion])
    ellipsoid_ml = 4 / 3 * np.pi * 20 * 15 * 18 / 1000
    assert phantom.lesion_ml() == pytest.approx(ellipsoid_ml, rel=0.15)


def test_a_finer_grid_finds_the_same_volume() -> None:
    """The truth by counting voxels converges: half the spacing changes it by a percent."""
    coarse = quick_phantom(grid=phantom_grid((50, 60, 60), (6.0, 6.0, 6.0)), noise_hu=0.0)
    fine = quick_phantom(grid=phantom_grid((100, 120, 120), (3.0, 3.0, 3.0)), noise_hu=0.0)
    assert fine.lung_ml() == pytest.approx(coarse.lung_ml(), rel=0.01)
    assert fine.lesion_ml() == pytest.approx(coarse.lesion_ml(), rel=0.03)


def test_progress_is_told() -> None:
    """Steps are counted up to their announced number."""
    seen: list[tuple[int, int]] = []
    quick_phantom(
        grid=phantom_grid((8, 16, 16), (40.0, 24.0, 24.0)),
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert seen[-1] == (len(seen), len(seen))


def test_a_chest_is_inside_its_body() -> None:
    """Lungs lie inside the cavity, and the cavity inside the skin, for any body."""
    grid = phantom_grid((60, 60, 60), (6.0, 7.0, 7.0))
    point = grid.coordinates((slice(0, 60), slice(0, 60), slice(0, 60)))
    for seed in range(8):
        chest = Chest.random(seed)
        lungs, cavity = chest.lungs(point) <= 0, chest.cavity(point) <= 0
        inside_body = chest.body(point) <= -10
        assert not (lungs & ~cavity).any()
        assert not (lungs & ~inside_body).any()
