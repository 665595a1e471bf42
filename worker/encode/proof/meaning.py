"""What a code says about voxels, and which voxels of the reading those are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from radiology import codes
from radiology.chest.regions import LesionLabel, LungLabel
from radiology.chest.territory import Territory
from radiology.region import LabelMap, Mask
from worker.encode.derived_object import ResultContext
from worker.encode.segments import LOBES

RIGHT_LUNG, LEFT_LUNG = "right lung", "left lung"
LUNGS = "lungs"
GROUND_GLASS, CONSOLIDATION = "ground glass opacity", "consolidation"
OPACITY = "opacity"

LESIONS = (GROUND_GLASS, CONSOLIDATION)

_KINDS: Mapping[tuple[str, str], str] = {
    (codes.LUNG.value, ""): LUNGS,
    (codes.LUNG.value, codes.BILATERAL.value): LUNGS,
    (codes.LUNG.value, codes.RIGHT.value): RIGHT_LUNG,
    (codes.LUNG.value, codes.LEFT.value): LEFT_LUNG,
    (codes.GROUND_GLASS_OPACITY.value, ""): GROUND_GLASS,
    (codes.CONSOLIDATION.value, ""): CONSOLIDATION,
    (codes.ABNORMAL_OPACITY.value, ""): OPACITY,
    **{
        (lobe.kind.value, lobe.laterality.value if lobe.laterality else ""): lobe.territory.value
        for lobe in LOBES
    },
    **{
        (zone.value, side.value): f"{word} {part} zone"
        for side, word in ((codes.RIGHT, "right"), (codes.LEFT, "left"))
        for zone, part in (
            (codes.UPPER_ZONE, "upper"),
            (codes.MIDDLE_ZONE, "middle"),
            (codes.LOWER_ZONE, "lower"),
        )
    },
}

TERRITORY_KINDS = frozenset({codes.LOBE_OF_LUNG.value, codes.ZONE_OF_LUNG.value})
"""Findings of a report that their sites tell apart."""

_UPPER_AND_MIDDLE = {Territory.RIGHT_UPPER_LOBE.value, Territory.RIGHT_MIDDLE_LOBE.value}


def site_meaning(sites: Sequence[tuple[str, str]]) -> str | None:
    """Where finding sites are, as one place: each the code of an anatomy and of its side, if any.

    Returns
    -------
    None where it is not known, or where they are several places.
    """
    # The right middle lobe is one without its side, and is given with it too.
    places = {meaning_of(site, side) or meaning_of(site) for site, side in sites}
    if places == _UPPER_AND_MIDDLE:
        return Territory.RIGHT_UPPER_AND_MIDDLE_LOBE.value
    return places.pop() if len(places) == 1 else None


def meaning_of(code_value: str, side_value: str = "") -> str | None:
    """What a type or a site is, by its code and the code of its side; None if it is not known."""
    return _KINDS.get((code_value, side_value))


class ReadingMasks:
    """The voxels of a reading by what they mean."""

    def __init__(self, context: ResultContext) -> None:
        regions, divided = context.regions, context.reading.divided
        self._layers: dict[str, tuple[LabelMap, tuple[int, ...]]] = {
            LUNGS: (regions.lungs, (LungLabel.RIGHT, LungLabel.LEFT)),
            RIGHT_LUNG: (regions.lungs, (LungLabel.RIGHT,)),
            LEFT_LUNG: (regions.lungs, (LungLabel.LEFT,)),
            OPACITY: (regions.lesions, (LesionLabel.GROUND_GLASS, LesionLabel.CONSOLIDATION)),
            GROUND_GLASS: (regions.lesions, (LesionLabel.GROUND_GLASS,)),
            CONSOLIDATION: (regions.lesions, (LesionLabel.CONSOLIDATION,)),
        }
        self.lobes: list[str] = []
        if divided is not None:
            lobes = {one.territory for one in LOBES}
            for value, territory in divided.names.items():
                self._layers[territory.value] = (divided.labels, (value,))
                if territory in lobes:
                    self.lobes.append(territory.value)

    @property
    def shape(self) -> tuple[int, ...]:
        """Slices, rows, columns."""
        return self._layers[LUNGS][0].shape

    def knows(self, meaning: str | None) -> bool:
        """Whether the reading says where this is."""
        return meaning in self._layers

    def mask(self, meaning: str, index: int) -> Mask:
        """The pixels of one slice."""
        layer, (first, *others) = self._layers[meaning]
        mask: Mask = layer[index] == first
        for value in others:
            mask |= layer[index] == value
        return mask

    def size(self, meaning: str) -> int:
        """How many voxels there are."""
        return sum(int(np.count_nonzero(self.mask(meaning, one))) for one in range(self.shape[0]))
