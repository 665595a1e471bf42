"""Moves an approximate surface onto the nearest sheet of bright voxels.

A penalised spline (Eilers and Marx, "Flexible smoothing with B-splines and penalties", Statistical
Science 1996;11:89) is fitted again and again to the sheets within reach, each time within a
narrower reach: iteratively reweighted least squares, where places without a sheet have no weight
and follow their neighbours. So the surface runs on through consolidation that hides the fissure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline

from chest.lobes.relief import Relief
from chest.lobes.slab import Millimetres, Slab

_KNOTS_MM = 25.0
_DEGREE = 3
_SLOPE_PENALTY = 2.0  # against the rough surface, in units of the bend penalty
_FULL_WEIGHT = 4.0  # sum of squared sheet from which a place counts fully
_MOST_WEIGHT = 3.0

# Reach in mm and stiffness of each pass
FROM_AFAR = ((8.0, 30.0), (6.0, 15.0), (5.0, 8.0), (4.0, 4.0), (3.0, 3.0))
FROM_NEARBY = ((4.0, 5.0), (3.0, 3.0), (3.0, 2.0))
FROM_BESIDE = ((5.0, 8.0), (4.0, 4.0), (3.0, 3.0), (3.0, 2.0))


@dataclass(frozen=True)
class SplineBasis:
    """Tensor product of B-splines on the nodes of a slab.

    Never as one matrix over all nodes: sums over them are taken axis by axis, a hundredth of the
    work (Currie, Durban and Eilers, "Generalized linear array models", Journal of the Royal
    Statistical Society B 2006;68:259).

    Attributes
    ----------
    aside, along : of each axis, shape (nodes, splines)
    penalty : shape (coefficients, coefficients)
    """

    aside: Millimetres
    along: Millimetres
    penalty: Millimetres

    @classmethod
    def of(cls, slab: Slab) -> SplineBasis:
        """Splines with a knot every 25 mm."""
        aside, along = _splines(slab.aside_mm), _splines(slab.along_mm)
        first, second = np.eye(aside.shape[1]), np.eye(along.shape[1])
        penalty = sum(
            weight
            * (
                np.kron(_roughness(first, order), second)
                + np.kron(first, _roughness(second, order))
            )
            for order, weight in ((2, 1.0), (1, _SLOPE_PENALTY))
        )
        least = 1e-3 * np.eye(aside.shape[1] * along.shape[1])
        return cls(aside, along, penalty + least)

    def smoothed(self, values: Millimetres, weight: Millimetres, stiffness: float) -> Millimetres:
        """The surface that is nearest to values at the nodes, less what its roughness costs.

        Parameters
        ----------
        values, weight : of each node, shape (aside, along)
        stiffness : what the penalty is multiplied with
        """
        splines = self.aside.shape[1], self.along.shape[1]
        products = _pairs(self.aside).T @ weight @ _pairs(self.along)
        # From (first aside, second aside, first along, second along) to a matrix of coefficients.
        normal = (
            products.reshape(splines[0], splines[0], splines[1], splines[1])
            .transpose(0, 2, 1, 3)
            .reshape(self.penalty.shape)
        )
        wanted = self.aside.T @ (weight * values) @ self.along
        coefficients = np.linalg.solve(normal + stiffness * self.penalty, wanted.ravel())
        smooth: Millimetres = self.aside @ coefficients.reshape(splines) @ self.along.T
        return smooth


def _splines(nodes_mm: Millimetres) -> Millimetres:
    """Cubic B-splines over an axis, shape (nodes, splines)."""
    pieces = max(3, round((nodes_mm[-1] - nodes_mm[0]) / _KNOTS_MM))
    inner = np.linspace(nodes_mm[0] - 1e-6, nodes_mm[-1] + 1e-6, pieces + 1)
    step = inner[1] - inner[0]
    outer = step * np.arange(1, _DEGREE + 1)
    knots = np.concatenate([inner[0] - outer[::-1], inner, inner[-1] + outer])
    splines: Millimetres = BSpline.design_matrix(nodes_mm, knots, _DEGREE).toarray()
    return splines


def _pairs(splines: Millimetres) -> Millimetres:
    """Products of each two splines, shape (nodes, splines * splines)."""
    pairs: Millimetres = (splines[:, :, None] * splines[:, None, :]).reshape(len(splines), -1)
    return pairs


def _roughness(identity: Millimetres, order: int) -> Millimetres:
    """Penalty on differences between neighbouring coefficients."""
    differences = np.diff(identity, order, axis=0)
    penalty: Millimetres = differences.T @ differences
    return penalty


def settle(
    relief: Relief,
    basis: SplineBasis,
    passes: tuple[tuple[float, float], ...],
    start_mm: float = 0.0,
) -> Millimetres:
    """Offsets from the relief's surface to the sheet beside it.

    Parameters
    ----------
    passes : reach and stiffness of each
    start_mm : how far above the surface to begin

    Returns
    -------
    Shape (aside, along), mm.
    """
    moved = np.zeros((len(basis.aside), len(basis.along)))
    for reach, stiffness in passes:
        around = np.arange(-2.5 * reach, 2.5 * reach + 0.5, 1.0)
        sheet = relief.sheet_at(start_mm + moved, around).clip(0.0)
        pull = (sheet * np.exp(-0.5 * (around / reach) ** 2)) ** 2
        total = pull.sum(axis=2)
        towards = (pull * around).sum(axis=2) / np.maximum(total, 1e-9)
        weight = np.minimum(total / _FULL_WEIGHT, _MOST_WEIGHT)
        moved = basis.smoothed(moved + towards, weight, stiffness)
    return start_mm + moved
