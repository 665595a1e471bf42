"""A folder of new cases as a site would hand it in: drawn chests, no real ones."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 96

Grey = NDArray[np.uint8]


def chest(seed: int, size: int = SIZE) -> tuple[Grey, Grey, Grey]:
    """A slice, its lesion mask (1 ground glass) and its lung mask (255)."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:size, 0:size] / size - 0.5
    grey = np.full((size, size), 10.0)
    grey[(rows / 0.36) ** 2 + (columns / 0.46) ** 2 < 1] = 200.0
    lung = np.zeros((size, size), dtype=bool)
    for side in (-0.2, 0.2):
        lung |= (rows / 0.25) ** 2 + ((columns - side) / 0.14) ** 2 < 1
    grey[lung] = 50.0
    top = random.uniform(-0.1, 0.1)
    lesion = lung & ((rows - top) ** 2 + (columns + 0.2) ** 2 < random.uniform(0.05, 0.09) ** 2)
    grey[lesion] = 120.0
    noisy = np.clip(grey + random.normal(0.0, 6.0, grey.shape), 1, 254).astype(np.uint8)
    return noisy, lesion.astype(np.uint8), (lung * 255).astype(np.uint8)


def write_cases(
    folder: Path,
    count: int = 12,
    *,
    masks: bool = True,
    lungs: bool = False,
    labels: bool = False,
    each: int = 1,
) -> Path:
    """Write `count` slices, `each` of them of one patient; half of the patients have COVID-19."""
    rows = []
    for number in range(count):
        grey, lesion, lung = chest(number)
        name, patient = f"slice{number:02}.png", number // each
        for wanted, part, image in (
            (True, "images", grey),
            (masks, "masks", lesion),
            (lungs, "lungs", lung),
        ):
            if wanted:
                (folder / part).mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(folder / part / name)
        rows.append({"file": name, "covid": patient % 2, "patient": f"Secret^Name{patient}"})
    if labels:
        with (folder / "labels.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, ["file", "covid", "patient"])
            writer.writeheader()
            writer.writerows(rows)
    return folder
