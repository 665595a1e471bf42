"""What the network is fed keeps anatomy's proportions, and goes back to where it came from."""

from __future__ import annotations

import numpy as np
import pytest

from models.schema_2.networks import InputGrid
from models.schema_2.preprocess import SquareFit, fit_of, to_patches
from radiology.image.volume import Volume

GRID = InputGrid(name="patch", size=256, window_low_hu=-1250.0, window_high_hu=250.0)


def _volume(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Volume:
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *spacing, 1.0
    return Volume(np.full(shape, -500.0, dtype=np.float32), affine)


def test_window_maps_hounsfield_to_zero_and_one() -> None:
    volume = _volume((1, 64, 64), (2.0, 1.0, 1.0))
    for hu, expected in [
        (-3000.0, 0.0),
        (-1250.0, 0.0),
        (-500.0, 0.5),
        (250.0, 1.0),
        (3000.0, 1.0),
    ]:
        volume.hounsfield[:] = hu
        patches = to_patches(volume, fit_of(volume, GRID), GRID)
        assert patches.shape == (1, 1, 256, 256)
        assert patches.dtype == np.float32
        assert patches == pytest.approx(expected, abs=1e-6)


def test_padding_does_not_bleed_into_its_neighbours() -> None:
    """Outside the scanner's circle lies −2000, which counts as the window's lower end."""
    volume = _volume((1, 512, 512), (2.0, 0.7, 0.7))
    volume.hounsfield[0, :, :255] = -2000.0
    patch = to_patches(volume, fit_of(volume, GRID), GRID)[0, 0]
    assert patch[:, 129:] == pytest.approx(0.5, abs=1e-6)
    assert patch.min() == 0.0


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((512, 512), (0.7, 0.7)),
        ((512, 512), (0.5, 1.0)),
        ((300, 512), (0.8, 0.8)),
        ((64, 64), (4.0, 4.0)),
    ],
)
def test_a_square_in_mm_is_square_for_the_network(
    shape: tuple[int, int], spacing: tuple[float, float]
) -> None:
    fit = SquareFit.of(shape, spacing, 256)
    rows_mm = spacing[0] * fit.pixel_scale[0]
    columns_mm = spacing[1] * fit.pixel_scale[1]
    assert rows_mm == pytest.approx(columns_mm, rel=0.01)


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((512, 512), (0.7, 0.7)),
        ((300, 400), (0.8, 0.8)),
        ((400, 400), (0.6, 1.1)),
        ((512, 401), (1.0, 1.0)),
    ],
)
def test_a_mask_comes_back_to_its_place(
    shape: tuple[int, int], spacing: tuple[float, float]
) -> None:
    """A box that went to the square and back has its centre and its size."""
    volume = _volume((1, *shape), (2.0, *spacing))
    volume.hounsfield[:] = GRID.window_low_hu
    box = (slice(shape[0] // 4, shape[0] // 2), slice(shape[1] // 3, shape[1] // 2))
    volume.hounsfield[0][box] = GRID.window_high_hu
    fit = fit_of(volume, GRID)
    patch = to_patches(volume, fit, GRID)[0, 0]
    back = fit.from_square(np.rint(patch * 255).astype(np.uint8)) >= 128
    assert back.shape == shape
    truth = volume.hounsfield[0] > 0
    dice = 2 * (back & truth).sum() / (back.sum() + truth.sum())
    assert dice > 0.97
    scale = max(fit.pixel_scale)
    for axis in (0, 1):
        found, expected = np.nonzero(back)[axis].mean(), np.nonzero(truth)[axis].mean()
        assert abs(found - expected) <= 0.5 * scale


@pytest.mark.parametrize(
    ("shape", "spacing", "most_off"),
    [((512, 512), (0.7, 0.7), 0), ((500, 620), (0.7, 0.7), 2), ((64, 64), (5.0, 5.0), 0)],
)
def test_a_part_of_a_slice_is_what_the_whole_has_there(
    shape: tuple[int, int], spacing: tuple[float, float], most_off: int
) -> None:
    """Wide parts, tall ones, and such at the edges; and nothing shows beside what is around.

    In noise, which is the worst case; a scale that is no power of two rounds otherwise, rarely.
    """
    fit = SquareFit.of(shape, spacing, 256)
    random = np.random.default_rng(2)
    square = random.integers(0, 256, (256, 256)).astype(np.uint8)
    whole = fit.from_square(square)
    for _ in range(40):
        rows, columns = (
            slice(*sorted(random.choice(size + 1, 2, replace=False).tolist())) for size in shape
        )
        part = fit.from_square_within(square, (rows, columns))
        off = np.abs(part.astype(np.int16) - whole[rows, columns])
        assert off.max(initial=0) <= most_off
        assert np.count_nonzero(off) <= max(0.1 * off.size, 2)
    spot = np.zeros((256, 256), dtype=bool)
    spot[100:120, 90:131] = True
    window = fit.around(spot)
    assert window is not None
    shown = fit.from_square(spot.astype(np.uint8) * 255).copy()
    shown[window] = 0
    assert not shown.any()
    assert fit.around(np.zeros_like(spot)) is None
