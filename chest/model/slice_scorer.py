"""Says of single slices what pattern they show, with a network of schema 3 that sees each alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chest.model.chest_model import Arrays, SliceAnswer, SliceHeat, SlicesToClassify
from models.declared_bundle import DeclaredBundle
from models.output.heat_maps import heat_levels
from models.output.scores import column_of, slice_scores
from models.run.declared_network import DeclaredNetwork
from models.schema_2.networks import InputGrid
from models.schema_2.preprocess import SquareFit, to_patch
from models.schema_2.sign import Sign
from models.schema_2.view import ViewBox

VIRAL: Final = "viral"
HEAT: Final = "heat"
SCORES: Final = (VIRAL, *(str(sign) for sign in Sign))


@dataclass(frozen=True)
class SliceScorer:
    """Classifies slices by what they show; where lesions were found plays no part.

    Attributes
    ----------
    grid : what the network is fed; it may see finer squares than the one that finds
    """

    bundle: DeclaredBundle
    network: DeclaredNetwork
    grid: InputGrid

    def warm_up(self) -> None:
        """Run once on nothing."""
        self.network.warm_up()

    def classify(
        self, slices: SlicesToClassify, chosen: Sequence[int], mirrored: Collection[int]
    ) -> list[SliceAnswer]:
        """Answer for slices; see `chest.model.chest_model.SliceClassifier.classify`."""
        twice = [index for index in chosen if index in mirrored]
        straight = self._patches(slices, chosen)
        turned = straight[[list(chosen).index(index) for index in twice]][..., ::-1]
        scores, heat = self._said(np.concatenate([straight, turned]))
        second = {index: len(chosen) + place for place, index in enumerate(twice)}
        answers = []
        for place, index in enumerate(chosen):
            rows = [place, second[index]] if index in second else [place]
            mean = scores[rows].mean(axis=0)
            signs = {sign: float(mean[1 + at]) for at, sign in enumerate(Sign)}
            looked = None
            if heat is not None:
                maps = [heat[place], *(heat[row][:, ::-1] for row in rows[1:])]
                levels: Arrays = np.mean(maps, axis=0, dtype=np.float32)
                # Its square and the finder's show the same: the slice, whole and in the middle.
                whole = ViewBox(0.0, 0.0, float(slices.patches.shape[-1]))
                looked = SliceHeat(levels, whole)
            spread = float(scores[rows, 0].std())
            answers.append(SliceAnswer(index, float(mean[0]), spread, signs, looked))
        return answers

    def _patches(self, slices: SlicesToClassify, chosen: Sequence[int]) -> Arrays:
        """Slices as the network is fed them, shape (chosen, 1, size, size)."""
        shape = slices.hounsfield.shape[1:]
        fit = SquareFit.of((shape[0], shape[1]), slices.spacing_mm, self.grid.size)
        return np.stack([to_patch(slices.hounsfield[at], fit, self.grid)[None] for at in chosen])

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
