"""Chooses the slices of a study that are classified: evenly through the lungs, and the worst."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chest.model.chest_model import SliceAnswer, SliceClassifier, SlicesToClassify
from chest.values.regions import ChestRegions
from radiology.region import pixels_by_slice

MOST_SLICES = 24
MIRRORED_SLICES = 6  # those with most lesion are read twice, for the spread
_ENOUGH_LUNG = 0.25  # of the largest cross-section: apex and base show too little


def _evenly(candidates: Sequence[int], count: int) -> list[int]:
    """`count` of the candidates, as evenly as whole numbers allow, without the two ends."""
    places = (np.arange(count) + 0.5) * len(candidates) / count
    return sorted({candidates[int(place)] for place in places})


def choose_slices(regions: ChestRegions, most: int = MOST_SLICES) -> list[int]:
    """Which slices of a study to classify.

    Half of them lie evenly through the lungs, where their cross-section is at least a quarter of
    the largest. The other half are those with most lesion that are not among them; where there
    are fewer, the even half is made larger. The slice with most lesion is always chosen.

    Parameters
    ----------
    regions : on canonical axes
    most : how many at most

    Returns
    -------
    Ascending; empty where there is no lung.
    """
    lung = pixels_by_slice(regions.lungs)
    lesion = pixels_by_slice(regions.lesions)
    worth = np.flatnonzero(lung >= max(_ENOUGH_LUNG * lung.max(initial=0), 1)).tolist()
    if len(worth) < most:
        return worth if not lesion.any() else sorted({*worth, int(np.argmax(lesion))})
    by_lesion = [int(at) for at in np.argsort(-lesion, kind="stable") if lesion[at] > 0]
    # The key slice is classified in any case: its heat map is what a reader asks for.
    wanted = [at for place, at in enumerate(by_lesion) if place == 0 or at in set(worth)]
    even = _evenly(worth, max(most // 2, most - len(wanted)))
    rest = [at for at in wanted if at not in set(even)]
    return sorted(even + rest[: most - len(even)])


def classify_study(
    slices: SlicesToClassify, regions: ChestRegions, classifier: SliceClassifier
) -> list[SliceAnswer]:
    """Classify the slices of a study that `choose_slices` names.

    Parameters
    ----------
    slices : of the whole study, on canonical axes
    regions : what was found in them, on the volume's own grid
    """
    chosen = choose_slices(regions)
    if not chosen:
        return []
    lesion = pixels_by_slice(regions.lesions[chosen])
    worst = np.argsort(-lesion, kind="stable")[:MIRRORED_SLICES]
    return classifier.classify(slices, chosen, [chosen[int(at)] for at in worst])
