"""Splines of a fissure: fitted axis by axis, they are what one matrix over all nodes gives."""

from __future__ import annotations

import numpy as np

from chest.lobes.settle import SplineBasis
from chest.lobes.slab import Slab, Tilt


def _slab(aside: int, along: int) -> Slab:
    """A slab of nothing, 4 mm from node to node."""
    nothing = np.zeros((aside, along, 3), dtype=np.float32)
    return Slab(
        aside_mm=np.linspace(-40.0, 4.0 * aside - 44.0, aside),
        along_mm=np.linspace(-50.0, 4.0 * along - 54.0, along),
        height_mm=np.arange(3.0),
        texture=nothing,
        visible=nothing,
        vessels=nothing,
        aerated=nothing,
        lung=nothing,
        tilt=Tilt.of(30.0),
        lung_mm=np.zeros((0, 3)),
    )


def test_it_is_the_least_squares_of_all_nodes_at_once() -> None:
    """Weighted, with the penalty: the normal equations of the whole design, solved as they stand.

    Where no node counts, the penalty alone says how the surface goes on.
    """
    basis = SplineBasis.of(_slab(21, 26))
    random = np.random.default_rng(1)
    values = random.normal(0.0, 3.0, (21, 26))
    weight = random.random((21, 26)) * (random.random((21, 26)) > 0.4)
    weight[:5] = 0.0
    design = np.kron(basis.aside, basis.along)
    normal = design.T @ (design * weight.reshape(-1, 1)) + 3.0 * basis.penalty
    expected = design @ np.linalg.solve(normal, design.T @ (weight * values).ravel())
    smooth = basis.smoothed(values, weight, 3.0)
    assert smooth.shape == (21, 26)
    np.testing.assert_allclose(smooth.ravel(), expected, atol=1e-9)
    assert float(np.ptp(smooth)) > 0.5
