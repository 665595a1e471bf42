"""Reads the training slices, upright and on one grid, with their labels.

Every slice comes out as 256 x 256 in the usual radiological display: rows run to posterior,
columns to the patient's left, so the patient's right lung is at the image's left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chest.grey_levels import OUTSIDE_HU, grey_to_hounsfield
from radiology.image.grey_window import window_to_hounsfield
from training.data.lung_sides import split_lung_sides

GRID = 256
UNKNOWN = 255  # label value: nobody said what this pixel is

LESION_NONE = 0
LESION_GROUND_GLASS = 1
LESION_CONSOLIDATION = 2
LESION_OF_UNKNOWN_KIND = 3

# Found from the grey levels themselves: soft tissue stands at 189 to 195 of 255 and fat at 162,
# which is 40 and −110 HU in this window and in no other usual one.
_LUNA_WINDOW_HU = (-1000.0, 400.0)

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class SliceSet:
    """Slices of one origin.

    Attributes
    ----------
    hu : float16, shape (slices, 256, 256), HU or an estimate of it
    lung : uint8, same shape: 0 background, 1 right, 2 left, 255 unknown
    lesion : uint8, same shape: 0 none, 1 ground glass, 2 consolidation, 3 either, 255 unknown
    sources : the patient, case or file that a slice comes from; the unit of every split
    true_hu : whether `hu` was stored as HU (otherwise it was estimated from 8-bit grey)
    around : float16, shape (slices, 2, 256, 256): the slice below and the one above; None where
        slices stand alone
    """

    name: str
    hu: NDArray[np.float16]
    lung: Grey
    lesion: Grey
    sources: tuple[str, ...]
    true_hu: bool
    around: NDArray[np.float16] | None = None

    def __len__(self) -> int:
        return len(self.sources)

    def where(self, keep: Callable[[str], bool]) -> SliceSet:
        """The slices whose source satisfies `keep`."""
        return self.at(np.flatnonzero([keep(source) for source in self.sources]))

    def at(self, chosen: NDArray[np.intp]) -> SliceSet:
        """The slices at these places."""
        return replace(
            self,
            hu=self.hu[chosen],
            lung=self.lung[chosen],
            lesion=self.lesion[chosen],
            sources=tuple(self.sources[i] for i in chosen),
            around=None if self.around is None else self.around[chosen],
        )


def square(image: Grey, resample: Image.Resampling, fill: int) -> Grey:
    """Pad to a square, then resample to the grid, so that anatomy keeps its proportions."""
    side = max(image.shape)
    canvas = np.full((side, side), fill, dtype=np.uint8)
    top, left = (side - image.shape[0]) // 2, (side - image.shape[1]) // 2
    canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
    return np.asarray(Image.fromarray(canvas).resize((GRID, GRID), resample), dtype=np.uint8)


def square_hounsfield(hu: NDArray[np.float32], size: int = GRID) -> NDArray[np.float16]:
    """The same for HU: padded with air, then resampled to `size` rows and columns."""
    # PIL resamples float images, but padding needs its own value first.
    side = max(hu.shape)
    canvas = np.full((side, side), OUTSIDE_HU, dtype=np.float32)
    top, left = (side - hu.shape[0]) // 2, (side - hu.shape[1]) // 2
    canvas[top : top + hu.shape[0], left : left + hu.shape[1]] = hu
    resized = Image.fromarray(canvas).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.float16)


def read_grey(path: Path) -> Grey:
    """Read an image as 8-bit grey, shape (rows, columns)."""
    return np.asarray(Image.open(path).convert("L"), dtype=np.uint8)


def _upright_doctors(stored: Grey) -> Grey:
    """Undo the storage of the 50 doctor-drawn slices: they are transposed.

    Checked by eye: transposed (not merely turned) the heart points to the image's right and the
    dome of the liver stands on the image's left.
    """
    return np.ascontiguousarray(stored.T)


def _upright_pseudo(stored: Grey, source: str) -> Grey:
    """Undo the storage of the pseudo-labelled slices, which differs between their two origins."""
    if "coronacases" in source:
        return np.ascontiguousarray(np.rot90(stored, 1))
    return np.ascontiguousarray(stored.T)


def read_lungs2d(data: Path) -> SliceSet:
    """Read the lung masks on HU; one slice per patient. Lesions are not labelled there."""
    with np.load(data / "training/lungs2d/lungs2d_256.npz", allow_pickle=False) as stored:
        hu = stored["hu"].astype(np.float16)
        masks = stored["lung"].astype(bool)
        names = [str(name) for name in stored["name"]]
    lung = np.stack([split_lung_sides(mask) for mask in masks])
    sources = tuple(name.split("_Z_")[0] for name in names)
    lesion = np.zeros(lung.shape, dtype=np.uint8)
    return SliceSet("lungs2d", hu, lung, lesion, sources, true_hu=True)


def read_doctors(data: Path) -> SliceSet:
    """Read the 50 slices whose lesions doctors drew (1 = ground glass, 2 = consolidation)."""
    folder = data / "training/infnet"
    numbers = sorted(int(path.stem) for path in (folder / "images").glob("*.jpg"))
    hu, lesion = [], []
    for number in numbers:
        grey = _upright_doctors(read_grey(folder / f"images/{number}.jpg"))
        stored = np.asarray(Image.open(folder / f"multiclass_mask/{number}.png"), dtype=np.uint8)
        hu.append(square_hounsfield(grey_to_hounsfield(grey)))
        lesion.append(square(_upright_doctors(stored), Image.Resampling.NEAREST, LESION_NONE))
    sources = tuple(str(number) for number in numbers)
    return _without_lungs("infnet-doctors", hu, lesion, sources)


def read_pseudo(data: Path) -> SliceSet:
    """Read the 400 slices with lesions as the Inf-Net authors' own network drew them."""
    folder = data / "training/infnet/unlabelled_pseudo"
    hu, lesion, sources = [], [], []
    for path in sorted((folder / "Imgs").glob("*.jpg")):
        source = re.sub(r"_\d+$", "", path.stem)
        stored = (read_grey(folder / "GT" / f"{path.stem}.png") > 127).astype(np.uint8)
        mask = square(_upright_pseudo(stored, source), Image.Resampling.NEAREST, LESION_NONE)
        grey = _upright_pseudo(read_grey(path), source)
        hu.append(square_hounsfield(grey_to_hounsfield(grey)))
        lesion.append((mask * LESION_OF_UNKNOWN_KIND).astype(np.uint8))
        sources.append(source)
    return _without_lungs("infnet-pseudo", hu, lesion, tuple(sources))


def read_negatives(data: Path) -> SliceSet:
    """Read slices taken as free of pneumonia: nodule screening and the weak normal folder."""
    luna = sorted((data / "training/luna_unlabelled").glob("*.jpg"))
    normal = sorted((data / "training/weak/normal").glob("*.jpg"))
    paths = luna + normal
    hu = [
        square_hounsfield(window_to_hounsfield(read_grey(path), *_LUNA_WINDOW_HU)) for path in luna
    ]
    hu += [square_hounsfield(grey_to_hounsfield(read_grey(path))) for path in normal]
    lesion = [np.zeros((GRID, GRID), dtype=np.uint8) for _ in paths]
    return _without_lungs("negatives", hu, lesion, tuple(path.stem for path in paths))


def read_figures(name: str, paths: Sequence[Path], size: int = GRID) -> SliceSet:
    """Read 8-bit figures in which nobody drew anything; each file is its own source."""
    hu = [square_hounsfield(grey_to_hounsfield(read_grey(path)), size) for path in paths]
    unknown = [np.full((size, size), UNKNOWN, dtype=np.uint8) for _ in paths]
    return _without_lungs(name, hu, unknown, tuple(path.stem for path in paths))


def _without_lungs(
    name: str, hu: list[NDArray[np.float16]], lesion: list[Grey], sources: tuple[str, ...]
) -> SliceSet:
    masks = np.stack(lesion)
    return SliceSet(name, np.stack(hu), np.full_like(masks, UNKNOWN), masks, sources, true_hu=False)
