"""Finds lungs and lesions with a network of schema 3 that sees a slice between two others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chest.model.chest_model import Arrays, OnProgress
from chest.model.probability_maps import ProbabilityMaps
from models.declared_bundle import DeclaredBundle
from models.output.probability import probabilities
from models.run.run_network import RunnableNetwork

LUNGS: Final = "lungs"
LESIONS: Final = "lesions"


@dataclass(frozen=True, slots=True)
class SlabSteps:
    """How a stack is gone through.

    Attributes
    ----------
    neighbour_mm : how far the slices lie that are shown below and above
    plane_mm : slices nearer than this are not all looked at; those between are interpolated
    """

    neighbour_mm: float
    plane_mm: float

    def planes(self, count: int, slice_mm: float | None) -> NDArray[np.intp]:
        """Which slices are looked at; the first and the last always are."""
        every = 1 if slice_mm is None else max(int(self.plane_mm / slice_mm), 1)
        return np.unique(np.append(np.arange(0, count, every), count - 1))

    def apart(self, slice_mm: float | None) -> int:
        """How many slices away a neighbour is; 0 where slices are no neighbours."""
        return 0 if slice_mm is None else max(round(self.neighbour_mm / slice_mm), 1)


@dataclass(frozen=True)
class SlabFinder:
    """Finds with a network that sees a slice and two neighbours."""

    bundle: DeclaredBundle
    network: RunnableNetwork
    steps: SlabSteps
    provider: str

    def warm_up(self) -> None:
        """Run once on nothing."""
        fed = self.bundle.inputs[self.bundle.outputs.masks[LUNGS].answer.network]
        self.network.run(np.zeros((self.network.at_once, *fed.shape), dtype=np.float32))

    def find(
        self, patches: Arrays, slice_mm: float | None, on_progress: OnProgress | None = None
    ) -> ProbabilityMaps:
        """Answer for each slice; see `chest.model.chest_model.Finder.find`."""
        count, size = patches.shape[0], patches.shape[-1]
        planes = self.steps.planes(count, slice_mm)
        apart = self.steps.apart(slice_mm)
        maps = ProbabilityMaps.empty(planes.size, size)
        for first in range(0, planes.size, self.network.at_once):
            at = planes[first : first + self.network.at_once]
            slabs = patches[np.stack([at - apart, at, at + apart], axis=1).clip(0, count - 1), 0]
            answers = self.network.run(slabs)
            maps.store(first, self._classes(answers, LUNGS), self._classes(answers, LESIONS))
            if on_progress is not None:
                on_progress(int(at[-1]) + 1, count)
        return _between(maps, planes, count)

    def _classes(self, answers: Mapping[str, Arrays], name: str) -> Arrays:
        answer = self.bundle.outputs.masks[name].answer
        return probabilities(answers[answer.tensor], answer.activation, axis=1)


def _between(maps: ProbabilityMaps, planes: NDArray[np.intp], count: int) -> ProbabilityMaps:
    """Answers for all slices, linear between those that were looked at."""
    if planes.size == count:
        return maps
    above = np.searchsorted(planes, np.arange(count)).clip(1, planes.size - 1)
    below = above - 1
    part = (np.arange(count) - planes[below]) / (planes[above] - planes[below])
    return ProbabilityMaps(
        *(
            _mixed(one, below, above, part)
            for one in (maps.right, maps.left, maps.lesion, maps.dense)
        )
    )


def _mixed(
    one: NDArray[np.uint8],
    below: NDArray[np.intp],
    above: NDArray[np.intp],
    part: NDArray[np.float64],
) -> NDArray[np.uint8]:
    weight = np.rint(part * 256.0).astype(np.uint16)[:, None, None]
    mixed = np.empty((below.size, *one.shape[1:]), dtype=np.uint8)
    for first in range(0, below.size, 16):  # not all at once: 16-bit copies of 300 slices
        at = slice(first, first + 16)
        low, high = one[below[at]].astype(np.uint16), one[above[at]].astype(np.uint16)
        mixed[at] = (low * (256 - weight[at]) + high * weight[at] + 128) >> 8
    return mixed
