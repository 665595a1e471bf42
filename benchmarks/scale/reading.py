"""What of the reading of a study is network, and so a GPU's, and what is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.networks.work import work_of
from chest.model.slab_finder import SlabFinder
from chest.reader import Reader
from models.catalogue import read_catalogue
from models.declared_bundle import DeclaredBundle
from models.run.declared_network import DeclaredNetwork
from models.schema_2.preprocess import fit_of, to_patches
from phantom import make_phantom, phantom_grid
from radiology.algorithm import ExecutionProvider
from settings.environment import Settings

_BUNDLE: Final = "chest-ct-pneumonia"
_LENGTH_MM, _FIELD_MM = 300.0, 358.0


@dataclass(frozen=True, slots=True)
class ReadingCost:
    """Processor seconds of reading one study in memory, and what its network has to do.

    Attributes
    ----------
    reading_s : gates, networks, clean-up, lobes, figures, answer
    network_s : of that, the network that finds lungs and lesions
    operations : multiplications and additions of that network for the study
    """

    bundle: str
    slices: int
    side: int
    reading_s: float
    network_s: float
    operations: float


def measure_reading(*, slices: int, side: int) -> ReadingCost:
    """Read a phantom once, after one slice of warming up."""
    bundle = read_catalogue(Settings().bundles_folder).newest(_BUNDLE)
    if not isinstance(bundle, DeclaredBundle):
        raise SystemExit(f"{bundle.name} {bundle.version} is of schema 2: nothing to measure")
    pixel_mm = _FIELD_MM / side
    grid = phantom_grid((slices, side, side), (_LENGTH_MM / slices, pixel_mm, pixel_mm))
    volume = make_phantom(grid=grid).volume
    reader = Reader.of(bundle, provider=ExecutionProvider.CPU)
    reader.warm_up()
    finder = reader.model.finder
    assert isinstance(finder, SlabFinder)
    assert isinstance(finder.network, DeclaredNetwork)
    canonical, _ = volume.canonical()
    patches = to_patches(canonical, fit_of(canonical, reader.model.grid), reader.model.grid)
    slice_mm = canonical.spacing_mm[0]
    planes = int(np.size(finder.steps.planes(len(patches), slice_mm)))
    name = bundle.outputs.masks["lungs"].answer.network
    path = bundle.networks[name].path(finder.network.precision)
    return ReadingCost(
        bundle=f"{bundle.name} {bundle.version}",
        slices=slices,
        side=side,
        reading_s=_processor_s(lambda: reader.read(volume)),
        network_s=_processor_s(lambda: finder.find(patches, slice_mm)),
        operations=planes * work_of(path).operations,
    )


def _processor_s(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
