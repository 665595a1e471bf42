"""Scores lobes on the maps' own grids: the network's answer is spread out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from training.lobes.maps import LOBES, Labels, LobeMap, sides_of, to_grid
from training.lobes.network import LobeNet


@dataclass(frozen=True)
class LobeScore:
    """Dice of each lobe of one map, in the order of `LOBES`."""

    name: str
    origin: str
    dice: tuple[float, ...]


def find_lobes(network: LobeNet, labels: Labels) -> Labels:
    """The lobes of lungs whose sides are known, on their own grid."""
    sides = sides_of(labels)
    network.eval()
    with torch.inference_mode():
        logits = network(torch.from_numpy(to_grid(sides).astype(np.int64))[None])[0]
        spread = torch.nn.functional.interpolate(
            logits.clamp(min=-20.0)[None], size=list(labels.shape), mode="trilinear"
        )[0].numpy()
    for side, lobes in ((1, (1, 2)), (2, (3, 4, 5))):
        for lobe in range(1, len(LOBES) + 1):
            if lobe not in lobes:
                spread[lobe - 1][sides == side] = -np.inf
    found: Labels = np.where(sides > 0, spread.argmax(axis=0) + 1, 0).astype(np.uint8)
    return found


def score_lobes(network: LobeNet, maps: Sequence[LobeMap]) -> list[LobeScore]:
    """Score maps that were not trained on."""
    scores = []
    for one in maps:
        found = find_lobes(network, one.labels)
        dice = []
        for lobe in range(1, len(LOBES) + 1):
            here, there = found == lobe, one.labels == lobe
            dice.append(2.0 * int((here & there).sum()) / (int(here.sum()) + int(there.sum())))
        scores.append(LobeScore(one.name, one.origin, tuple(dice)))
    return scores
