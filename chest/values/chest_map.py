"""A chest reduced to what a later comparison needs: blocks of about 3 mm, and lesions.

A volume and its label maps take a hundred megabytes, its map about one. Shares of lung and lesion
are kept for every block, so that volumes add up to those of the fine grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chest.values.figures import Side
from chest.values.territory import Territory
from radiology.image.volume import Affine
from radiology.region import LabelMap

WHOLE = 255
"""The share of a block that is all lung, or all lesion."""


@dataclass(frozen=True, slots=True)
class MappedLesion:
    """One connected lesion.

    Attributes
    ----------
    number : from 1, the largest first
    tracking_uid : the same for the same lesion in every study of the patient
    place_mm : centre of mass, LPS
    sureness : mean probability of its voxels, 0 to 1; None where nothing said so
    """

    number: int
    tracking_uid: str
    volume_ml: float
    ground_glass_ml: float
    consolidation_ml: float
    mean_hu: float
    place_mm: tuple[float, float, float]
    side: Side
    sureness: float | None = None


@dataclass(frozen=True)
class ChestMap:
    """Lungs, territories and lesions in blocks of voxels. All arrays have the same shape.

    Attributes
    ----------
    affine : shape (4, 4), mm, LPS
        Takes (slice, row, column, 1) of a block to its centre.
    hounsfield : int16, HU
        Mean of the block's lung where it holds lung, of all of it elsewhere.
    lungs : values of `LungLabel`; of the lung that fills most of the block
    lung_share, lesion_share : uint8, of `WHOLE`
    lesion_hounsfield : int16, HU; mean of the block's lesion, 0 where there is none
    lesion_numbers : uint16; 0 where there is none, else that of the largest lesion in the block
    territories : label values of `names`
    names : only the territories that this chest was divided into
    lesions : in the order of their numbers
    """

    affine: Affine
    hounsfield: NDArray[np.int16]
    lungs: LabelMap
    lung_share: NDArray[np.uint8]
    lesion_share: NDArray[np.uint8]
    lesion_hounsfield: NDArray[np.int16]
    lesion_numbers: NDArray[np.uint16]
    territories: LabelMap
    names: Mapping[int, Territory]
    lesions: tuple[MappedLesion, ...]

    def __post_init__(self) -> None:
        arrays: tuple[NDArray[Any], ...] = (
            self.lungs,
            self.lung_share,
            self.lesion_share,
            self.lesion_hounsfield,
            self.lesion_numbers,
            self.territories,
        )
        if any(one.shape != self.hounsfield.shape for one in arrays):
            raise ValueError("the arrays of a chest map have one shape")

    @property
    def block_ml(self) -> float:
        """Volume of one block, in ml."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0
