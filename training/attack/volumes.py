"""Reads a series as the worker reads it, with what the network of masks is shown moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from chest.model.chest_model import Arrays, OnProgress
from chest.model.probability_maps import ProbabilityMaps
from chest.model.slab_finder import SlabFinder
from chest.reader import Reader
from chest.values.figures import Side
from models.catalogue import read_any_bundle
from models.declared_bundle import DeclaredBundle
from models.readers.study_reader import ComingSlices
from models.schema_2.networks import InputGrid
from radiology.errors import BundleRejected
from training.attack.slice_scores import still
from training.chest.network import MaskNet
from training.chest.release.export import MASKS_FILE
from training.data.augment import WINDOW_HIGH_HU, WINDOW_LOW_HU
from training.data.whole_volumes import read_volume
from training.site.of_schema_3.bundle import network_file
from training.site.of_schema_3.read_back import read_masks

_AT_ONCE: Final = 4
_IN_LUNG: Final = 0.5
_HEAD: Final = (
    "| series | moved by | answer | lungs | ground glass | consolidation | share |\n"
    "|---|---|---|---|---|---|---|"
)


class Goal(Enum):
    """What a step makes of the lungs' lesions."""

    MORE = 1
    FEWER = -1


@dataclass(frozen=True)
class MovedFinder:
    """Finds as another finder does, in slices that are moved by a step for or against lesions.

    The step follows the odds of a lesion in all that the network takes for lung. It is taken on the
    network's own grid, each slice as a whole with what its neighbours see of it.

    Attributes
    ----------
    network : the same as the finder's, so that there is a gradient
    hu : by how much any pixel is moved
    """

    finder: SlabFinder
    network: MaskNet
    goal: Goal
    hu: float

    @property
    def provider(self) -> str:
        """See `chest.model.chest_model.Finder.provider`."""
        return self.finder.provider

    def warm_up(self) -> None:
        """See `Finder.warm_up`."""
        self.finder.warm_up()

    def find(
        self, patches: Arrays, slice_mm: float | None, on_progress: OnProgress | None = None
    ) -> ProbabilityMaps:
        """Answer for moved slices; see `Finder.find`."""
        return self.finder.find(self.moved(patches, slice_mm), slice_mm, on_progress)

    def read_ahead(self, slices: ComingSlices, grid: InputGrid, go_on: Callable[[], bool]) -> int:
        """Read nothing ahead: a step needs the whole volume."""
        return 0

    def moved(self, patches: Arrays, slice_mm: float | None) -> Arrays:
        """Patches after the step, shape (slices, 1, size, size), 0…1."""
        count, steps = patches.shape[0], self.finder.steps
        planes, apart = steps.planes(count, slice_mm), steps.apart(slice_mm)
        shown = np.stack([planes - apart, planes, planes + apart], axis=1).clip(0, count - 1)
        x = torch.from_numpy(patches[:, 0]).clone().requires_grad_()
        for first in range(0, len(shown), _AT_ONCE):
            self._odds(x[torch.from_numpy(shown[first : first + _AT_ONCE])]).backward()
        length = self.hu / (WINDOW_HIGH_HU - WINDOW_LOW_HU) * self.goal.value
        moved: Arrays = (x.detach() + length * x.grad.sign()).clamp(0.0, 1.0)[:, None].numpy()
        return moved

    def _odds(self, slabs: Tensor) -> Tensor:
        """Sum of the log odds of a lesion over the lungs."""
        lung, lesion = self.network(slabs)
        inside = torch.softmax(lung.detach(), 1)[:, 0] < _IN_LUNG
        odds = torch.logsumexp(lesion[:, 1:], 1) - lesion[:, 0]
        return (odds * inside).sum()


def attacked_volumes(bundle: Path, folders: list[Path], hu: float) -> Iterator[str]:
    """Lines of a table: each series as it is, and moved for and against lesions.

    Parameters
    ----------
    bundle : its folder, of schema 3
    folders : each of one series

    Raises
    ------
    BundleRejected
        It has no network of masks that is trained today.
    """
    usable = read_any_bundle(bundle)
    if not isinstance(usable, DeclaredBundle):
        raise BundleRejected(
            "Volumes are attacked through bundles of schema 3 alone", name=usable.name
        )
    network = still(read_masks(network_file(usable, MASKS_FILE)))
    reader = Reader.of(usable, threads=1)
    yield _HEAD
    for folder in folders:
        yield _row(reader, folder, "nothing")
        for goal in Goal:
            yield _row(
                moved_reader(reader, network, goal, hu), folder, f"{hu:g} HU, {goal.name.lower()}"
            )


def moved_reader(reader: Reader, network: MaskNet, goal: Goal, hu: float) -> Reader:
    """The reader of a bundle, with a finder that is shown moved slices."""
    finder = reader.model.finder
    assert isinstance(finder, SlabFinder)
    moved = MovedFinder(replace(finder, ahead=None), network, goal, hu)
    return Reader(replace(reader.model, finder=moved))


def _row(reader: Reader, folder: Path, moved_by: str) -> str:
    reading, triage = reader.read(read_volume(folder))
    total = reading.figures.get(Side.TOTAL)
    if total is None:
        return f"| {folder.name} | {moved_by} | {reading.outcome.value} | – | – | – | – |"
    urgency = "no urgency" if triage is None else triage.urgency.value
    return (
        f"| {folder.name} | {moved_by} | {reading.outcome.value}, {urgency} | "
        f"{total.lung_volume_ml:.0f} ml | {total.ground_glass_ml:.1f} ml | "
        f"{total.consolidation_ml:.1f} ml | {total.lesion_share_percent:.2f} % |"
    )
