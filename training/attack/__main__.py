"""Attack released bundles: `python -m training.attack scores …` or `… volumes …`.

Nothing is trained, and nothing is written but a table.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch

from evaluation.statistics.receiver_operating import auc
from models.catalogue import read_any_bundle
from radiology.errors import FirstreadError
from training.attack.slice_scores import slice_scores
from training.attack.volumes import attacked_volumes
from training.data.figures import read_covid_ct
from training.scoring.attack import Attack, against, logits_of
from training.scoring.perturb import ADVERSARIAL_HU

_EXAMPLES: Final = """\
examples:
  python -m training.attack scores models/bundles/chest-ct-pneumonia/{2.0.0,3.1.0}
  python -m training.attack scores models/bundles/chest-ct-pneumonia/3.1.0 --hu 1 2 4 --steps 10
  python -m training.attack volumes models/bundles/chest-ct-pneumonia/3.1.0 \\
      --series ../shared/data/ct/covid-P001 ../shared/data/ct/normal-001

Networks of scores that are released were trained on COVID-CT val too: what they say of its slices
flatters them, as they are and under an attack.
"""


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.attack",
        description="Move every pixel by a few HU in the direction that is worst for a bundle.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default 2)")
    kinds = parser.add_subparsers(dest="kind", required=True)
    scores = kinds.add_parser("scores", help="what is said of the slices of COVID-CT val")
    scores.add_argument("bundles", type=Path, nargs="+", help="their folders")
    scores.add_argument("--data", type=Path, default=Path("../shared/data"))
    scores.add_argument("--hu", type=float, nargs="+", default=[ADVERSARIAL_HU])
    scores.add_argument("--steps", type=int, default=1, help="of each attack (default 1)")
    volumes = kinds.add_parser("volumes", help="what is found in whole series")
    volumes.add_argument("bundle", type=Path, help="its folder")
    volumes.add_argument("--series", type=Path, nargs="+", required=True, help="DICOM folders")
    volumes.add_argument("--hu", type=float, default=ADVERSARIAL_HU)
    return parser


def _scores(bundles: list[Path], data: Path, attacks: list[Attack]) -> Iterator[str]:
    yield "| bundle | moved by | AUC, COVID-CT val [95 % interval] |\n|---|---|---|"
    for folder in bundles:
        bundle = read_any_bundle(folder)
        scores = slice_scores(bundle)
        val = read_covid_ct(data, scores.size).val
        hu = val.slices.hu.astype(np.float32)
        name = f"{bundle.name} {bundle.version}"
        yield f"| {name} | nothing | {auc(val.viral > 0, logits_of(scores.logit, hu))} |"
        for attack in attacks:
            moved = attack.moved(against(scores.logit, val.viral), hu)
            yield f"| {name} | {attack} | {auc(val.viral > 0, logits_of(scores.logit, moved))} |"


def main() -> int:
    """Run from the command line; return the exit status."""
    options = arguments().parse_args()
    logging.basicConfig(level=logging.WARNING)
    torch.set_num_threads(options.threads)
    try:
        if options.kind == "scores":
            attacks = [Attack(hu, options.steps) for hu in options.hu]
            lines = _scores(options.bundles, options.data, attacks)
        else:
            lines = attacked_volumes(options.bundle, options.series, options.hu)
        for line in lines:
            print(line, flush=True)
    except FirstreadError as error:
        print(f"The attack cannot begin: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
