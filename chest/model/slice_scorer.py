"""Says of single slices what pattern they show, with a network of schema 3 that sees each alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chest.model.chest_model import Arrays, SliceAnswer, SliceHeat
from chest.model.probability_maps import ProbabilityMaps
from models.declared_bundle import DeclaredBundle
from models.output.heat_maps import heat_levels
from models.output.scores import column_of, slice_scores
from models.run.declared_network import DeclaredNetwork
from models.schema_2.sign import Sign
from models.schema_2.view import ViewBox

VIRAL: Final = "viral"
HEAT: Final = "heat"
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
        scores, heat = self._said(shown)
        second = {index: len(chosen) + place for place, index in enumerate(twice)}
        answers = []
        for place, index in enumerate(chosen):
            rows = [place, second[index]] if index in second else [place]
            mean = scores[rows].mean(axis=0)
            signs = {sign: float(mean[1 + at]) for at, sign in enumerate(Sign)}
            looked = None
            if heat is not None:
                turned = [heat[place], *(heat[row][:, ::-1] for row in rows[1:])]
                levels: Arrays = np.mean(turned, axis=0, dtype=np.float32)
                looked = SliceHeat(levels, ViewBox(0.0, 0.0, float(patches.shape[-1])))
            spread = float(scores[rows, 0].std())
            answers.append(SliceAnswer(index, float(mean[0]), spread, signs, looked))
        return answers

    def _said(self, patches: Arrays) -> tuple[NDArray[np.float64], Arrays | None]:
        """Calibrated scores of patches (slices, 1, size, size), and the heat map of each.

        Returns
        -------
        Shapes (slices, 6) and (slices, cell rows, cell columns); no maps where none is declared.
        """
        outputs = self.bundle.outputs
        declared = [outputs.slice_scores[name] for name in SCORES]
        looked = outputs.heat_maps.get(HEAT)
        parts, maps = [], []
        for first in range(0, len(patches), self.network.at_once):
            answers = self.network.run(patches[first : first + self.network.at_once])
            columns = [
                slice_scores(column_of(answers[one.answer.tensor], one), one) for one in declared
            ]
            parts.append(np.stack(columns, axis=1))
            if looked is not None:
                maps.append(heat_levels(answers[looked.answer.tensor], looked))
        return np.concatenate(parts), np.concatenate(maps) if maps else None
