"""The golden test of a bundle: make its input from the recipe, compare the network's answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.onnx_session import NetworkSession
from radiology.errors import BundleRejected

GOLDEN = "golden.json"
RECIPE = "chest-phantom-1"


def make_patches(recipe: Mapping[str, Any]) -> NDArray[np.float32]:
    """Make the input that a recipe describes: crude chests, shape (patches, 1, size, size), 0…1.

    Raises
    ------
    BundleRejected
        The recipe is unknown.
    """
    if recipe["name"] != RECIPE:
        raise BundleRejected("The golden test's recipe is unknown")
    size = int(recipe["size"])
    random = np.random.Generator(np.random.PCG64(int(recipe["seed"])))
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float64) / size - 0.5
    patches = np.empty((int(recipe["patches"]), 1, size, size), dtype=np.float32)
    for patch in patches:
        scale = random.uniform(0.8, 1.1)
        chest = np.full((size, size), 0.17)
        chest[(rows / 0.33) ** 2 + (columns / 0.46) ** 2 < scale] = 0.86
        for side in (-1.0, 1.0):
            lung = (rows / 0.23) ** 2 + ((columns - side * 0.2) / 0.14) ** 2 < scale
            chest[lung] = 0.26
        haze = ((rows - 0.1) / 0.08) ** 2 + ((columns + 0.22) / 0.06) ** 2 < scale
        chest[haze] = random.uniform(0.4, 0.8)
        patch[0] = np.clip(chest + random.normal(0.0, 0.02, chest.shape), 0.0, 1.0)
    return patches


def largest_difference(golden: Mapping[str, Any], session: NetworkSession) -> float:
    """How far the network's answer lies from the one written down, at most."""
    answers: dict[str, list[NDArray[np.float32]]] = {"lung": [], "lesion": []}
    for _, lung, lesion in session.run(make_patches(golden["recipe"])):
        answers["lung"].append(lung)
        answers["lesion"].append(lesion)
    first, step = int(golden["raster"]["first"]), int(golden["raster"]["step"])
    largest = 0.0
    for name, parts in answers.items():
        answer = np.concatenate(parts)
        expected = golden["expected"][name]
        means = answer.mean(axis=(0, 2, 3), dtype=np.float64)
        raster = answer[:, :, first::step, first::step]
        largest = max(
            largest,
            float(np.abs(means - np.array(expected["class_means"])).max()),
            float(np.abs(raster - np.array(expected["raster"])).max()),
        )
    return largest


def check_golden(bundle: Bundle, session: NetworkSession) -> float:
    """Run a bundle's golden test on this machine and provider.

    Returns
    -------
    The largest difference found.

    Raises
    ------
    BundleRejected
        The answer is not the one that the bundle was released with.
    """
    golden = json.loads(Path(bundle.folder / GOLDEN).read_text(encoding="utf-8"))
    found = largest_difference(golden, session)
    if not found <= float(golden["tolerance"]):
        raise BundleRejected("The network's answer is not the released one", difference=found)
    return found
