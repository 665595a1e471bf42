"""Train and score the lobe network: `python -m training.lobes --data DIR`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from evaluation.statistics.bootstrap import mean_of
from training.arguments import training_parser
from training.fit import Schedule, fit
from training.lobes.maps import LOBES, LobeMap, read_lobe_maps, to_grid
from training.lobes.network import LobeNet
from training.lobes.objective import LobeObjective
from training.lobes.score import LobeScore, score_lobes

log = logging.getLogger("training.lobes")

STEPS = 1500
_RATE = 2e-3

_EXAMPLES = """\
examples:
  python -m training.lobes --data ../shared/data                train, and score what is held out
  python -m training.lobes --shorten 50 --build build/try       a quick try

Interrupt it at any time: the same command goes on from the last checkpoint.
"""


def _arguments() -> argparse.ArgumentParser:
    return training_parser(
        "python -m training.lobes",
        "Train and score the network of lobes.",
        _EXAMPLES,
        build="build/lobes",
        threads=2,
    )


def _lines(scores: Sequence[LobeScore]) -> list[str]:
    """A line for each lobe of each origin, and one for all lobes of it."""
    lines = []
    for origin in sorted({one.origin for one in scores}):
        dice = np.array([one.dice for one in scores if one.origin == origin])
        for place, lobe in enumerate(LOBES):
            lines.append(f"{origin}, {lobe} lobe: {mean_of(dice[:, place])}")
        lines.append(f"{origin}, all lobes: {mean_of(dice.mean(axis=1))}")
    return lines


def train(data: Path, build: Path, seed: int, shorten: int) -> list[LobeScore]:
    """Train on the maps that are not held out, and score the others."""
    maps = read_lobe_maps(data)
    trained = [to_grid(one.labels) for one in maps if not one.held_out]
    held_out: list[LobeMap] = [one for one in maps if one.held_out]
    log.info("%d maps to train on, %d held out", len(trained), len(held_out))
    torch.manual_seed(seed)
    network = fit(
        LobeNet(),
        lambda: LobeObjective(trained),
        Schedule(max(STEPS // shorten, 1), _RATE, seed),
        build / "lobes.pt",
        validate=lambda one: _lines(score_lobes(one, held_out[:6]))[-1],
    )
    return score_lobes(network, held_out)


def main() -> int:
    """Run from the command line; return the exit status."""
    options = _arguments().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    if not (options.data / "training/lobe_maps").is_dir():
        print(f"No training/lobe_maps in {options.data}: give its folder with --data",
              file=sys.stderr)  # fmt: skip
        return 2
    torch.set_num_threads(options.threads)
    try:
        scores = train(options.data, options.build, options.seed, options.shorten)
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    for line in _lines(scores):
        log.info("%s", line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
