"""Runs the classifier of a bundle of schema 2 on views of slices.

What it answers is a probability from each member of an ensemble. Their mean is the answer, and
their standard deviation, with that of the mirrored view, is how far the answer can be trusted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from chest.model.chest_model import Arrays
from models.schema_2.networks import Classification
from models.schema_2.sign import Sign


class Classifier(Protocol):
    """What classifying needs; `models.onnx_session.ClassifierSession` is one."""

    declared: Classification

    def warm_up(self) -> None:
        """Run once on nothing."""
        ...

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
