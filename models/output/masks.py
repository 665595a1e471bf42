"""Label maps on the volume's grid, made plane by plane as the network finishes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.declared.outputs.kinds import MaskOutput
from models.input.grid import Grid
from models.output.probability import probabilities

Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]


class LabelMaps:
    """Collects a mask output.

    Probabilities are brought back linearly, and only then is decided what a voxel is: edges stay
    smooth where the volume is finer than the network's grid.

    Parameters
    ----------
    shape : of the oriented volume
    """

    def __init__(self, output: MaskOutput, grid: Grid, shape: tuple[int, int, int]) -> None:
        self._output = output
        self._planes = grid.planes.backward()
        self._rows = grid.rows.backward()
        self._columns = grid.columns.backward()
        maps = 1 if output.exclusive else len(output.classes)
        self._labels: list[Labels] = [np.zeros(shape, dtype=np.uint8) for _ in range(maps)]
        self._waiting: dict[int, Floats] = {}
        self._next = 0

    def add(self, first: int, raw: Floats) -> None:
        """Take finished planes of the canvas in rising order, (classes, planes, rows, columns)."""
        found = probabilities(raw, self._output.answer.activation, axis=0)
        for at in range(found.shape[1]):
            self._waiting[first + at] = found[:, at]
        reached = first + found.shape[1]
        planes = self._labels[0].shape[0]
        while self._next < planes:
            needed = self._planes.needed(self._next)
            if any(at >= reached for at in needed):
                break
            self._decide(self._next, needed)
            self._next += 1
            self._forget()

    def _forget(self) -> None:
        """Drop planes that no later one needs."""
        if self._next >= self._labels[0].shape[0]:
            self._waiting.clear()
            return
        least = min(self._planes.needed(self._next), default=self._next)
        self._waiting = {at: plane for at, plane in self._waiting.items() if at >= least}

    def _decide(self, plane: int, needed: dict[int, float]) -> None:
        """Label one plane of the volume."""
        mixed = np.zeros_like(next(iter(self._waiting.values()))) if not needed else None
        for at, weight in needed.items():
            part = self._waiting[at] * np.float32(weight)
            mixed = part if mixed is None else mixed + part
        assert mixed is not None
        found = self._columns.apply(self._rows.apply(mixed, 1), 2)
        if self._output.exclusive:
            self._labels[0][plane] = decide(found, self._output)
            return
        for labels, scores, declared in zip(self._labels, found, self._output.classes, strict=True):
            labels[plane] = scores >= np.float32(declared.threshold or 0.0)

    def finish(self) -> list[Labels]:
        """One map with the number of the class, counted from 0 for the first; or a map of each."""
        return self._labels


def decide(found: Floats, output: MaskOutput) -> Labels:
    """The class of each voxel where there is one at most; the background is 0.

    A class with a threshold is a candidate from there on, one without where it is the most
    probable of all; of several candidates the most probable wins.

    Parameters
    ----------
    found : probabilities, shape (classes, …)

    Returns
    -------
    uint8, the place of the class counted from 1; 0 for none
    """
    highest = found.max(axis=0)
    labels = np.zeros(found.shape[1:], dtype=np.uint8)
    best = np.zeros(found.shape[1:], dtype=np.float32)
    for place, declared in enumerate(output.classes, start=1):
        if declared.appearance is None:
            continue
        score = found[place - 1]
        if declared.threshold is None:
            candidate = (score >= highest) & (score > 0.0)
        else:
            candidate = score >= np.float32(declared.threshold)
        wins = candidate & (score > best)
        labels[wins] = place
        best = np.where(wins, score, best)
    return labels
