"""Patches that overlap give back exactly what lies under them, in bounded memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from models.declared.inputs import InputChannel, InputKind, Interpolation, NetworkInput, Weighting
from models.input.grid import Grid
from models.input.orient import Oriented
from models.input.planes import Planes
from models.input.resample import AxisPlan, Weights
from models.window.lay_out import starts, weights
from models.window.slide import Layout, slide
from tests.unit.models.reading.conftest import volume_of

FED = NetworkInput(
    network="main",
    tensor="patch",
    kind=InputKind.PATCHES_3D,
    orientation="SPL",
    spacing_mm=(None, None, None),
    size=(4, 4, 4),
    channels=(InputChannel(-1000.0, 1000.0, 0.0, 1.0),),
    interpolation=Interpolation.LINEAR,
    overlap=0.5,
)


def _slid(hounsfield: np.ndarray, fed: NetworkInput, run: Any) -> list[Any]:
    volume = volume_of(hounsfield, (1.0, 1.0, 1.0))
    oriented = Oriented.of(volume, fed.orientation)
    grid = Grid.of(oriented.shape, oriented.spacing_mm, fed)
    planes = Planes(oriented, grid, fed)
    return list(slide(planes, fed, Layout.of(grid.shape, fed), run, averaged=["out"], at_once=3))


@settings(max_examples=40)
@given(
    shape=st.tuples(*[st.integers(1, 11)] * 3),
    size=st.tuples(*[st.integers(1, 6)] * 3),
    overlap=st.floats(0.0, 0.9),
    weighting=st.sampled_from(Weighting),
    seed=st.integers(0, 99),
)
def test_a_network_that_changes_nothing_gives_back_the_volume(
    shape: tuple[int, int, int],
    size: tuple[int, int, int],
    overlap: float,
    weighting: Weighting,
    seed: int,
) -> None:
    """Whatever the patches and their weights; and every plane comes once, in order."""
    fed = replace(FED, size=size, overlap=overlap, weighting=weighting)
    hounsfield = np.random.default_rng(seed).uniform(-900, 900, shape).astype(np.float32)
    finished = _slid(hounsfield, fed, lambda patches: {"out": patches})
    at = 0
    for part in finished:
        assert part.first == at
        at += part.averaged["out"].shape[1]
    whole = np.concatenate([part.averaged["out"][0] for part in finished])
    offsets = [
        (max(length, patch) - length) // 2 for length, patch in zip(shape, size, strict=True)
    ]
    inside = tuple(
        slice(offset, offset + length) for offset, length in zip(offsets, shape, strict=True)
    )
    assert whole.shape == tuple(np.maximum(shape, size))
    assert whole[inside] == pytest.approx(hounsfield, rel=1e-5, abs=1e-3)
    whole[inside] = 0.0
    assert not whole.any()


def test_weighted_average_is_that_of_a_plain_sum_over_all_patches() -> None:
    """Against sums over the whole volume, with a network that answers by place in the patch."""
    hounsfield = np.random.default_rng(1).uniform(-9, 9, (9, 10, 11)).astype(np.float32)
    ramp = np.arange(64, dtype=np.float32).reshape(4, 4, 4)
    found = _slid(hounsfield, FED, lambda patches: {"out": patches * 2 + ramp})
    bell = weights(4, Weighting.GAUSSIAN).astype(np.float64)
    cube = bell[:, None, None] * bell[None, :, None] * bell[None, None, :]
    total, share = np.zeros(hounsfield.shape), np.zeros(hounsfield.shape)
    for z in starts(9, 4, 0.5):
        for y in starts(10, 4, 0.5):
            for x in starts(11, 4, 0.5):
                place = (slice(z, z + 4), slice(y, y + 4), slice(x, x + 4))
                total[place] += cube * (hounsfield[place] * 2 + ramp)
                share[place] += cube
    whole = np.concatenate([part.averaged["out"][0] for part in found])
    assert whole == pytest.approx(total / share, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize(
    ("length", "patch", "overlap", "wanted"),
    [
        (64, 64, 0.5, [0]),
        (96, 64, 0.5, [0, 32]),
        (110, 64, 0.5, [0, 23, 46]),  # nnU-Net's docstring: compute_steps_for_sliding_window
        (128, 64, 0.0, [0, 64]),
        (65, 64, 0.0, [0, 1]),
        (10, 64, 0.5, [0]),
    ],
)
def test_patches_are_spread_evenly(
    length: int, patch: int, overlap: float, wanted: list[int]
) -> None:
    assert starts(length, patch, overlap) == wanted


def test_bell_is_that_of_nnu_net() -> None:
    """A filtered point, an eighth of the patch wide, its peak 1; to the filter's cut-off."""
    point = np.zeros(65)
    point[32] = 1.0
    filtered = ndimage.gaussian_filter1d(point, 65 / 8, mode="constant", truncate=4.0)
    assert weights(65, Weighting.GAUSSIAN) == pytest.approx(filtered / filtered.max(), abs=5e-4)
    assert weights(65, Weighting.GAUSSIAN).min() > 0.0


def test_no_more_planes_are_held_than_a_patch_is_deep() -> None:
    """The planes of a long volume are made one after the other and forgotten."""
    fed = replace(FED, overlap=0.5)
    volume = volume_of(np.zeros((200, 4, 4)), (1.0, 1.0, 1.0))
    oriented = Oriented.of(volume, "SPL")
    planes = Planes(oriented, Grid.of(oriented.shape, oriented.spacing_mm, fed), fed)
    held = []

    def run(patches: np.ndarray) -> dict[str, np.ndarray]:
        held.append(len(planes._made))
        return {"out": patches}

    layout = Layout.of((200, 4, 4), fed)
    deepest = max(
        part.averaged["out"].shape[1] for part in slide(planes, fed, layout, run, averaged=["out"])
    )
    assert max(held) == 4
    assert deepest <= 4


@given(
    count=st.integers(1, 30),
    resampled=st.integers(1, 60),
    interpolation=st.sampled_from(Interpolation),
)
def test_resampling_keeps_a_constant_and_a_slope(
    count: int, resampled: int, interpolation: Interpolation
) -> None:
    """Linear values stay linear away from the edges, whichever way they are interpolated."""
    plan = AxisPlan(count, resampled, resampled, 0)
    forward = plan.forward(interpolation)
    flat = forward.apply(np.full((count, 2), 7.0, dtype=np.float32), 0)
    assert flat == pytest.approx(np.full((resampled, 2), 7.0), abs=1e-4)
    slope = forward.apply(np.arange(count, dtype=np.float32)[:, None], 0)[:, 0]
    places = (np.arange(resampled) + 0.5) * count / resampled - 0.5
    reach = 2 * max(1.0, count / resampled) + 1
    middle = (places > reach) & (places < count - 1 - reach)
    # A few voxels that are averaged lie not quite evenly around a place.
    near = 0.1 if interpolation is Interpolation.AVERAGED else 1e-3
    assert slope[middle] == pytest.approx(places[middle], abs=near)


@given(st.integers(2, 40), st.integers(-20, 20))
def test_what_the_canvas_does_not_cover_comes_back_as_nothing(count: int, more: int) -> None:
    """A slice that is cut or padded around its centre lies where it lay."""
    canvas = max(1, count + more)
    plan = AxisPlan(count, count, canvas, (canvas - count) // 2)
    values = np.arange(1, count + 1, dtype=np.float32)[:, None]
    on_canvas = np.zeros((canvas, 1), dtype=np.float32)
    on_canvas[plan.inside] = plan.forward(Interpolation.LINEAR).apply(values, 0)
    back = plan.backward().apply(on_canvas, 0)
    covered = back[:, 0] != 0.0
    assert np.array_equal(back[covered], values[covered])
    assert np.count_nonzero(covered) == min(count, canvas)


def test_weights_that_change_nothing_are_none() -> None:
    assert AxisPlan(5, 5, 5, 0).forward(Interpolation.CUBIC).matrix is None
    assert Weights(None).needed(3) == {3: 1.0}
