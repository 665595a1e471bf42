"""Aligns the surfaces of two pairs of lungs by an affine transform: shift, rotation, scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.registration.scene import REACH_MM, Field, Scene
from radiology.image.volume import Affine

_STEPS = 40
_ENOUGH_MM = 0.02  # a step that moves no corner of the chest farther is the last


def fit_affine(earlier: Scene, later: Scene) -> Affine:
    """Find where places of the earlier chest lie in the later one.

    Gauss-Newton with Levenberg's damping on distances to the surfaces of both lungs. It begins
    where the centres of the lungs lie upon each other.

    Returns
    -------
    shape (4, 4), mm, LPS; takes a place in the earlier chest to the same place in the later one.
    """
    places, wanted = _near_surface(earlier)
    centre = _centre(earlier)
    arms = (places - centre) / 100.0  # so that turns and shifts are of one size
    matrix, shift = 100.0 * np.eye(3), _centre(later)
    kept = matrix, shift
    normal, right = np.eye(12), np.zeros(12)
    gradients = np.stack([np.gradient(one) for one in later.surfaces])
    damping, error = 1.0, np.inf
    for _ in range(_STEPS):
        moved = arms @ matrix.T + shift
        residual, slopes = _residual(later, gradients, moved, wanted)
        now = float(np.mean(residual**2))
        if now > error:
            matrix, shift = kept
            damping *= 4.0
            if damping > 1e6:
                break
        else:
            damping, error = max(damping / 3.0, 1e-3), now
            kept = matrix, shift
            normal, right = _normal_equations(residual, slopes, arms)
        stretch = normal + damping * np.diag(np.diag(normal)) * 0.01
        change = np.linalg.solve(stretch + 1e-6 * np.eye(12), -right).reshape(3, 4)
        matrix, shift = matrix + change[:, :3], shift + change[:, 3]
        if np.abs(change).max() < _ENOUGH_MM and now <= error:
            break
    matrix, shift = kept
    affine = np.eye(4)
    affine[:3, :3] = matrix / 100.0
    affine[:3, 3] = shift - affine[:3, :3] @ centre
    return affine


def _centre(scene: Scene) -> NDArray[np.float64]:
    """Middle between the centres of both lungs: a lung that is half missing counts no less."""
    centres = [
        np.array(ndimage.center_of_mass(side < 0)) for side in scene.surfaces if (side < 0).any()
    ]
    middle = np.mean(centres, axis=0) if centres else (np.array(scene.shape) - 1) / 2.0
    placed: NDArray[np.float64] = scene.affine[:3, :3] @ middle + scene.affine[:3, 3]
    return placed


def _near_surface(scene: Scene) -> tuple[NDArray[np.float64], Field]:
    """Places that are not too far from a lung, and their distances to both surfaces."""
    near = (np.abs(scene.surfaces) < REACH_MM - 1.0).any(axis=0)
    indices = np.argwhere(near)
    places = indices @ scene.affine[:3, :3].T + scene.affine[:3, 3]
    return places, scene.surfaces[:, near]


def _residual(
    later: Scene, gradients: Field, moved: NDArray[np.float64], wanted: Field
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Differences of distances, shape (2, n), and their slopes by x, y, z, shape (2, n, 3)."""
    inverse = np.linalg.inv(later.affine)
    at = inverse[:3, :3] @ moved.T + inverse[:3, 3:]
    residual, slopes = np.empty(wanted.shape), np.empty((*wanted.shape, 3))
    for side in range(2):
        found = ndimage.map_coordinates(later.surfaces[side], at, order=1, mode="nearest")
        residual[side] = found - wanted[side]
        slope = [
            ndimage.map_coordinates(gradients[side, axis], at, order=1, mode="nearest")
            for axis in range(3)
        ]
        slopes[side] = np.stack(slope, axis=1) @ inverse[:3, :3]
    return residual, slopes


def _normal_equations(
    residual: NDArray[np.float64], slopes: NDArray[np.float64], arms: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ones = np.concatenate([arms, np.ones((len(arms), 1))], axis=1)
    normal, right = np.zeros((12, 12)), np.zeros(12)
    for side in range(2):
        rows = (slopes[side][:, :, None] * ones[:, None, :]).reshape(len(arms), 12)
        normal += rows.T @ rows
        right += rows.T @ residual[side]
    return normal, right
