"""Registers two chests by a deformation: breathing moves the lungs as no affine transform does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.registration.lattice import Lattice, Values
from chest.registration.scene import VOXEL_MM, Field, Scene
from radiology.image.volume import Affine

_LATTICES_MM = (60.0, 30.0)  # between control points: first the whole, then the parts
_STEPS = (4, 5)
_CONJUGATE_STEPS = 25
_STIFFNESS = 0.5  # tried from 0.005 to 8 on phantoms of known breath: this brings places nearest
_SURFACE_MM, _DENSITY = 1.5, 0.2  # differences that are nothing unusual
_NEAR_MM = 10.0  # from a lung: farther off it does not matter


@dataclass(frozen=True)
class Displacements:
    """Where every voxel of a grid lies in the other chest.

    Attributes
    ----------
    affine : of the grid, (z, y, x, 1) to mm, LPS
    places_mm : float32, shape (3, z, y, x), LPS x, y, z
    """

    affine: Affine
    places_mm: Values


def deform(earlier: Scene, later: Scene, start: Affine) -> Displacements:
    """Refine an affine registration by a lattice of B-splines.

    Gauss-Newton on differences of distances to the surfaces of the lungs and, inside, of density
    relative to the usual; each step's equations are solved by conjugate gradients, without ever
    being written down. What differs much, as a lesion that was not segmented does, counts less
    and less (Cauchy's weights).

    Parameters
    ----------
    start : from places of the earlier chest to those of the later one
    """
    grid = np.indices(earlier.shape, dtype=np.float32).reshape(3, -1)
    across = (start @ earlier.affine).astype(np.float32)
    placed = (across[:3, :3] @ grid + across[:3, 3:]).reshape(3, *earlier.shape)
    moved = np.zeros_like(placed)
    pull = _Pull(earlier, later)
    for every_mm, steps in zip(_LATTICES_MM, _STEPS, strict=True):
        lattice = Lattice.over(earlier.shape, every_mm / VOXEL_MM)
        base = placed + moved
        points = np.zeros((3, *lattice.shape), dtype=np.float32)
        for _ in range(steps):
            slopes, force = pull.at(base + lattice.spread(points))
            points = points - _solve(lattice, points, slopes, force)
        moved = moved + lattice.spread(points)
    return Displacements(earlier.affine, placed + moved)


class _Pull:
    """What the images say at a displacement."""

    def __init__(self, earlier: Scene, later: Scene) -> None:
        self._wanted = np.stack([*earlier.surfaces, earlier.density])
        self._images = np.stack([*later.surfaces, later.density])
        self._gradients = [
            np.stack(np.gradient(image)) / np.float32(VOXEL_MM) for image in self._images
        ]
        self._origin = later.affine[:3, 3].astype(np.float32)
        near = (earlier.surfaces < _NEAR_MM).any(axis=0)
        inside = earlier.lungs > 0.95
        self._weights = np.stack(
            [near / _SURFACE_MM, near / _SURFACE_MM, inside / _DENSITY]
        ).astype(np.float32)

    def at(self, places: Values) -> tuple[NDArray[np.float32], Values]:
        """Slopes' products, shape (3, 3, z, y, x), and the force, shape (3, z, y, x); x, y, z."""
        at = (places - self._origin[:, None, None, None])[::-1] / np.float32(VOXEL_MM)
        products = np.zeros((3, 3, *places.shape[1:]), dtype=np.float32)
        force = np.zeros_like(places)
        for image, gradient, wanted, weight in zip(
            self._images, self._gradients, self._wanted, self._weights, strict=True
        ):
            relative = weight * (_sample(image, at) - wanted)
            trust = weight * weight / (1.0 + relative * relative)
            slope = np.stack([_sample(gradient[axis], at) for axis in (2, 1, 0)])
            difference = relative / np.maximum(weight, np.float32(1e-6))
            force += trust * difference * slope
            products += trust * slope[:, None] * slope[None]
        return products, force


def _sample(image: Field, at: Values) -> Field:
    found: Field = ndimage.map_coordinates(image, at, order=1, mode="nearest")
    return found


def _solve(lattice: Lattice, points: Values, products: Values, force: Values) -> Values:
    """One Gauss-Newton step: what to take away from the control points."""
    scale = float(np.mean(np.einsum("iizyx->zyx", products))) * lattice.voxels_per_point
    bend = np.float32(_STIFFNESS * scale)

    def normal(step: Values) -> Values:
        spread = lattice.spread(step)
        pulled = np.einsum("ijzyx,jzyx->izyx", products, spread)
        stiff = bend * (_bending(step) + np.float32(1e-3) * step)
        pushed: Values = lattice.gather(pulled) + stiff
        return pushed

    right = lattice.gather(force) + bend * _bending(points)
    step = np.zeros_like(points)
    rest = right.copy()
    direction, size = rest.copy(), float(np.vdot(rest, rest))
    least = 1e-4 * size
    for _ in range(_CONJUGATE_STEPS):
        if size <= least:
            break
        applied = normal(direction)
        length = np.float32(size / float(np.vdot(direction, applied)))
        step += length * direction
        rest -= length * applied
        before, size = size, float(np.vdot(rest, rest))
        direction = rest + np.float32(size / before) * direction
    return step


def _bending(points: Values) -> Values:
    """Second differences twice along each axis: what a bent lattice is pushed back by."""
    total = np.zeros_like(points)
    for axis in (1, 2, 3):
        if points.shape[axis] < 3:
            continue
        second = np.diff(points, 2, axis=axis)
        padded = [(0, 0)] * 4
        padded[axis] = (2, 2)
        total += np.diff(np.pad(second, padded), 2, axis=axis)
    return total
