"""A first look at a few slices of a waiting chest, to decide which study is analysed first.

It decides the order of the queue and nothing else: no finding, no flag and no result comes of it.
A study that is not asked for urgently is known to be urgent only after its analysis; where twenty
others wait before it, a look of about a second at each of them brings it forward.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chest.lungs.on_slices import EVEN
from chest.model.chest_model import ChestModel
from models.readers.study_reader import FirstLook
from models.schema_2.preprocess import fit_of, to_patches
from radiology.image.volume import Volume
from radiology.urgency import Urgency

# Below the 25 % at which chest.triage.urgency calls a study urgent: a few slices miss its share by
# a fifth at most in our studies (docs/flags.md). And the share at which a slice counts as positive
# in chest.case_level.
_LOOKS_URGENT_PERCENT, _LOOKS_SUSPECTED_PERCENT = 20.0, 1.0


def first_look(volume: Volume, model: ChestModel) -> FirstLook:
    """Run the segmentation network on a few slices.

    Parameters
    ----------
    volume : slices from the middle of a series, of which only axes and spacing within slices are
        asked for
    """
    canonical, _ = volume.canonical()
    fit = fit_of(canonical, model.grid)
    maps = model.finder.find(to_patches(canonical, fit, model.grid), None)
    some = maps.lesion >= EVEN
    right, left = (_counts(side >= EVEN, some) for side in (maps.right, maps.left))
    worse_lung_percent = max(_share_percent(right), _share_percent(left))
    facts = {"slices": canonical.shape[0], "worse_lung_percent": round(worse_lung_percent, 2)}
    return FirstLook(_like(worse_lung_percent), facts)


def _like(worse_lung_percent: float) -> Urgency | None:
    if worse_lung_percent >= _LOOKS_URGENT_PERCENT:
        return Urgency.URGENT
    if worse_lung_percent >= _LOOKS_SUSPECTED_PERCENT:
        return Urgency.SUSPECTED
    return None


def _counts(lung: NDArray[np.bool_], lesion: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.array([np.count_nonzero(lung), np.count_nonzero(lung & lesion)], dtype=np.float64)


def _share_percent(counts: NDArray[np.float64]) -> float:
    return float(100.0 * counts[1] / counts[0]) if counts[0] else 0.0
