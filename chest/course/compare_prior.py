"""Compare an earlier CT of the patient with this one: what changed, and where.

Both are given as maps of about 3 mm (`chest.registration.map_chest`), so that an earlier study
needs neither its instances nor its label maps any more. The territories of this study are drawn
into the earlier one, so that the same tissue is compared even where fissures were seen in only one
of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.course.match_lesions import match_lesions
from chest.registration import Registration, later_blocks, register
from chest.values.change import Change, LungMeasurement, PriorComparison
from chest.values.chest_map import WHOLE, ChestMap
from chest.values.figures import Side
from chest.values.regions import LungLabel
from chest.values.territory import Territory

_SIDES: Mapping[Side, tuple[LungLabel, ...]] = {
    Side.RIGHT: (LungLabel.RIGHT,),
    Side.LEFT: (LungLabel.LEFT,),
    Side.TOTAL: (LungLabel.RIGHT, LungLabel.LEFT),
}


@dataclass(frozen=True)
class MappedStudy:
    """A study that was read, as it is compared.

    Attributes
    ----------
    acquired_at : None where the headers do not say
    """

    study_instance_uid: str
    acquired_at: datetime | None
    chest: ChestMap


def compare_prior(earlier: MappedStudy, later: MappedStudy) -> PriorComparison:
    """Register the earlier chest with the later one and compare them, as `compare_registered`."""
    return compare_registered(earlier, later, register(earlier.chest, later.chest))


def compare_registered(
    earlier: MappedStudy, later: MappedStudy, registration: Registration
) -> PriorComparison:
    """Compare two chests.

    Returns
    -------
    Lungs, territories and lesions; lungs only where the registration is not good enough, and then
    `registration.reason` says why.
    """
    lungs = {
        side: Change(
            then=_measure(earlier.chest, np.isin(earlier.chest.lungs, labels)),
            now=_measure(later.chest, np.isin(later.chest.lungs, labels)),
        )
        for side, labels in _SIDES.items()
    }
    sufficient = registration.quality.sufficient
    return PriorComparison(
        study_instance_uid=earlier.study_instance_uid,
        then_at=earlier.acquired_at,
        now_at=later.acquired_at,
        registration=registration.quality,
        lungs=lungs,
        territories=_territories(earlier.chest, later.chest, registration) if sufficient else {},
        lesions=match_lesions(earlier.chest, later.chest, registration) if sufficient else (),
    )


def _measure(chest: ChestMap, where: NDArray[np.bool_]) -> LungMeasurement:
    """What lies in some blocks of a map."""
    lung = chest.lung_share[where].astype(np.float64) / WHOLE
    lesion = chest.lesion_share[where].astype(np.float64) / WHOLE
    in_lung, in_lesion = float(lung.sum()), float(lesion.sum())
    lung_hu = float((chest.hounsfield[where] * lung).sum())
    lesion_hu = float((chest.lesion_hounsfield[where] * lesion).sum())
    return LungMeasurement(
        volume_ml=in_lung * chest.block_ml,
        lesion_volume_ml=in_lesion * chest.block_ml,
        mean_hu=lung_hu / in_lung if in_lung > 0 else None,
        lesion_mean_hu=lesion_hu / in_lesion if in_lesion > 0 else None,
    )


def _territories(
    earlier: ChestMap, later: ChestMap, registration: Registration
) -> dict[Territory, Change]:
    """Measure this study's territories in both studies."""
    drawn = _drawn_into(earlier, later, registration)
    return {
        territory: Change(
            then=_measure(earlier, drawn == value),
            now=_measure(later, later.territories == value),
        )
        for value, territory in later.names.items()
    }


def _drawn_into(
    earlier: ChestMap, later: ChestMap, registration: Registration
) -> NDArray[np.uint8]:
    """The later study's territories on the earlier one's blocks, lung by lung.

    Every block of lung gets one: where outlines differ a little, that of the nearest place.
    """
    drawn = np.zeros(earlier.lungs.shape, dtype=np.uint8)
    sizes = np.linalg.norm(later.affine[:3, :3], axis=0)
    for side in (LungLabel.RIGHT, LungLabel.LEFT):
        blocks = np.nonzero(earlier.lungs == side)
        painted = np.where(later.lungs == side, later.territories, 0)
        if not painted.any() or blocks[0].size == 0:
            continue
        nearest = ndimage.distance_transform_edt(
            painted == 0, sampling=sizes, return_distances=False, return_indices=True
        )
        at = later_blocks(earlier, later, registration, blocks)
        drawn[blocks] = painted[tuple(nearest[:, *at])]
    return drawn
