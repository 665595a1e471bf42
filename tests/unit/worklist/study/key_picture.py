"""A drawn chest CT slice with outlines: what a key picture looks like, from no patient at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

_SIZE = 512
_RED, _AMBER, _BLUE = (255, 92, 74), (255, 196, 84), (92, 160, 220)


def draw_key_picture(path: Path, *, right: float, left: float, seed: int) -> None:
    """Write a PNG with lesions of about so many ml in the right and the left lung."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[0:_SIZE, 0:_SIZE].astype(np.float32)
    noise = ndimage.gaussian_filter(chance.standard_normal((_SIZE, _SIZE)), 1.1) * 22
    body = _ellipse(x, y, 256, 262, 214, 168)
    hu = np.where(body, 30.0, -1000.0)
    hu[body & ~_ellipse(x, y, 256, 262, 203, 157)] = -95
    lungs = [_lung(x, y, 162, 8), _lung(x, y, 352, -6)]  # the patient's right is on the left
    for side, lung in enumerate(lungs):
        hu[lung] = -845
        _draw_vessels(hu, lung, chance, hilum=(212 if side == 0 else 300, 262))
    _draw_middle(hu, x, y)
    outlines = []
    for lung, ml in zip(lungs, (right, left), strict=True):
        if ml <= 0:
            continue
        lesion = _lesion(lung, ml, chance)
        texture = ndimage.gaussian_filter(chance.standard_normal(hu.shape), 3) * 340
        hu[lesion] = np.maximum(hu[lesion], (-590 + texture)[lesion])
        outlines.append(lesion)
    shown = np.clip((hu + noise + 1150) / 1500 * 255, 0, 255).astype(np.uint8)
    colour = np.stack([shown] * 3, axis=-1)
    for lung in lungs:
        colour[_edge(lung, 1)] = _BLUE
    for lesion in outlines:
        colour[_edge(lesion, 2)] = _AMBER
        core = ndimage.binary_erosion(lesion, iterations=9)
        colour[_edge(core, 2)] = _RED
    Image.fromarray(colour).save(path)


def _ellipse(
    x: NDArray[np.float32], y: NDArray[np.float32], cx: float, cy: float, rx: float, ry: float
) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1
    return inside


def _lung(
    x: NDArray[np.float32], y: NDArray[np.float32], cx: float, lean: float
) -> NDArray[np.bool_]:
    bent = cx + lean * ((y - 256) / 120) ** 2
    wave = 5 * np.sin(y / 21) + 3 * np.sin(x / 17)
    inside: NDArray[np.bool_] = ((x - bent + wave * 0.5) / 74) ** 2 + (
        (y - 256 + wave) / 122
    ) ** 2 <= 1
    return inside & ~_ellipse(x, y, 278, 214, 66, 62) & ~_ellipse(x, y, 256, 330, 46, 52)


def _draw_vessels(
    hu: NDArray[np.float64],
    lung: NDArray[np.bool_],
    chance: np.random.Generator,
    hilum: tuple[int, int],
) -> None:
    tree = np.zeros(hu.shape, dtype=bool)
    for angle in chance.uniform(0, 2 * np.pi, 26):
        px, py, turn = float(hilum[0]), float(hilum[1]), angle
        for step in range(int(chance.uniform(60, 150))):
            turn += chance.normal(0, 0.07)
            px, py = px + np.cos(turn), py + np.sin(turn)
            width = max(0, 3 - step // 26)
            row, column = int(py), int(px)
            tree[
                max(row - width, 0) : row + width + 1, max(column - width, 0) : column + width + 1
            ] = 1
    blurred = ndimage.gaussian_filter(tree.astype(np.float32), 0.9)
    hu += np.where(lung, blurred * 780, 0)


def _draw_middle(hu: NDArray[np.float64], x: NDArray[np.float32], y: NDArray[np.float32]) -> None:
    hu[_ellipse(x, y, 276, 216, 60, 52)] = 45
    hu[_ellipse(x, y, 302, 296, 17, 17)] = 52
    hu[_ellipse(x, y, 258, 330, 30, 24)] = 260
    hu[_ellipse(x, y, 258, 330, 25, 19)] = 190
    hu[_ellipse(x, y, 258, 366, 9, 10)] = 10
    hu[_ellipse(x, y, 243, 268, 10, 9)] = -990
    for cx, cy in (
        (92, 190),
        (78, 262),
        (96, 336),
        (150, 392),
        (420, 190),
        (434, 262),
        (418, 336),
        (362, 392),
    ):
        hu[_ellipse(x, y, cx, cy, 11, 7)] = 320
        hu[_ellipse(x, y, cx, cy, 7, 4)] = 180


def _lesion(lung: NDArray[np.bool_], ml: float, chance: np.random.Generator) -> NDArray[np.bool_]:
    """Ragged patches towards the back and the pleura, larger for more ml."""
    depth = ndimage.distance_transform_edt(lung)
    field = ndimage.gaussian_filter(chance.standard_normal(lung.shape), 13)
    field = field / field.std() - depth / 45 + (np.arange(_SIZE)[:, None] - 256) / 110
    share = min(0.42, 0.03 + ml / 900)
    limit = np.quantile(field[lung], 1 - share)
    found: NDArray[np.bool_] = lung & (field > limit)
    return ndimage.binary_opening(found, iterations=3)


def _edge(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    edge: NDArray[np.bool_] = mask & ~ndimage.binary_erosion(mask, iterations=width)
    return edge
