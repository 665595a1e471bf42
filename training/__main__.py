"""Train, score and export the bundle: `python -m training --data ../shared/data`."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import torch

from training.evaluate import evaluate
from training.split import SplitMismatch
from training.stages import JOINT_STEPS, LUNG_STEPS, fit_joint, fit_lungs, read_corpus
from training.write_bundle import write_bundle

_EXAMPLES = """\
examples:
  python -m training --data ../shared/data            train, score, write the bundle
  python -m training --data ../shared/data --restart  the same, forgetting the checkpoints
  python -m training --data ../shared/data --lung-steps 20 --joint-steps 20 \\
      --build build/try --bundles build/try           a quick try of the whole path

Interrupt it at any time: the same command goes on from the last checkpoint.
"""


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train, score and export the bundle chest-ct-pneumonia.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, default=Path("../shared/data"), help="folder with training/ in it")
    add("--build", type=Path, default=Path("build/training"), help="where checkpoints are kept")
    add("--bundles", type=Path, default=Path("models/bundles"), help="where the bundle goes")
    add("--seed", type=int, default=1, help="of weights, batches and variations (default 1)")
    add("--threads", type=int, default=2, help="CPU threads (default 2)")
    add("--lung-steps", type=int, default=LUNG_STEPS, help=f"default {LUNG_STEPS}")
    add("--joint-steps", type=int, default=JOINT_STEPS, help=f"default {JOINT_STEPS}")
    add("--remark", default="", help="what the model card should say about this very training")
    add("--restart", action="store_true", help="forget the checkpoints")
    return parser


def _train(options: argparse.Namespace) -> None:
    if options.restart:
        for checkpoint in options.build.glob("*.pt"):
            checkpoint.unlink()
    corpus = read_corpus(options.data)
    lungs = fit_lungs(corpus, options.build, options.seed, options.lung_steps)
    network = fit_joint(corpus, lungs, options.build, options.seed, options.joint_steps)
    report = evaluate(network, corpus)
    write_bundle(network, report, options.bundles, remark=options.remark)


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
            f"The data is not what training/splits.toml was written for: {error}", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
