"""How long a study takes by provider and precision, beside what its networks need at least.

    python -m benchmarks gpu [--slices 300] [--runs 3]

Needs the project and one GPU with `onnxruntime-gpu`; without one the CPU alone is measured, and the
note says so. Seconds are medians for one study of 512 x 512 slices, in memory:

- *network*: lungs and lesions found as reading does it, with answers reduced to bytes;
- *floor*: bare ONNX Runtime on the same tensors, ready, in the same batches;
- *arithmetic*, *bandwidth*: what multiplying and moving alone take, at the rates that the same
  provider shows in the same run (`benchmarks.networks.rates`);
- *end to end*: both networks, clean-up, gates, lobes, figures and the answer.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.networks.rates import rates_of
from benchmarks.networks.work import work_of
from chest.model.slab_finder import SlabFinder
from chest.reader import Reader
from models.catalogue import read_catalogue
from models.declared.network_files import NetworkFiles, Precision
from models.declared_bundle import DeclaredBundle
from models.onnx_session import has_cuda
from models.run.declared_network import DeclaredNetwork
from models.schema_2.preprocess import fit_of, to_patches
from phantom import make_phantom, phantom_grid
from radiology.algorithm import ExecutionProvider
from radiology.image.volume import Volume
from settings.environment import Settings

_BUNDLE = "chest-ct-pneumonia"
_LENGTH_MM, _FIELD_MM, _SIDE = 300.0, 358.0, 512
_WITHOUT = "No GPU that ONNX Runtime can use: measured on the CPU alone."


@dataclass(frozen=True)
class Measured:
    """One provider with one precision of the network that finds lungs and lesions; in seconds."""

    provider: str
    precision: str
    planes: int
    network_s: float
    floor_s: float
    arithmetic_s: float
    bandwidth_s: float
    end_to_end_s: float

    @property
    def share_of_floor(self) -> float:
        """1 where reading costs nothing beside the network."""
        return self.floor_s / self.end_to_end_s


def measure_networks(console: Console, *, slices: int, runs: int) -> dict[str, Any]:
    """Measure each provider that is there, in each precision that the bundle has."""
    bundle = read_catalogue(Settings().bundles_folder).newest(_BUNDLE)
    if not isinstance(bundle, DeclaredBundle):
        raise SystemExit(f"{bundle.name} {bundle.version} is of schema 2: nothing to measure")
    console.print(f"Making a phantom of {slices} slices")
    pixel_mm = _FIELD_MM / _SIDE
    grid = phantom_grid((slices, _SIDE, _SIDE), (_LENGTH_MM / slices, pixel_mm, pixel_mm))
    volume = make_phantom(grid=grid).volume
    providers = [ExecutionProvider.CPU, *([ExecutionProvider.CUDA] if has_cuda() else [])]
    measured = [one for provider in providers for one in _measured(bundle, provider, volume, runs)]
    note = "" if has_cuda() else _WITHOUT
    _print(console, measured, note)
    return {
        "slices": slices,
        "bundle": f"{bundle.name} {bundle.version}",
        "note": note,
        "measured": [asdict(one) | {"share_of_floor": one.share_of_floor} for one in measured],
    }


def _measured(
    bundle: DeclaredBundle, provider: ExecutionProvider, volume: Volume, runs: int
) -> list[Measured]:
    name = bundle.outputs.masks["lungs"].answer.network
    files = bundle.networks[name]
    precisions = files.precisions if provider is ExecutionProvider.CPU else (Precision.FLOAT32,)
    return [
        _with_files(
            replace(bundle, networks={**bundle.networks, name: _only(files, precision)}),
            provider,
            volume,
            runs,
        )
        for precision in precisions
    ]


def _only(files: NetworkFiles, precision: Precision) -> NetworkFiles:
    """The same network where a CPU runs this precision."""
    return replace(files, on_cpu=precision)


def _with_files(
    bundle: DeclaredBundle, provider: ExecutionProvider, volume: Volume, runs: int
) -> Measured:
    reader = Reader.of(bundle, provider=provider)
    reader.warm_up()
    finder = reader.model.finder
    assert isinstance(finder, SlabFinder)
    network = finder.network
    assert isinstance(network, DeclaredNetwork)
    canonical, _ = volume.canonical()
    patches = to_patches(canonical, fit_of(canonical, reader.model.grid), reader.model.grid)
    slice_mm = canonical.spacing_mm[0]
    planes = int(finder.steps.planes(len(patches), slice_mm).size)
    slabs = _ready(patches, planes)
    path = bundle.networks[bundle.outputs.masks["lungs"].answer.network].path(network.precision)
    work, rates = work_of(path), rates_of(provider)
    return Measured(
        provider=network.provider,
        precision=str(network.precision),
        planes=planes,
        network_s=_median(lambda: finder.find(patches, slice_mm), runs),
        floor_s=_median(lambda: _run_bare(network, slabs), runs),
        arithmetic_s=planes * work.operations / rates.operations,
        bandwidth_s=planes * work.bytes_moved / rates.bytes_moved,
        end_to_end_s=_median(lambda: reader.read(volume), runs),
    )


def _ready(patches: NDArray[np.float32], planes: int) -> NDArray[np.float32]:
    """As many slabs as there are planes, shape (planes, 3, size, size)."""
    at = np.linspace(1, len(patches) - 2, planes).round().astype(np.intp)
    slabs: NDArray[np.float32] = patches[np.stack([at - 1, at, at + 1], axis=1), 0]
    return slabs


def _run_bare(network: DeclaredNetwork, slabs: NDArray[np.float32]) -> None:
    for first in range(0, len(slabs), network.at_once):
        network.run(slabs[first : first + network.at_once])


def _median(work: Callable[[], object], runs: int) -> float:
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def _print(console: Console, measured: list[Measured], note: str) -> None:
    table = Table(
        "Of", "Precision", "Planes", "Network, ms", "Floor", "Arithmetic", "Bandwidth",
        "End to end", "Share of floor",
    )  # fmt: skip
    for one in measured:
        times = (one.network_s, one.floor_s, one.arithmetic_s, one.bandwidth_s, one.end_to_end_s)
        table.add_row(
            one.provider.removesuffix("ExecutionProvider"),
            one.precision,
            str(one.planes),
            *(f"{1000 * seconds:.0f}" for seconds in times),
            f"{one.share_of_floor:.2f}",
        )
    console.print(table)
    if note:
        console.print(note)
