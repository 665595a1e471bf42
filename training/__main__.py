"""Train, score and export the bundle: `python -m training --data ../shared/data`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

import torch

from training.arguments import training_parser
from training.classification import stages as classifier_stages
from training.data.figures import read_covid_ct
from training.data.split import SPLITS_FILE, SplitMismatch
from training.release.made import Made, data_digests, machine_used, versions_used
from training.release.write_bundle import VERSION, Trained, write_bundle
from training.scoring.evaluate_classification import evaluate_classification
from training.scoring.evaluate_segmentation import evaluate_segmentation
from training.scoring.floors import measure_floors
from training.scoring.report import Report
from training.scoring.robustness import measure_robustness
from training.scoring.thick_slices import measure_thickness
from training.segmentation import stages

log = logging.getLogger("training")

_STEPS = {
    "lungs": stages.LUNG_STEPS,
    "joint": stages.JOINT_STEPS,
    "student": stages.STUDENT_STEPS,
    "views": classifier_stages.PRETRAIN_STEPS,
    "member": classifier_stages.MEMBER_STEPS,
    "last": stages.LAST_STEPS,
}

_EXAMPLES = """\
examples:
  python -m training --data ../shared/data            train, score, write the bundle
  python -m training --data ../shared/data --restart  the same, forgetting the checkpoints
  python -m training --data ../shared/data --shorten 50 --build build/try --bundles build/try
                                                      a quick try of the whole path

Interrupt it at any time: the same command goes on from the last checkpoint.
"""


def _arguments() -> argparse.ArgumentParser:
    parser = training_parser(
        "python -m training",
        "Train, score and export the bundle chest-ct-pneumonia.",
        _EXAMPLES,
        build="build/training",
        threads=2,
    )
    add = parser.add_argument
    add("--bundles", type=Path, default=Path("models/bundles"), help="where the bundle goes")
    add("--version", default=VERSION, help=f"of the bundle (default {VERSION})")
    add("--restart", action="store_true", help="forget the checkpoints")
    return parser


def _train(options: argparse.Namespace) -> None:
    if options.restart:
        for checkpoint in options.build.glob("*.pt"):
            checkpoint.unlink()
    began, resumed = time.monotonic(), any(options.build.glob("*.pt"))
    steps = {name: max(count // options.shorten, 1) for name, count in _STEPS.items()}
    data, build, seed = options.data, options.build, options.seed
    corpus = stages.read_corpus(data)
    lungs = stages.fit_lungs(corpus, build, seed, steps["lungs"])
    joint = stages.fit_joint(corpus, lungs, build, seed, steps["joint"])
    student = stages.fit_student(corpus, data, joint, build, seed, steps["student"])
    figures = classifier_stages.read_figures(data, corpus, student)
    views = classifier_stages.pretrain(figures, build, seed, steps["views"])
    classifier = classifier_stages.fit_members(figures, views, build, seed, steps["member"])
    segmentation = evaluate_segmentation(student, corpus)
    threshold = segmentation.lesion_threshold
    report = Report(
        segmentation=segmentation,
        classification=evaluate_classification(figures, classifier),
        floors=measure_floors(data, figures, student, corpus),
        robustness=measure_robustness(student, threshold, classifier, corpus, read_covid_ct(data)),
        thickness=measure_thickness(student, threshold),
    )
    for figure in (*report.figures, *report.floors):
        log.info("held out: %s: %s (%s)", figure.key, figure.estimate, figure.where)
    for row in (*report.robustness, *report.thickness):
        log.info("robustness: %s", row)
    trained = Trained(
        segmentation=stages.fit_last(corpus, student, build, seed, steps["last"]),
        members=classifier_stages.fit_last(figures, classifier, build, seed, steps["last"]),
        report=report,
        corpus=corpus,
        figures=figures,
    )
    made = Made(
        seed=seed,
        steps=steps,
        data=data_digests(data),
        versions=versions_used(),
        machine=machine_used(),
        minutes=(time.monotonic() - began) / 60.0,
        resumed=resumed,
        remark=options.remark,
    )
    write_bundle(trained, made, options.bundles, options.version)


def main() -> int:
    """Run from the command line; return the exit status."""
    options = _arguments().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    for chatty in ("onnxscript", "onnx_ir", "torch.onnx"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    if not (options.data / "training").is_dir():
        print(f"No training data in {options.data}: give its folder with --data", file=sys.stderr)
        return 2
    torch.set_num_threads(options.threads)
    try:
        _train(options)
    except SplitMismatch as error:
        print(
            f"The data is not what {SPLITS_FILE.name} was written for: {error}",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
