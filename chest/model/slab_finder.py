"""Finds lungs and lesions with a network of schema 3 that sees a slice between two others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chest.model.answers_ahead import AnswersAhead
from chest.model.chest_model import Arrays, OnProgress
from chest.model.probability_maps import ProbabilityMaps
from models.declared_bundle import DeclaredBundle
from models.output.probability import probabilities
from models.readers.study_reader import ComingSlices
from models.run.run_network import RunnableNetwork
from models.schema_2.networks import InputGrid
from models.schema_2.preprocess import SquareFit, to_patch

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

    def planes_ahead(self, slices: ComingSlices, slice_mm: float) -> Iterator[tuple[int, int, int]]:
        """Each slice that may be looked at once all are there, between its two neighbours.

        Which ones are looked at is counted from the lowest slice. Where that is still to come, all
        may be.
        """
        count, apart = slices.shape[0], self.apart(slice_mm)
        every = max(int(self.plane_mm / slice_mm), 1)
        lowest = 0 if slices.grows_upwards else apart
        highest = count - 1 - apart if slices.grows_upwards else count - 1
        for first in range(1 if slices.grows_upwards else every):
            for at in range(first, count, every):
                if lowest <= at <= highest:
                    yield max(at - apart, 0), at, min(at + apart, count - 1)

    def apart(self, slice_mm: float | None) -> int:
        """How many slices away a neighbour is; 0 where slices are no neighbours."""
        return 0 if slice_mm is None else max(round(self.neighbour_mm / slice_mm), 1)


@dataclass(frozen=True)
class SlabFinder:
    """Finds with a network that sees a slice and two neighbours.

    Attributes
    ----------
    ahead : answers about slices that were there before their volume was; None where the network
        is not asked ahead
    """

    bundle: DeclaredBundle
    network: RunnableNetwork
    steps: SlabSteps
    provider: str
    ahead: AnswersAhead | None = None

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
        shown = np.stack([planes - apart, planes, planes + apart], axis=1).clip(0, count - 1)
        maps = ProbabilityMaps.empty(planes.size, size)
        left = np.arange(planes.size)
        if self.ahead is not None:
            left = left[~self.ahead.take(patches[:, 0], shown, maps)]
        for first in range(0, left.size, self.network.at_once):
            places = left[first : first + self.network.at_once]
            self._answer(patches[shown[places], 0], maps, places)
            if on_progress is not None:
                on_progress(int(planes[places[-1]]) + 1, count)
        return _between(maps, planes, count)

    def read_ahead(self, slices: ComingSlices, grid: InputGrid, go_on: Callable[[], bool]) -> int:
        """Answer for slices of a volume that is still coming; see `Finder.read_ahead`."""
        if self.ahead is None:
            return 0
        _, rows, columns = slices.shape
        slice_mm, row_mm, column_mm = slices.spacing_mm
        fit = SquareFit.of((rows, columns), (row_mm, column_mm), grid.size)
        shown = [
            one
            for one in islice(self.steps.planes_ahead(slices, slice_mm), self.ahead.most)
            if not self.ahead.has([slices.names[at] for at in one])
        ]
        seen: dict[int, Arrays] = {}
        read = 0
        for first in range(0, len(shown), self.network.at_once):
            if not go_on():
                break
            some = shown[first : first + self.network.at_once]
            wanted = {at for one in some for at in one}
            seen = {at: seen[at] for at in wanted & seen.keys()}
            for at in sorted(wanted - seen.keys()):
                seen[at] = to_patch(slices.hounsfield(at), fit, grid)
            maps = ProbabilityMaps.empty(len(some), grid.size)
            self._answer(np.stack([[seen[at] for at in one] for one in some]), maps, 0)
            for place, one in enumerate(some):
                names = [slices.names[at] for at in one]
                self.ahead.keep(names, [seen[at] for at in one], maps, place)
            read += len(some)
        return read

    def _answer(self, slabs: Arrays, maps: ProbabilityMaps, places: int | NDArray[np.intp]) -> None:
        answers = self.network.run(slabs)
        maps.store(places, self._classes(answers, LUNGS), self._classes(answers, LESIONS))

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
