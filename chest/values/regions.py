"""What was segmented in a chest CT, as label maps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from radiology.region import Box, LabelMap, box_around


class LungLabel(IntEnum):
    """Values of a lung label map. The patient's right is right."""

    NONE = 0
    RIGHT = 1
    LEFT = 2


class LesionLabel(IntEnum):
    """Values of a lesion label map."""

    NONE = 0
    GROUND_GLASS = 1
    CONSOLIDATION = 2


@dataclass(frozen=True)
class ChestRegions:
    """What was segmented in a chest CT.

    Attributes
    ----------
    lungs : uint8, shape of the volume, values of `LungLabel`
        Diseased lung is lung.
    lesions : uint8, shape of the volume, values of `LesionLabel`
        Never outside the lungs.
    possible : uint8, shape of the volume, 1 where the bundle saw an opacity and is not sure enough
        to count it; never in `lesions`. None where there is none
    sureness : uint8, shape of the volume, how probable each voxel of a lesion is, 255 for certain.
        None where nothing says so
    """

    lungs: LabelMap
    lesions: LabelMap
    possible: LabelMap | None = None
    sureness: LabelMap | None = None

    @cached_property
    def box(self) -> Box:
        """Where lungs lie, and so all that was segmented; of no extent where there are none.

        A quarter of a volume: what is counted there alone takes a quarter of the time.
        """
        return box_around(self.lungs) or (slice(0, 0), slice(0, 0), slice(0, 0))
