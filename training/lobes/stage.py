"""The stage of the training that makes the lobe network."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from evaluation.statistics.bootstrap import mean_of
from training.fit import Schedule, fit
from training.lobes.maps import LOBES, LobeMap, read_lobe_maps, to_grid
from training.lobes.network import LobeNet
from training.lobes.objective import LobeObjective
from training.lobes.score import LobeScore, score_lobes
from training.scoring.report import CardFigure

log = logging.getLogger(__name__)

STEPS = 750
_RATE = 2e-3
_WATCHED = 6  # held-out maps


@dataclass(frozen=True)
class TrainedLobes:
    """The network, the maps that it was not trained on, and its scores on them."""

    network: LobeNet
    held_out: tuple[LobeMap, ...]
    scores: tuple[LobeScore, ...]

    def figures(self) -> list[CardFigure]:
        """Dice of each lobe of each origin of maps, and of all lobes."""
        found = []
        for origin in sorted({one.origin for one in self.scores}):
            dice = np.array([one.dice for one in self.scores if one.origin == origin])
            named = [(lobe, dice[:, place]) for place, lobe in enumerate(LOBES)]
            for lobe, values in (*named, ("mean", dice.mean(axis=1))):
                what = "lobes" if lobe == "mean" else f"{lobe} lobe"
                key = f"lobes_{origin}_{lobe.replace(' ', '_')}_dice"
                where = f"held-out maps of {origin}, from the shape of the lungs alone"
                found.append(CardFigure(key, f"{what}, Dice", where, mean_of(values)))
        return found


def fit_lobes(data: Path, build: Path, seed: int, shorten: int = 1) -> TrainedLobes:
    """Train on the maps that are not held out, and score the others."""
    maps = read_lobe_maps(data)
    trained = [to_grid(one.labels) for one in maps if not one.held_out]
    held_out = tuple(one for one in maps if one.held_out)
    log.info("%d maps to train on, %d held out", len(trained), len(held_out))
    torch.manual_seed(seed)
    network = fit(
        LobeNet(),
        lambda: LobeObjective(trained),
        Schedule(max(STEPS // shorten, 1), _RATE, seed),
        build / "lobes.pt",
        validate=lambda one: _mean(score_lobes(one, held_out[:_WATCHED])),
    )
    return TrainedLobes(network, held_out, tuple(score_lobes(network, held_out)))


def _mean(scores: Sequence[LobeScore]) -> str:
    return f"mean Dice {np.mean([one.dice for one in scores]):.3f}"
