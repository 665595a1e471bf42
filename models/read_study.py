"""Read one volume with one bundle: the function that the worker calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.interpret import interpret
from models.postprocess import ProbabilityMaps, segment
from models.preprocess import fit_of, to_patches
from radiology.finding import Reading
from radiology.region import ChestRegions
from radiology.volume import Volume

OnProgress = Callable[[int, int], None]


class Network(Protocol):
    """What reading needs of a network; `models.onnx_session.NetworkSession` is one."""

    def run(
        self, patches: NDArray[np.float32], on_progress: OnProgress | None = None
    ) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32]]]:
        """Yield the index of the first patch, and lung and lesion probabilities."""
        ...


def read_study(
    volume: Volume,
    bundle: Bundle,
    session: Network,
    on_progress: OnProgress | None = None,
) -> Reading:
    """Segment lungs and lesions, measure them and say what they mean.

    Parameters
    ----------
    volume : HU in any orientation; brought to canonical axes here, and the masks back again
    bundle, session : the session is a `NetworkSession` of this bundle
    on_progress : called with slices done and slices in all, while the network runs

    Returns
    -------
    A reading whose regions and key slice are on the grid of `volume` as it was given.
    """
    canonical, order = volume.canonical()
    fit = fit_of(canonical, bundle.grid)
    maps = ProbabilityMaps.empty(canonical.shape[0], bundle.grid.size)
    patches = to_patches(canonical, fit, bundle.grid)
    for first, lung, lesion in session.run(patches, on_progress):
        maps.store(first, lung, lesion)
    regions = segment(maps, patches, canonical, fit, bundle)
    given = ChestRegions(lungs=order.undo(regions.lungs), lesions=order.undo(regions.lesions))
    return interpret(volume, given, bundle)
