"""Scores a bundle on two phantoms as other scans would show them, and on those of the demo.

python -m training.chest.release.other_scans models/bundles/NAME/VERSION
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from chest.reader import Reader
from chest.values.figures import Side
from chest.values.regions import LesionLabel
from models.catalogue import read_any_bundle
from phantom.grid import phantom_grid
from phantom.lesions import EXTENSIVE_LESIONS, TYPICAL_LESIONS, Lesion
from phantom.synthesis import Phantom, make_phantom
from training.scoring.thick_slices import volume_dice

_Grid = tuple[tuple[int, int, int], tuple[float, float, float]]
_GRID: Final[_Grid] = ((150, 256, 256), (2.0, 1.4, 1.4))
_SEEDS: Final = (11, 12)  # as those of thick slices
_DEMO_GRID: Final[_Grid] = ((75, 512, 512), (4.0, 0.7, 0.7))  # as `firstread.demo.run` has it
_NOISE_HU: Final = 18.0
_HEAD: Final = (
    "| scan | lungs, Dice | lesions, Dice | lesions found of true | consolidation | answer |"
)


@dataclass(frozen=True)
class _Scan:
    """Which phantoms, and how they are scanned.

    Attributes
    ----------
    enhanced_by_hu : what contrast medium adds to blood
    """

    enhanced_by_hu: float = 0.0
    noise_hu: float = _NOISE_HU
    seeds: tuple[int, ...] = _SEEDS
    lesions: tuple[Lesion, ...] = TYPICAL_LESIONS
    grid: _Grid = _GRID


_SCANS: Final[Mapping[str, _Scan]] = {
    "as they are": _Scan(),
    "contrast: blood 150 HU more": _Scan(enhanced_by_hu=150.0),
    # Quantum noise: its variance goes with one over the dose. The grain is correlated as before.
    "half the dose": _Scan(noise_hu=_NOISE_HU * math.sqrt(2.0)),
    "the demo's diseased phantom": _Scan(seeds=(1,), grid=_DEMO_GRID),
    "the demo's gravely diseased one": _Scan(
        seeds=(3,), lesions=EXTENSIVE_LESIONS, grid=_DEMO_GRID
    ),
}


def main() -> None:
    """Print the rows of a table, means over the phantoms, as each is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    reader = Reader.of(read_any_bundle(parser.parse_args().bundle))
    print(_HEAD + "\n|---|---|---|---|---|---|")
    for name, scan in _SCANS.items():
        print(f"| {name} | {_row(reader, scan)} |", flush=True)


def _row(reader: Reader, scan: _Scan) -> str:
    scores, answers = [], []
    for phantom in _phantoms(scan):
        reading, _ = reader.read(phantom.volume)
        warned = ", ".join(one.name for one in reading.gates if not one.passed)
        answers.append(f"{reading.outcome.value}{f' ({warned})' if warned else ''}")
        if reading.regions is None:
            scores.append((0.0, 0.0, 0.0, 0.0))
            continue
        dense = reading.figures[Side.TOTAL].consolidation_ml
        found, truth = reading.regions.lesions > 0, phantom.lesions > 0
        scores.append(
            (
                volume_dice(reading.regions.lungs > 0, phantom.lungs > 0),
                volume_dice(found, truth),
                float(found.sum()) / float(truth.sum()),
                dense / phantom.lesion_ml(LesionLabel.CONSOLIDATION),
            )
        )
    lungs, lesions, found_of_true, dense_of_true = np.mean(scores, axis=0)
    figures = f"{lungs:.3f} | {lesions:.3f} | {found_of_true:.2f} | {dense_of_true:.2f}"
    return f"{figures} | {'; '.join(sorted(set(answers)))}"


def _phantoms(scan: _Scan) -> Iterator[Phantom]:
    for seed in scan.seeds:
        yield make_phantom(
            seed=seed,
            grid=phantom_grid(*scan.grid),
            lesions=scan.lesions,
            noise_hu=scan.noise_hu,
            enhanced_by_hu=scan.enhanced_by_hu,
        )


if __name__ == "__main__":
    main()
