"""Train, score and export the head bundle: `python -m training.head --data DIR --out DIR`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

import torch

from models.declared.section import DECLARATION
from models.release.seal import seal
from training.arguments import training_parser
from training.encoder.published import WeightsUnusable, published_weights
from training.head import stages
from training.head.card import NAME, VERSION, evaluation_text, model_card
from training.head.export import FILE, write_network
from training.head.score import score
from training.release.made import Made, data_digests, machine_used, versions_used

_EXAMPLES = """\
examples:
  python -m training.head --data ../shared/data       train, score, write and seal the bundle
  python -m training.head --data ../shared/data --out build/try --build build/try --shorten 40
                                                      a quick try of the whole path

Interrupt it at any time: the same command goes on from the last checkpoint.
"""


def _arguments() -> argparse.ArgumentParser:
    parser = training_parser(
        "python -m training.head",
        "Train, score and export the bundle head-ct-haemorrhage.",
        _EXAMPLES,
        build="build/head",
        threads=1,
    )
    add = parser.add_argument
    add(
        "--out",
        type=Path,
        default=Path("models/bundles", NAME, VERSION),
        help="where network, card and evaluation go; sealed where a bundle.toml lies there",
    )
    add("--weights", type=Path, help="ImageNet weights; default: those of the installed package")
    return parser


def _train(options: argparse.Namespace) -> None:
    began, resumed = time.monotonic(), any(options.build.glob("*.pt"))
    plan = stages.Plan(options.build, options.seed, options.shorten)
    corpus = stages.read_corpus(options.data, plan)
    untrained = stages.new_network(published_weights(0, options.weights), options.seed)
    start = stages.fit_start(corpus, untrained, plan)
    last = stages.fit_last(corpus, start, plan)
    folds = [stages.fit_fold(corpus, start, plan, fold) for fold in range(stages.FOLDS)]
    report = score(corpus, folds, last)
    options.out.mkdir(parents=True, exist_ok=True)
    exported = write_network(last, report.curve, options.out / FILE, corpus.drawn)
    digests = data_digests(options.data)
    made = Made(
        seed=options.seed,
        steps={
            "start": plan.schedule(stages.START_STEPS).steps,
            "fold": plan.schedule(stages.FOLD_STEPS).steps,
            "last": plan.schedule(stages.LAST_STEPS).steps,
        },
        data={"head_ct": digests["head_ct"]},
        versions=versions_used(),
        machine=machine_used(),
        minutes=(time.monotonic() - began) / 60.0,
        resumed=resumed,
        remark=options.remark,
    )
    card = model_card(report, exported, made)
    (options.out / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    text = evaluation_text(report, exported, made)
    (options.out / "evaluation.json").write_text(text, encoding="utf-8")
    if (options.out / DECLARATION).is_file():
        seal(options.out)


def main() -> int:
    """Run from the command line; return the exit status."""
    options = _arguments().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    for chatty in ("onnxscript", "onnx_ir", "torch.onnx"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    if not (options.data / "training/head_ct").is_dir():
        print(
            f"No training/head_ct in {options.data}: give its folder with --data", file=sys.stderr
        )
        return 2
    torch.set_num_threads(options.threads)
    try:
        _train(options)
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    except WeightsUnusable as error:
        print(f"The pretrained weights cannot be used: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
