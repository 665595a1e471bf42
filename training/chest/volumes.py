"""Reads whole volumes with the bundle that was written, as the worker reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.reader import Reader
from chest.values.figures import Side
from models.catalogue import read_any_bundle
from radiology.image.volume import Volume
from training.data.whole_volumes import WITHOUT_PNEUMONIA, read_volume

# The set does not state it; 256 pixels of a field of view of 500 mm.
_LCTSC_MM: Final = (3.0, 1.95, 1.95)
_LCTSC_OFFSET_HU, _LCTSC_HU = -1024.0, 8.0
_CT: Final = ("covid-P001", "normal-001", "lung-tumour-effusion", "lung-tumour-8mm")
_BEYOND_MM = 6.0  # of the drawn lung; nearer, two people draw otherwise


@dataclass(frozen=True)
class VolumeAnswer:
    """What the bundle says of one volume.

    Attributes
    ----------
    seen : whether the network was trained on it
    lung_dice, outside_ml : against drawn lungs, and lung found more than 6 mm outside of them;
        None where nobody drew them
    """

    name: str
    seen: bool
    outcome: str
    urgency: str
    lung_ml: float
    ground_glass_ml: float
    consolidation_ml: float
    share_percent: float
    lung_dice: float | None
    outside_ml: float | None
    not_passed: str


def read_volumes(bundle: Path, data: Path) -> list[VolumeAnswer]:
    """Read the DICOM series and the volumes of LCTSC at hand."""
    reader = Reader.of(read_any_bundle(bundle), threads=2)
    return [_answer(reader, *one) for one in _volumes(data)]


def _volumes(data: Path) -> Iterator[tuple[str, bool, Volume, NDArray[np.bool_] | None]]:
    for name in _CT:
        yield name, name in WITHOUT_PNEUMONIA, read_volume(data / "ct" / name), None
    for path in sorted((data / "training/lctsc").glob("*.npz")):
        with np.load(path, allow_pickle=False) as stored:
            lungs = np.unpackbits(stored["lung"], axis=2).astype(bool)
            hounsfield = _LCTSC_OFFSET_HU + _LCTSC_HU * stored["slices"].astype(np.float32)
        affine = np.zeros((4, 4))
        affine[2, 0], affine[1, 1], affine[0, 2] = _LCTSC_MM
        affine[3, 3] = 1.0
        yield path.stem, True, Volume(hounsfield.astype(np.float32), affine), lungs


def _answer(
    reader: Reader, name: str, seen: bool, volume: Volume, drawn: NDArray[np.bool_] | None
) -> VolumeAnswer:
    reading, triage = reader.read(volume)
    total = reading.figures.get(Side.TOTAL)
    found = None if reading.regions is None else reading.regions.lungs > 0
    dice, outside = None, None
    if drawn is not None and found is not None:
        dice = 2.0 * int((found & drawn).sum()) / (int(found.sum()) + int(drawn.sum()))
        outside = int((found & ~_grown(drawn, volume.spacing_mm)).sum()) * volume.voxel_ml
    return VolumeAnswer(
        name=name,
        seen=seen,
        outcome=reading.outcome.value,
        urgency="" if triage is None else triage.urgency.value,
        lung_ml=0.0 if total is None else total.lung_volume_ml,
        ground_glass_ml=0.0 if total is None else total.ground_glass_ml,
        consolidation_ml=0.0 if total is None else total.consolidation_ml,
        share_percent=0.0 if total is None else total.lesion_share_percent,
        lung_dice=dice,
        outside_ml=outside,
        not_passed=", ".join(one.name for one in reading.gates if not one.passed),
    )


def _grown(mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    away = ndimage.distance_transform_edt(~mask, sampling=spacing_mm)
    grown: NDArray[np.bool_] = away <= _BEYOND_MM
    return grown
