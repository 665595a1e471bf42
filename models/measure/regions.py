"""Regions by name: their masks, without the small parts of findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from models.connected import keep_large
from models.declared.findings import DeclaredFinding

Masks = NDArray[np.bool_]
Labelled = Mapping[str, tuple[NDArray[np.uint8], int]]


def united(labels: Labelled, names: Iterable[str]) -> Masks:
    """Where any of the named regions is; of at least one name."""
    masks = (labels[name][0] == np.uint8(labels[name][1]) for name in names)
    mask: Masks = next(masks)
    for other in masks:
        mask |= other
    return mask


def part_overlaps(labels: Labelled, names: Iterable[str]) -> None:
    """Let each voxel be of one finding at most, in place: of several the later one has it.

    That is how nnU-Net writes regions that lie in each other. A segment, its volume and its
    outline then speak of the same voxels.

    Parameters
    ----------
    names : of regions that are findings, in the order in which they are declared
    """
    taken: Masks | None = None
    for name in reversed(list(names)):
        label_map, value = labels[name]
        region = label_map == np.uint8(value)
        if taken is None:
            taken = region
            continue
        label_map[region & taken] = 0
        taken = taken | region


def drop_small_parts(
    labels: Labelled, findings: Iterable[DeclaredFinding], voxel_ml: float
) -> None:
    """Drop the connected parts of each finding that are smaller than it declares, in place."""
    for finding in findings:
        if not finding.regions or finding.least_ml <= 0.0:
            continue
        mask = united(labels, finding.regions)
        small = mask & ~keep_large(mask, finding.least_ml / voxel_ml - 1e-6, 26)
        for name in finding.regions:
            label_map, value = labels[name]
            label_map[small & (label_map == np.uint8(value))] = 0
