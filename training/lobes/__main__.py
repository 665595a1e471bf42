"""Train and score the lobe network: `python -m training.lobes --data DIR`."""

from __future__ import annotations

import argparse
import logging
import sys

import torch

from training.arguments import training_parser
from training.lobes.stage import fit_lobes

log = logging.getLogger("training.lobes")

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
        trained = fit_lobes(options.data, options.build, options.seed, options.shorten)
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    for one in trained.figures():
        log.info("%s: %s (%s)", one.what, one.estimate, one.where)
    return 0


if __name__ == "__main__":
    sys.exit(main())
