"""The segments: how each region of a reading is named, coded and coloured.

PS3.3 C.8.20.4 (Segment Description Macro), PS3.16 CID 7150 and CID 7151.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiology import codes
from radiology.chest.regions import ChestRegions, LesionLabel, LungLabel
from radiology.chest.territory import Territory
from radiology.codes import Code
from radiology.region import Mask


@dataclass(frozen=True, slots=True)
class Segment:
    """What one segment shows, and which voxels it has.

    `colour` is sRGB, from the palette of Okabe and Ito (2008), which readers with any kind of
    colour vision can tell apart; the segmentation and the key picture use the same.
    """

    label: str
    name: LungLabel | LesionLabel
    category: Code
    kind: Code
    laterality: Code
    colour: tuple[int, int, int]

    @property
    def is_lesion(self) -> bool:
        """Whether it is a finding, to be tracked, and not anatomy."""
        return isinstance(self.name, LesionLabel)

    def mask(self, regions: ChestRegions, index: int) -> Mask:
        """The pixels of the segment on one slice."""
        labels = regions.lesions if self.is_lesion else regions.lungs
        mask: Mask = labels[index] == np.uint8(self.name)
        return mask

    def areas(self, counted: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number of pixels on each slice, from `ResultContext.areas`."""
        of_label = counted[:, :, self.name] if self.is_lesion else counted[:, self.name, :]
        areas: NDArray[np.int64] = of_label.sum(axis=1)
        return areas


SEGMENTS = (
    Segment(
        label="Right lung",
        name=LungLabel.RIGHT,
        category=codes.ANATOMICAL_STRUCTURE,
        kind=codes.LUNG,
        laterality=codes.RIGHT,
        colour=(0, 158, 115),
    ),
    Segment(
        label="Left lung",
        name=LungLabel.LEFT,
        category=codes.ANATOMICAL_STRUCTURE,
        kind=codes.LUNG,
        laterality=codes.LEFT,
        colour=(64, 190, 150),
    ),
    Segment(
        label="Ground glass opacity",
        name=LesionLabel.GROUND_GLASS,
        category=codes.ABNORMAL_STRUCTURE,
        kind=codes.GROUND_GLASS_OPACITY,
        laterality=codes.BILATERAL,
        colour=(86, 180, 233),
    ),
    Segment(
        label="Consolidation",
        name=LesionLabel.CONSOLIDATION,
        category=codes.ABNORMAL_STRUCTURE,
        kind=codes.CONSOLIDATION,
        laterality=codes.BILATERAL,
        colour=(230, 159, 0),
    ),
)


@dataclass(frozen=True, slots=True)
class Lobe:
    """How a lobe is named, coded and coloured; `laterality` is None where the code has a side."""

    territory: Territory
    kind: Code
    laterality: Code | None
    colour: tuple[int, int, int]

    @property
    def label(self) -> str:
        """What a viewer lists."""
        return self.territory.value.capitalize()


LOBES = (
    Lobe(Territory.RIGHT_UPPER_LOBE, codes.UPPER_LOBE, codes.RIGHT, (0, 114, 178)),
    Lobe(Territory.RIGHT_MIDDLE_LOBE, codes.MIDDLE_LOBE, None, (204, 121, 167)),
    Lobe(Territory.RIGHT_LOWER_LOBE, codes.LOWER_LOBE, codes.RIGHT, (0, 130, 95)),
    Lobe(Territory.RIGHT_UPPER_AND_MIDDLE_LOBE, codes.LOBE_OF_LUNG, codes.RIGHT, (100, 115, 175)),
    Lobe(Territory.LEFT_UPPER_LOBE, codes.UPPER_LOBE, codes.LEFT, (110, 160, 205)),
    Lobe(Territory.LEFT_LOWER_LOBE, codes.LOWER_LOBE, codes.LEFT, (120, 200, 170)),
)
