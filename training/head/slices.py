"""Head slices with their labels, and the functions that read them.

A slice is 256 x 256 at 0.9 mm, the patient's front up, in HU. Of web pictures neither window nor
pixel size is known: grey is brought to approximate HU by the peak of brain tissue, and the size by
the outline of the head.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from training.head.network import SIZE

SPACING_MM = 0.9
BRAIN_HU = 34.0
"""Where the peak of brain tissue lies; grey and white matter together."""

UNKNOWN = 255  # in a mask: nobody said whether there is blood

_HEAD_PIXELS = 205  # long side of a head with its scalp, at 0.9 mm
_OUTSIDE_HU = -1000.0

Hounsfield = NDArray[np.float32]
Mask = NDArray[np.uint8]


@dataclass(frozen=True)
class HeadSlices:
    """Slices of one origin.

    Attributes
    ----------
    hu : float32, shape (slices, 256, 256)
    mask : uint8, the same shape: 1 blood, 0 none, `UNKNOWN`
    bleeding : int8, shape (slices,): 1 the slice shows blood, 0 none
    groups : slices of one patient (as far as is known) have the same name
    true_hu : False where HU were estimated from grey levels
    """

    name: str
    hu: Hounsfield
    mask: Mask
    bleeding: NDArray[np.int8]
    groups: tuple[str, ...]
    true_hu: bool

    def __len__(self) -> int:
        return len(self.groups)

    def at(self, chosen: NDArray[np.intp]) -> HeadSlices:
        """The slices at these places."""
        return HeadSlices(
            self.name,
            self.hu[chosen],
            self.mask[chosen],
            self.bleeding[chosen],
            tuple(self.groups[index] for index in chosen),
            self.true_hu,
        )


def read_pictures(data: Path) -> HeadSlices:
    """The web pictures: bleeding or not, and no outline where there is bleeding."""
    folder = data / "training/head_ct"
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    greys = [np.array(Image.open(folder / "slices" / row["file"]).convert("L")) for row in rows]
    bleeding = np.array([int(row["haemorrhage"]) for row in rows], dtype=np.int8)
    mask = np.zeros((len(rows), SIZE, SIZE), dtype=np.uint8)
    mask[bleeding == 1] = UNKNOWN
    groups = alike([(row["file"], grey) for row, grey in zip(rows, greys, strict=True)])
    hu = np.stack([hounsfield_of_picture(grey) for grey in greys])
    return HeadSlices("pictures", hu, mask, bleeding, groups, true_hu=False)


def read_drawn(data: Path) -> HeadSlices:
    """Slices in HU with bleedings drawn; they are stored with the front at the right."""
    with np.load(data / "training/head_ct/drawn.npz") as stored:
        hu = np.rot90(stored["hu"], 1, axes=(1, 2)).astype(np.float32)
        mask = np.rot90(stored["mask"], 1, axes=(1, 2)).astype(np.uint8)
        groups = tuple(str(name).split("_")[0] for name in stored["names"])
    bleeding = (mask > 0).any(axis=(1, 2)).astype(np.int8)
    return HeadSlices("drawn", hu.copy(), mask.copy(), bleeding, groups, true_hu=True)


def hounsfield_of_picture(grey: NDArray[np.uint8]) -> Hounsfield:
    """Approximate HU of a picture of unknown window, on the network's grid.

    Black is taken for 0 HU and the peak of brain tissue for 34 HU: the usual brain windows
    (width 80 to 100, level 35 to 40) are met to some HU. What was white stays at the window's top,
    bone and dense blood alike.
    """
    rows, columns = head_box(grey)
    part = grey[rows, columns]
    scaled = part.astype(np.float32) * np.float32(BRAIN_HU / brain_peak(part))
    return _centred(scaled, outside=0.0)


def head_box(grey: NDArray[np.uint8]) -> tuple[slice, slice]:
    """The rows and columns that the head fills: the largest thing that is not background."""
    background = min(int(np.median(np.concatenate([grey[:6].ravel(), grey[-6:].ravel()]))), 80)
    bright = ndimage.binary_opening(grey > background + 25, iterations=2)
    labels, count = ndimage.label(bright)
    if count == 0:
        return slice(0, grey.shape[0]), slice(0, grey.shape[1])
    largest = 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    rows, columns = ndimage.find_objects(labels)[largest - 1]
    return rows, columns


def brain_peak(grey: NDArray[np.uint8]) -> float:
    """The grey of most brain tissue: the peak of the histogram in the middle of the head."""
    rows, columns = grey.shape
    middle = grey[rows // 5 : 4 * rows // 5, columns // 5 : 4 * columns // 5]
    counts = np.bincount(middle.ravel(), minlength=256).astype(np.float64)
    counts[:35] = counts[215:] = 0.0
    smooth = ndimage.gaussian_filter1d(counts, 6.0)
    return float(np.argmax(smooth)) if smooth.any() else 100.0


def _centred(image: Hounsfield, outside: float) -> Hounsfield:
    """Scaled to the size of a head, in the middle of the grid."""
    scale = _HEAD_PIXELS / max(image.shape)
    resized = Image.fromarray(image).resize(
        (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)),
        Image.Resampling.BILINEAR,
    )
    placed = np.full((SIZE, SIZE), outside, dtype=np.float32)
    row, column = (SIZE - resized.height) // 2, (SIZE - resized.width) // 2
    placed[row : row + resized.height, column : column + resized.width] = np.array(resized)
    return placed


def alike(pictures: list[tuple[str, NDArray[np.uint8]]], least: float = 0.97) -> tuple[str, ...]:
    """Groups of pictures that are nearly the same: of one patient, or one picture twice.

    Parameters
    ----------
    least : correlation of thumbnails from which two pictures count as alike
    """
    names = [name for name, _ in pictures]
    small = np.stack([_thumbnail(grey) for _, grey in pictures])
    joined = np.argwhere(np.triu(small @ small.T > least, 1))
    for first, second in joined:
        old, new = names[second], names[first]
        names = [new if name == old else name for name in names]
    return tuple(names)


def _thumbnail(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    rows, columns = head_box(grey)
    small = Image.fromarray(grey[rows, columns]).resize((24, 24), Image.Resampling.BOX)
    values = np.array(small, dtype=np.float64).ravel()
    values -= values.mean()
    unit: NDArray[np.float64] = values / max(float(np.linalg.norm(values)), 1e-9)
    return unit


def brain_of(hu: Hounsfield) -> NDArray[np.bool_]:
    """Roughly what lies inside the skull; empty where no closed ring of bone is found."""
    top = float(hu.max())
    bone = hu >= min(0.93 * top, 150.0)
    bone = ndimage.binary_closing(bone, iterations=3)
    inside = ndimage.binary_fill_holes(bone) & ~bone
    labels, count = ndimage.label(ndimage.binary_opening(inside, iterations=2))
    if count == 0:
        return np.zeros(hu.shape, dtype=bool)
    sizes = np.bincount(labels.ravel())[1:]
    if sizes.max() < 0.08 * hu.size:
        return np.zeros(hu.shape, dtype=bool)
    brain: NDArray[np.bool_] = labels == 1 + int(np.argmax(sizes))
    return brain


def split_by_group(groups: tuple[str, ...], folds: int, seed: int) -> NDArray[np.int64]:
    """A fold for each slice; slices of one group share theirs."""
    names = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(names))
    fold_of = {names[index]: place % folds for place, index in enumerate(order)}
    return np.array([fold_of[group] for group in groups])
