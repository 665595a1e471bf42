"""Scans with lungs drawn in every slice: COVID-19-CT-Seg-20 with lesions, LCTSC with the abdomen.

Neighbouring slices of a scan are at hand, so each slice carries the one below and the one above.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from chest.grey_levels import grey_to_hounsfield
from training.data.lung_sides import split_lung_sides
from training.data.slices import (
    LESION_NONE,
    LESION_OF_UNKNOWN_KIND,
    SliceSet,
    read_grey,
    square,
    square_hounsfield,
)

# Of the scans named coronacases: found from aerated lung and soft tissue, see the data's README.
_LINEAR_OFFSET_HU, _LINEAR_HU = -1010.0, 10.7
_LCTSC_OFFSET_HU, _LCTSC_HU = -1024.0, 8.0
_DOUBTFUL_SLICES = 2  # beyond the last one with a lung
_MOST_STEPS_APART = 2  # in the numbering of a scan; slices further apart are no neighbours


@dataclass(frozen=True)
class _Drawn:
    """A slice as it is stored, upright."""

    hu: NDArray[np.float16]
    lung: NDArray[np.uint8]
    lesion: NDArray[np.uint8]
    scan: str
    number: int


def read_covid_seg20(data: Path) -> SliceSet:
    """Read the 591 slices with lungs and lesions drawn by hand; the kind of a lesion is unknown.

    Grey levels of the scans named coronacases are linear in HU; of the others, clipped lung
    windows, HU are estimated.
    """
    return _joined("covid-seg20", list(_seg20_slices(data / "training/covid_seg20")), true_hu=False)


def _seg20_slices(folder: Path) -> Iterator[_Drawn]:
    with (folder / "slices.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        name, scan = row["slice"], row["scan"]
        grey = read_grey(folder / "images" / f"{name}.jpg")
        hu = (
            (_LINEAR_OFFSET_HU + _LINEAR_HU * grey.astype(np.float32)).astype(np.float32)
            if scan.startswith("coronacases")
            else grey_to_hounsfield(grey)
        )
        lesion = _mask(folder / "lesion" / f"{name}.png")
        lung = _mask(folder / "lung" / f"{name}.png") | lesion
        yield _Drawn(
            hu=square_hounsfield(hu),
            lung=split_lung_sides(square(lung, Image.Resampling.NEAREST, 0) > 0),
            lesion=square(lesion * LESION_OF_UNKNOWN_KIND, Image.Resampling.NEAREST, LESION_NONE),
            scan=scan,
            number=int(row["number_in_scan"]),
        )


def _mask(path: Path) -> NDArray[np.uint8]:
    return (np.asarray(Image.open(path)) > 0).astype(np.uint8)


def read_lctsc(data: Path) -> SliceSet:
    """Read five whole volumes in HU, from the abdomen to the neck, with lungs drawn.

    Taken as free of lesions: tumours of these patients are not pneumonia. Where nobody drew a lung
    there is none, abdomen and neck; the few slices beside those with lungs are left out, since a
    tip of a lung may not have been drawn.
    """
    drawn: list[_Drawn] = []
    for path in sorted((data / "training/lctsc").glob("*.npz")):
        volume, lungs = read_lctsc_volume(path)
        has_lung = lungs.any(axis=(1, 2))
        tips = (
            ndimage.binary_dilation(np.asarray(has_lung), iterations=_DOUBTFUL_SLICES) & ~has_lung
        )
        for number in np.flatnonzero(~tips):
            hu = volume[number]
            drawn.append(
                _Drawn(
                    hu=hu.astype(np.float16),
                    lung=split_lung_sides(lungs[number]),
                    lesion=np.zeros(hu.shape, dtype=np.uint8),
                    scan=path.stem,
                    number=int(number),
                )
            )
    return _joined("lctsc", drawn, true_hu=True)


def read_lctsc_volume(path: Path) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """One volume in HU and its lungs, each (slices, 256, 256), the lowest slice first."""
    with np.load(path, allow_pickle=False) as stored:
        lungs = np.unpackbits(stored["lung"], axis=2).astype(bool)
        hounsfield = _LCTSC_OFFSET_HU + _LCTSC_HU * stored["slices"].astype(np.float32)
    return hounsfield.astype(np.float32), lungs


def _joined(name: str, drawn: list[_Drawn], *, true_hu: bool) -> SliceSet:
    """A set with the slice below and above each; at an end or a gap the slice itself stands in."""
    at = {(one.scan, one.number): index for index, one in enumerate(drawn)}
    around = np.stack(
        [
            np.stack([drawn[_beside(at, one, direction)].hu for direction in (-1, 1)])
            for one in drawn
        ]
    )
    return SliceSet(
        name,
        np.stack([one.hu for one in drawn]),
        np.stack([one.lung for one in drawn]),
        np.stack([one.lesion for one in drawn]),
        tuple(one.scan for one in drawn),
        true_hu,
        around,
    )


def _beside(at: dict[tuple[str, int], int], one: _Drawn, direction: int) -> int:
    for steps in range(1, _MOST_STEPS_APART + 1):
        found = at.get((one.scan, one.number + direction * steps))
        if found is not None:
            return found
    return at[one.scan, one.number]
