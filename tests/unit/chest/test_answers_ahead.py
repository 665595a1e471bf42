"""Slices that are read before their volume is there: the same answers, and no slice twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from chest.model.answers_ahead import AnswersAhead
from chest.model.load import load_model
from chest.model.probability_maps import ProbabilityMaps
from chest.model.slab_finder import SlabFinder
from models.catalogue import read_any_bundle
from models.readers.study_reader import ComingSlices
from models.run.run_network import RunnableNetwork
from models.schema_2.networks import InputGrid
from models.schema_2.preprocess import fit_of, to_patches
from radiology.image.volume import Volume
from tests.builders.declared import slab_chest

Floats = NDArray[np.float32]
GRID = InputGrid("slab", slab_chest.SIZE, slab_chest.LOW_HU, slab_chest.HIGH_HU)
SLICES = 40


class _Counted:
    """A network that counts what it is shown."""

    def __init__(self, network: RunnableNetwork) -> None:
        self._network = network
        self.at_once = network.at_once
        self.shown = 0

    def run(self, inputs: Floats) -> Mapping[str, Floats]:
        self.shown += len(inputs)
        return self._network.run(inputs)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> SlabFinder:
    folder: Path = slab_chest.write_slab_chest(tmp_path_factory.mktemp("bundles"))
    found = load_model(read_any_bundle(folder), threads=1).finder
    assert isinstance(found, SlabFinder)
    return found


@pytest.fixture
def finder(opened: SlabFinder) -> SlabFinder:
    """A finder that has read nothing, and counts."""
    assert opened.ahead is not None
    return replace(opened, network=_Counted(opened.network), ahead=AnswersAhead())


def _shown(finder: SlabFinder) -> int:
    assert isinstance(finder.network, _Counted)
    return finder.network.shown


def _volume(slice_mm: float) -> Volume:
    """Slices that are all different, some of them haze and lung."""
    random = np.random.default_rng(7)
    hu = random.uniform(-900.0, 100.0, (SLICES, 70, 70)).astype(np.float32)
    return Volume(hu, np.diag([slice_mm, 5.0, 5.0, 1.0])[[2, 1, 0, 3]])


def _came(volume: Volume, count: int, *, from_feet: bool) -> ComingSlices:
    """The first slices of a volume that have come, from one end."""
    first = 0 if from_feet else SLICES - count
    return ComingSlices(
        shape=(count, *volume.shape[1:]),
        spacing_mm=volume.spacing_mm,
        names=[f"2.25.{first + at}" for at in range(count)],
        hounsfield=lambda at: volume.hounsfield[first + at],
        grows_upwards=from_feet,
    )


def _patches(volume: Volume) -> Floats:
    return to_patches(volume, fit_of(volume, GRID), GRID)


def _equal(one: ProbabilityMaps, other: ProbabilityMaps) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("right", "left", "lesion", "dense")
    )


def _always() -> bool:
    return True


@pytest.mark.parametrize("from_feet", [True, False], ids=["from the feet", "from the head"])
@pytest.mark.parametrize("slice_mm", [3.0, 1.0, 0.6])
def test_answers_are_the_same_and_only_the_other_end_is_left(
    finder: SlabFinder, opened: SlabFinder, slice_mm: float, from_feet: bool
) -> None:
    """However they come, thin slices of which some are looked at too; the last slice is always."""
    volume = _volume(slice_mm)
    for count in (12, 13, 30, SLICES):
        finder.read_ahead(_came(volume, count, from_feet=from_feet), GRID, _always)
    assert finder.read_ahead(_came(volume, SLICES, from_feet=from_feet), GRID, _always) == 0
    before = _shown(finder)
    found = finder.find(_patches(volume), slice_mm)
    apart = finder.steps.apart(slice_mm)
    assert _shown(finder) - before <= apart + 1
    assert _equal(found, replace(opened, ahead=None).find(_patches(volume), slice_mm))


def test_from_the_feet_no_slice_is_read_in_vain(finder: SlabFinder) -> None:
    """Every second slice is looked at; where the lowest one is known, so is which."""
    finder.read_ahead(_came(_volume(1.0), SLICES, from_feet=True), GRID, _always)
    assert _shown(finder) <= SLICES // 2


def test_other_pixels_are_asked_again(finder: SlabFinder, opened: SlabFinder) -> None:
    """A slice that was corrected meanwhile, under the same name."""
    volume = _volume(3.0)
    finder.read_ahead(_came(volume, SLICES, from_feet=True), GRID, _always)
    before = _shown(finder)
    hu = volume.hounsfield.copy()
    hu[20] += 100.0
    other = replace(volume, hounsfield=hu)
    found = finder.find(_patches(other), 3.0)
    assert _shown(finder) - before == 3 + 1  # it and its neighbours, and the last one
    assert _equal(found, replace(opened, ahead=None).find(_patches(other), 3.0))


def test_another_series_is_asked_whole(finder: SlabFinder) -> None:
    finder.read_ahead(_came(_volume(3.0), SLICES, from_feet=True), GRID, _always)
    before = _shown(finder)
    hu = np.full((SLICES, 70, 70), -500.0, np.float32)
    finder.find(_patches(replace(_volume(3.0), hounsfield=hu)), 3.0)
    assert _shown(finder) - before == SLICES


def test_it_stops_when_it_is_told_to(finder: SlabFinder) -> None:
    asked = iter((True, True, False))
    go_on: Callable[[], bool] = lambda: next(asked)  # noqa: E731 a name for its type
    read = finder.read_ahead(_came(_volume(3.0), SLICES, from_feet=True), GRID, go_on)
    assert read == _shown(finder) == 2 * finder.network.at_once


def test_no_more_is_kept_than_there_is_room_for(opened: SlabFinder) -> None:
    """Nor asked: else each would push out another one, and be asked again without end."""
    few = replace(opened, network=_Counted(opened.network), ahead=AnswersAhead(most=10))
    volume = _volume(3.0)
    assert few.read_ahead(_came(volume, SLICES, from_feet=True), GRID, _always) == 10
    assert few.read_ahead(_came(volume, SLICES, from_feet=True), GRID, _always) == 0
    before = _shown(few)
    few.find(_patches(volume), 3.0)
    assert _shown(few) - before == SLICES - 10


def test_what_was_used_is_let_go_of(finder: SlabFinder) -> None:
    volume = _volume(3.0)
    finder.read_ahead(_came(volume, SLICES, from_feet=True), GRID, _always)
    finder.find(_patches(volume), 3.0)
    before = _shown(finder)
    finder.find(_patches(volume), 3.0)
    assert _shown(finder) - before == SLICES
