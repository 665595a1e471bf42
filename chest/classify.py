"""Runs the classifier on single views, and on the most informative slices of a study.

What it answers is a probability from each member of an ensemble. Their mean is the answer, and
their standard deviation, with that of the mirrored view, is how far the answer can be trusted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chest.lungs.segment import ProbabilityMaps
from chest.values.regions import ChestRegions
from models.schema_2.networks import Classification
from models.schema_2.sign import Sign
from models.schema_2.view import ViewBox, lung_view

Arrays = NDArray[np.float32]

MOST_SLICES = 24
MIRRORED_SLICES = 6  # those with most lesion are read twice, for the spread
_ENOUGH_LUNG = 0.25  # of the largest cross-section: apex and base show too little


class Classifier(Protocol):
    """What classifying needs; `models.onnx_session.ClassifierSession` is one."""

    declared: Classification

    def run(self, views: Arrays) -> tuple[Arrays, Arrays, Arrays]:
        """Viral (n, members), signs (n, 5) and heat (n, h, w) of views (n, 5, size, size)."""
        ...


@dataclass(frozen=True)
class ViewAnswer:
    """What the classifier says of one view.

    Attributes
    ----------
    viral : mean of the answers, a calibrated probability
    spread : their population standard deviation, 0 to 0.5
    heat : shape (size / 8, size / 8), 0…1, of the view
    """

    viral: float
    spread: float
    signs: Mapping[Sign, float]
    heat: Arrays


@dataclass(frozen=True)
class SliceAnswer:
    """What the classifier says of one slice of a volume with canonical axes."""

    index: int
    box: ViewBox
    answer: ViewAnswer


def classify_views(
    views: Arrays, classifier: Classifier, mirrored: Collection[int]
) -> list[ViewAnswer]:
    """Classify views; those in `mirrored` also as their mirror image, and the two averaged.

    Parameters
    ----------
    views : shape (n, 5, size, size), from `models.schema_2.view.lung_view`
    mirrored : indices into `views`
    """
    twice = sorted(mirrored)
    viral, signs, heat = classifier.run(np.concatenate([views, views[twice][..., ::-1]]))
    second = {index: len(views) + place for place, index in enumerate(twice)}
    answers = []
    for index in range(len(views)):
        rows = [index] if index not in second else [index, second[index]]
        maps = [heat[index]] if index not in second else [heat[index], heat[second[index]][:, ::-1]]
        answers.append(
            ViewAnswer(
                viral=float(viral[rows].mean(dtype=np.float64)),
                spread=float(viral[rows].std(dtype=np.float64)),
                signs={
                    sign: float(value)
                    for sign, value in zip(Sign, signs[rows].mean(axis=0), strict=True)
                },
                heat=np.mean(maps, axis=0, dtype=np.float32),
            )
        )
    return answers


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
    lung = np.count_nonzero(regions.lungs, axis=(1, 2))
    lesion = np.count_nonzero(regions.lesions, axis=(1, 2))
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
    patches: Arrays, maps: ProbabilityMaps, regions: ChestRegions, classifier: Classifier
) -> list[SliceAnswer]:
    """Classify the slices of a study that `choose_slices` names.

    Parameters
    ----------
    patches : the segmentation network's input, shape (slices, 1, size, size)
    maps : its answer on the same grid
    regions : what was made of it, on the volume's own grid; canonical axes
    """
    chosen = choose_slices(regions)
    if not chosen:
        return []
    declared = classifier.declared
    shown = [
        lung_view(
            patches[index, 0],
            np.minimum(maps.right[index] / 255.0 + maps.left[index] / 255.0, 1.0),
            maps.lesion[index] / np.float32(255.0),
            size=declared.size,
            margin=declared.margin,
        )
        for index in chosen
    ]
    lesion = np.count_nonzero(regions.lesions[chosen], axis=(1, 2))
    mirrored = np.argsort(-lesion, kind="stable")[:MIRRORED_SLICES].tolist()
    answers = classify_views(np.stack([view for view, _ in shown]), classifier, mirrored)
    return [
        SliceAnswer(index, box, answer)
        for index, (_, box), answer in zip(chosen, shown, answers, strict=True)
    ]
