"""Boxes that a detector found, on the volume's grid: filled, as a region is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.declared.outputs.kinds import BoxOrder, BoxOutput
from models.input.grid import Grid
from models.output.probability import probabilities

Edges = NDArray[np.float64]
Labels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Box:
    """One box on the canvas.

    Attributes
    ----------
    low, high : of planes, rows, columns; edges of voxels, so that 0 to 1 is the first voxel
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    score: float


def read_boxes(
    edges: NDArray[np.float32],
    scores: NDArray[np.float32],
    output: BoxOutput,
    begin: tuple[int, int, int],
) -> list[Box]:
    """The boxes of one slice or patch that reach the threshold.

    Parameters
    ----------
    edges : shape (boxes, 4) or (boxes, 6), pixels of the input
    scores : shape (boxes,) or (boxes, 1)
    begin : where on the canvas the slice or patch begins
    """
    likely = probabilities(scores.reshape(-1), output.answer.activation, axis=0)
    found = []
    for row, score in zip(edges.astype(np.float64), likely.tolist(), strict=True):
        half = len(row) // 2
        low, high = row[:half], row[half:]
        if output.order is BoxOrder.COLUMNS_FIRST:
            low, high = low[::-1], high[::-1]
        if half == 2:
            low, high = np.array([0.0, *low]), np.array([1.0, *high])
        if score >= output.threshold and (high > low).all():
            low, high = low + begin, high + begin
            found.append(Box((low[0], low[1], low[2]), (high[0], high[1], high[2]), score))
    return found


def best_boxes(boxes: list[Box], most_overlap: float) -> list[Box]:
    """The better of boxes that overlap too much (non-maximum suppression)."""
    kept: list[Box] = []
    for candidate in sorted(boxes, key=lambda box: -box.score):
        if all(_overlap(candidate, other) <= most_overlap for other in kept):
            kept.append(candidate)
    return kept


def _overlap(first: Box, second: Box) -> float:
    """Intersection over union."""
    low, high = np.maximum(first.low, second.low), np.minimum(first.high, second.high)
    shared = float(np.prod(np.clip(high - low, 0.0, None)))
    both = sum(float(np.prod(np.subtract(box.high, box.low))) for box in (first, second))
    return shared / (both - shared) if both > shared else 1.0


def fill_boxes(boxes: list[Box], grid: Grid, shape: tuple[int, int, int]) -> Labels:
    """A mask of all boxes on the oriented volume: voxels whose centre lies in one."""
    labels = np.zeros(shape, dtype=np.uint8)
    plans = (grid.planes, grid.rows, grid.columns)
    for box in boxes:
        part = tuple(
            slice(
                max(0, round((low - plan.offset) * plan.step)),
                max(0, round((high - plan.offset) * plan.step)),
            )
            for low, high, plan in zip(box.low, box.high, plans, strict=True)
        )
        labels[part] = 1
    return labels
