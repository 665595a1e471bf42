"""Says of single slices what pattern they show, with a network of schema 3 that sees each alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chest.model.chest_model import Arrays, SliceAnswer
from chest.model.probability_maps import ProbabilityMaps
from models.declared_bundle import DeclaredBundle
from models.output.scores import column_of, slice_scores
from models.run.declared_network import DeclaredNetwork
from models.schema_2.sign import Sign

VIRAL: Final = "viral"
SCORES: Final = (VIRAL, *(str(sign) for sign in Sign))


@dataclass(frozen=True)
class SliceScorer:
    """Classifies slices by what they show; where lesions were found plays no part."""

    bundle: DeclaredBundle
    network: DeclaredNetwork

    def warm_up(self) -> None:
        """Run once on nothing."""
        self.network.warm_up()

    def classify(
        self,
        patches: Arrays,
        found: ProbabilityMaps,
        chosen: Sequence[int],
        mirrored: Collection[int],
    ) -> list[SliceAnswer]:
        """Answer for slices; see `chest.model.chest_model.SliceClassifier.classify`."""
        twice = [index for index in chosen if index in mirrored]
        shown = np.concatenate([patches[list(chosen)], patches[twice][..., ::-1]])
        scores = self._scores(shown)
        straight, turned = scores[: len(chosen)], scores[len(chosen) :]
        back = dict(zip(twice, turned, strict=True))
        answers = []
        for index, row in zip(chosen, straight, strict=True):
            rows = [row, back[index]] if index in back else [row]
            mean = np.mean(rows, axis=0)
            signs = {sign: float(mean[1 + place]) for place, sign in enumerate(Sign)}
            spread = float(np.std([one[0] for one in rows]))
            answers.append(SliceAnswer(index, float(mean[0]), spread, signs, None))
        return answers

    def _scores(self, patches: Arrays) -> NDArray[np.float64]:
        """Calibrated scores of patches (slices, 1, size, size), shape (slices, 6)."""
        declared = [self.bundle.outputs.slice_scores[name] for name in SCORES]
        parts = []
        for first in range(0, len(patches), self.network.at_once):
            answers = self.network.run(patches[first : first + self.network.at_once])
            columns = [
                slice_scores(column_of(answers[one.answer.tensor], one), one) for one in declared
            ]
            parts.append(np.stack(columns, axis=1))
        return np.concatenate(parts)
