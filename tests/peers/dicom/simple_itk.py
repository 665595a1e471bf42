"""SimpleITK as an independent measure of masks, in a process of its own.

Loaded into the process of the tests, a damaged JPEG 2000 stream once crashed instead of being
refused; the cause was not found (docs/decisions/0001-decoders.md).
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Pair = tuple[Mask, Mask, tuple[float, float]]


@dataclass(frozen=True)
class ItkMeasures:
    """What SimpleITK says of a pair of masks; areas in mm², distances between label contours."""

    found_area: float
    reference_area: float
    dice: float
    jaccard: float
    mean_distance: float
    largest_distance: float
    hausdorff: float


def measure_with_simple_itk(pairs: Sequence[Pair], folder: Path) -> list[ItkMeasures]:
    """Measure pairs of found and reference masks.

    Parameters
    ----------
    pairs : found, reference, spacing of rows and columns
    folder : for what is handed over
    """
    stored = folder / "masks.npz"
    arrays: dict[str, NDArray[np.float64] | Mask] = {}
    for index, (found, reference, spacing) in enumerate(pairs):
        arrays |= {f"found{index}": found, f"reference{index}": reference}
        arrays[f"spacing{index}"] = np.array(spacing)
    np.savez(stored, **arrays)  # type: ignore[arg-type]
    answer = subprocess.run(
        [sys.executable, __file__, str(stored)], check=True, capture_output=True, text=True
    )
    return [ItkMeasures(**one) for one in json.loads(answer.stdout)]


def _measure(found: Mask, reference: Mask, spacing: NDArray[np.float64]) -> dict[str, float]:
    sitk: Any = importlib.import_module("SimpleITK")

    images: list[Any] = []
    for mask in (found, reference):
        image = sitk.GetImageFromArray(mask.astype(np.uint8))
        image.SetSpacing([float(one) for one in spacing[::-1]])
        images.append(image)
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(images[1], images[0])
    contours = [sitk.LabelContour(image, fullyConnected=True) for image in images]
    maps = [
        np.abs(
            sitk.GetArrayFromImage(
                sitk.SignedMaurerDistanceMap(one, squaredDistance=False, useImageSpacing=True)
            )
        )
        for one in contours
    ]
    lines = [sitk.GetArrayFromImage(one) > 0 for one in contours]
    distances = np.concatenate([maps[1][lines[0]], maps[0][lines[1]]]).astype(np.float64)
    hausdorff = sitk.HausdorffDistanceImageFilter()
    hausdorff.Execute(*contours)
    areas = []
    for image in images:
        shape = sitk.LabelShapeStatisticsImageFilter()
        shape.Execute(image)
        areas.append(float(shape.GetPhysicalSize(1)))
    return {
        "found_area": areas[0],
        "reference_area": areas[1],
        "dice": overlap.GetDiceCoefficient(),
        "jaccard": overlap.GetJaccardCoefficient(),
        "mean_distance": float(distances.mean()),
        "largest_distance": float(distances.max()),
        "hausdorff": hausdorff.GetHausdorffDistance(),
    }


def _main(stored: Path) -> None:
    with np.load(stored, allow_pickle=False) as arrays:
        count = len(arrays.files) // 3
        measures = [
            _measure(*(arrays[f"{name}{index}"] for name in ("found", "reference", "spacing")))
            for index in range(count)
        ]
    json.dump(measures, sys.stdout)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
