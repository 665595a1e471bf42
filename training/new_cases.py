"""Train a bundle further on a site's cases: `python -m training.new_cases --new-cases DIR`.

`firstread models train` starts this as a process of its own, because PyTorch belongs to the
training alone. What comes out is a candidate: it waits until somebody takes it into use.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

import torch

from models.candidates import name_and_version
from radiology.errors import FirstreadError
from training.chest.folds import FoldMismatch
from training.data.split import SplitMismatch
from training.release.declaration import NAME
from training.release.export import ExportDiffers
from training.site.order import TrainingOrder
from training.site.train import train_on_new_cases

STEPS = 300
_EXAMPLES = """\
examples:
  python -m training.new_cases --new-cases cases --data ../shared/data --report report.html
  python -m training.new_cases --new-cases cases --base chest-ct-pneumonia/2.0.0 --version 2.5.0

Interrupt it at any time: the same command goes on from the last checkpoint.
"""


def _positive(word: str) -> int:
    value = int(word)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


def arguments() -> argparse.ArgumentParser:
    """The command line; `firstread models train` hands on the same options."""
    parser = argparse.ArgumentParser(
        prog="python -m training.new_cases",
        description="Train a bundle further on a site's labelled cases.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--new-cases", type=Path, required=True, help="images/, masks/, lungs/, labels.csv")
    add("--bundles", type=Path, default=Path("models/bundles"), help="folder of bundles")
    add("--base", default=NAME, help="NAME (its newest version) or NAME/VERSION")
    add("--version", help="of the candidate (default: the next minor version)")
    add("--data", type=Path, help="our own training data, to go along against forgetting")
    add("--steps", type=_positive, default=STEPS, help=f"of training (default {STEPS})")
    add("--build", type=Path, default=Path("build/new-cases"), help="where checkpoints are kept")
    add("--report", type=Path, help="write an HTML report to this file")
    add("--seed", type=int, default=1, help="of batches and variations (default 1)")
    add("--threads", type=int, default=2, help="CPU threads (default 2)")
    add("--replace", action="store_true", help="replace a candidate of the same version")
    return parser


def main(words: list[str] | None = None) -> int:
    """Run from the command line; return the exit status."""
    options = arguments().parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    if options.data is not None and not (options.data / "training").is_dir():
        print(f"No training data in {options.data}: --data is the folder around training/",
              file=sys.stderr)  # fmt: skip
        return 2
    torch.set_num_threads(options.threads)
    try:
        name, version = name_and_version(options.base)
        order = TrainingOrder(
            new_cases=options.new_cases,
            bundles=options.bundles,
            base=(name, version),
            version=options.version,
            data=options.data,
            steps=options.steps,
            build=options.build,
            report=options.report,
            seed=options.seed,
            replace=options.replace,
        )
        entries = train_on_new_cases(order)
    except (FirstreadError, ExportDiffers, SplitMismatch, FoldMismatch) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    print(json.dumps(entries, allow_nan=False, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
