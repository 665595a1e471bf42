"""Reads whole volumes as the worker reads them, each by a network that did not see it.

The bundle that was written says how; where a fold left a volume out, its network stands in for the
bundle's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.model.slab_finder import SlabFinder
from chest.reader import Reader
from chest.values.figures import Side
from models.catalogue import read_any_bundle
from radiology.image.volume import Volume
from training.chest.folds import Fold
from training.chest.network import MaskNet
from training.chest.release.export import MASKS, MaskProbabilities
from training.data.drawn_scans import read_lctsc_volume
from training.data.whole_volumes import WITHOUT_PNEUMONIA, read_volume
from training.release.export import answers_of

# The set does not state it; 256 pixels of a field of view of 500 mm.
_LCTSC_MM: Final = (3.0, 1.95, 1.95)
_CT: Final = ("covid-P001", "normal-001", "lung-tumour-effusion", "lung-tumour-8mm")
_BEYOND_MM = 6.0  # of the drawn lung; nearer, two people draw otherwise


@dataclass(frozen=True)
class VolumeAnswer:
    """What the bundle says of one volume.

    Attributes
    ----------
    seen : whether the network was trained on it: no fold left it out
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


@dataclass(frozen=True)
class _InPyTorch:
    """A network that was not exported, in place of a loaded one of the bundle."""

    network: MaskNet
    at_once: int = 8

    def run(self, inputs: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        """Answer slabs (n, 3, rows, columns); tensors by name."""
        return answers_of(MaskProbabilities(self.network), MASKS, inputs)


def read_volumes(
    bundle: Path, data: Path, folds: Sequence[tuple[Fold, MaskNet]]
) -> list[VolumeAnswer]:
    """Read the DICOM series and the volumes of LCTSC at hand.

    Parameters
    ----------
    folds : the networks of the folds that were trained, each with what it left out
    """
    shipped = Reader.of(read_any_bundle(bundle), threads=2)
    answers = []
    for name, trained_on, volume, drawn in volumes_at_hand(data):
        apart = [net for fold, net in folds if name in fold.lctsc | fold.without_pneumonia]
        reader = read_by(shipped, apart[0]) if apart else shipped
        answers.append(_answer(reader, name, trained_on and not apart, volume, drawn))
    return answers


def read_by(reader: Reader, network: MaskNet) -> Reader:
    """The reader of a bundle with a network of a fold in place of the one that finds."""
    finder = reader.model.finder
    assert isinstance(finder, SlabFinder)
    finder = replace(finder, network=_InPyTorch(network))
    return Reader(replace(reader.model, finder=finder))


def volumes_at_hand(
    data: Path,
) -> Iterator[tuple[str, bool, Volume, NDArray[np.bool_] | None]]:
    """Name, whether it is trained on, voxels, and drawn lungs."""
    for name in _CT:
        yield name, name in WITHOUT_PNEUMONIA, read_volume(data / "ct" / name), None
    for path in sorted((data / "training/lctsc").glob("*.npz")):
        hounsfield, lungs = read_lctsc_volume(path)
        affine = np.zeros((4, 4))
        affine[2, 0], affine[1, 1], affine[0, 2] = _LCTSC_MM
        affine[3, 3] = 1.0
        yield path.stem, True, Volume(hounsfield, affine), lungs


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
