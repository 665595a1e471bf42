"""The golden test of a bundle: make its input from the recipe, compare the networks' answers.

`golden.json` holds the recipe, the raster that answers are thinned out by, and what float32 must
answer within `tolerance`; under `int8` the same for the networks that were released in int8 too,
with a tolerance of their own: processors round differently there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.declared.network_files import NetworkFiles, Precision
from models.declared.released import GOLDEN
from models.schema_2.bundle import Bundle
from models.schema_2.network_sessions import ClassifierSession, NetworkSession
from models.schema_2.view import lung_view
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected

RECIPE = "chest-phantom-1"

Arrays = NDArray[np.float32]


def _make_chests(recipe: Mapping[str, Any]) -> tuple[Arrays, Arrays, Arrays]:
    """Crude chests, their lungs and their haze, each (patches, size, size), 0…1."""
    if recipe["name"] != RECIPE:
        raise BundleRejected("The golden test's recipe is unknown")
    size, count = int(recipe["size"]), int(recipe["patches"])
    random = np.random.Generator(np.random.PCG64(int(recipe["seed"])))
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float64) / size - 0.5
    patches, lungs, hazes = (np.zeros((count, size, size), dtype=np.float32) for _ in range(3))
    for patch, lungs_here, haze_here in zip(patches, lungs, hazes, strict=True):
        scale = random.uniform(0.8, 1.1)
        chest = np.full((size, size), 0.17)
        chest[(rows / 0.33) ** 2 + (columns / 0.46) ** 2 < scale] = 0.86
        for side in (-1.0, 1.0):
            lung = (rows / 0.23) ** 2 + ((columns - side * 0.2) / 0.14) ** 2 < scale
            chest[lung] = 0.26
            lungs_here[lung] = 1.0
        haze = ((rows - 0.1) / 0.08) ** 2 + ((columns + 0.22) / 0.06) ** 2 < scale
        chest[haze] = random.uniform(0.4, 0.8)
        haze_here[haze] = 1.0
        patch[:] = np.clip(chest + random.normal(0.0, 0.02, chest.shape), 0.0, 1.0)
    return patches, lungs, hazes


def make_patches(recipe: Mapping[str, Any]) -> Arrays:
    """Make the segmentation network's input: crude chests, (patches, 1, size, size), 0…1.

    Raises
    ------
    BundleRejected
        The recipe is unknown.
    """
    patches, _, _ = _make_chests(recipe)
    return patches[:, None]


def make_views(recipe: Mapping[str, Any], size: int, margin: float) -> Arrays:
    """Make the classifier's input from the same chests, (patches, 5, size, size).

    The masks are the chests' own, so that the classifier's test does not depend on how well the
    segmentation network finds them.
    """
    chests = zip(*_make_chests(recipe), strict=True)
    return np.stack([lung_view(*chest, size=size, margin=margin)[0] for chest in chests])


def describe(answer: Arrays, raster: Mapping[str, int]) -> dict[str, Any]:
    """What is written down of an answer: maps of classes are thinned out, the rest is kept."""
    if answer.ndim != 4:
        return {"values": answer.round(5).tolist()}
    first, step = int(raster["first"]), int(raster["step"])
    return {
        "class_means": answer.mean(axis=(0, 2, 3), dtype=np.float64).round(6).tolist(),
        "raster": answer[:, :, first::step, first::step].round(5).tolist(),
    }


def _largest_difference(
    answers: Mapping[str, Arrays], expected: Mapping[str, Any], raster: Mapping[str, int]
) -> float:
    largest = 0.0
    for name, answer in answers.items():
        if name not in expected:
            raise BundleRejected("The golden test does not cover the whole bundle", output=name)
        for kind, values in describe(answer, raster).items():
            found, wanted = np.array(values), np.array(expected[name][kind])
            if found.shape != wanted.shape:
                raise BundleRejected("The golden answer has another shape", output=name)
            largest = max(largest, float(np.abs(found - wanted).max()))
    return largest


def _answers(
    bundle: Bundle,
    recipe: Mapping[str, Any],
    precision: Precision,
    provider: ExecutionProvider,
    threads: int,
) -> dict[str, Arrays]:
    """Answers of every network that was released in this precision."""

    def released(files: NetworkFiles | None) -> bool:
        return files is not None and precision in files.precisions

    answers: dict[str, Arrays] = {}
    if released(bundle.networks.segmentation):
        session = NetworkSession(bundle, provider=provider, threads=threads, precision=precision)
        parts = [maps for _, *maps in session.run(make_patches(recipe))]
        answers["lung"], answers["lesion"] = (
            np.concatenate(part) for part in zip(*parts, strict=True)
        )
    if released(bundle.networks.classification):
        classifier = ClassifierSession(
            bundle, provider=provider, threads=threads, precision=precision
        )
        declared = classifier.declared
        views = make_views(recipe, declared.size, declared.margin)
        answers["viral"], answers["signs"], answers["heat"] = classifier.run(views)
    return answers


def check_golden(
    bundle: Bundle,
    *,
    provider: ExecutionProvider = ExecutionProvider.CPU,
    threads: int = 1,
) -> dict[Precision, float]:
    """Run a bundle's golden test on this machine and provider.

    Returns
    -------
    The largest difference found for each precision that some network was released in.

    Raises
    ------
    BundleRejected
        An answer is not the one that the bundle was released with, or none is written down.
    """
    golden = json.loads(Path(bundle.folder / GOLDEN).read_text(encoding="utf-8"))
    found: dict[Precision, float] = {}
    for precision, part in ((Precision.FLOAT32, golden), (Precision.INT8, golden.get("int8", {}))):
        answers = _answers(bundle, golden["recipe"], precision, provider, threads)
        if not answers:
            continue
        expected = part.get("expected", {})
        difference = _largest_difference(answers, expected, golden["raster"])
        if not difference <= float(part["tolerance"]):
            raise BundleRejected(
                "The network's answer is not the released one",
                precision=precision,
                difference=difference,
            )
        found[precision] = difference
    return found
