"""What the grid of the networks alone costs: `python -m training.data.grid_limit --data DIR`.

Lesions as people drew them are laid on the grid and back, and compared with themselves. A network
on a finer grid can gain what is lost here, and no more; beside it stands what a drawing loses that
lies one of its own pixels off.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.slices import GRID, read_grey

Mask = NDArray[np.bool_]


@dataclass(slots=True)
class _Overlap:
    """Sums over the slices of a scan, of which its Dice is made."""

    shared: int = 0
    both: int = 0

    def add(self, one: Mask, other: Mask) -> None:
        self.shared += int(np.count_nonzero(one & other))
        self.both += int(np.count_nonzero(one)) + int(np.count_nonzero(other))

    @property
    def dice(self) -> float:
        return 2 * self.shared / self.both if self.both else 1.0


def there_and_back(mask: Mask, grid: int = GRID) -> Mask:
    """A mask in a square, averaged on a grid, interpolated back, and cut at one half.

    Parameters
    ----------
    mask : shape (rows, columns)
    """
    side = max(mask.shape)
    canvas = np.zeros((side, side), dtype=np.uint8)
    canvas[: mask.shape[0], : mask.shape[1]] = mask * np.uint8(255)
    coarse = Image.fromarray(canvas).resize((grid, grid), Image.Resampling.BOX)
    fine = np.asarray(coarse.resize((side, side), Image.Resampling.BILINEAR))
    back: Mask = fine[: mask.shape[0], : mask.shape[1]] >= 128
    return back


def _drawn(data: Path) -> Iterator[tuple[str, Mask]]:
    folder = data / "training/covid_seg20"
    with (folder / "slices.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row["scan"], read_grey(folder / "lesion" / f"{row['slice']}.png") > 0


def main() -> None:
    """Print a line for each scan."""
    parser = argparse.ArgumentParser(
        prog="python -m training.data.grid_limit",
        description="Say what laying drawn lesions on the networks' grid costs.",
        epilog="example: python -m training.data.grid_limit --data ../shared/data",
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--grid", type=int, default=GRID, help=f"pixels a side (default {GRID})")
    given = parser.parse_args()
    laid: dict[str, _Overlap] = defaultdict(_Overlap)
    moved: dict[str, _Overlap] = defaultdict(_Overlap)
    sides: dict[str, list[int]] = defaultdict(list)
    for scan, mask in _drawn(given.data):
        laid[scan].add(mask, there_and_back(mask, given.grid))
        moved[scan].add(mask, np.roll(mask, 1, axis=1))
        sides[scan].append(max(mask.shape))
    print(f"{'scan':52} {'side':>9} {'on the grid':>12} {'a pixel off':>12}")
    for scan, one in laid.items():
        side = f"{min(sides[scan])}-{max(sides[scan])}"
        print(f"{scan:52} {side:>9} {one.dice:12.3f} {moved[scan].dice:12.3f}")
    means = [float(np.mean([one.dice for one in each.values()])) for each in (laid, moved)]
    print(f"{'mean':62} {means[0]:12.3f} {means[1]:12.3f}")


if __name__ == "__main__":
    main()
