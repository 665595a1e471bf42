"""Read one volume with one bundle: the function that the worker calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.case_level import answer_case
from models.classify import Classifier, classify_study
from models.gate_measures import Scan
from models.gates import Acquisition, check_gates
from models.heat_maps import heat_maps_of
from models.interpret import Evidence, interpret, measure, refuses
from models.lobes import find_territories, measure_territories
from models.postprocess import ProbabilityMaps, segment
from models.preprocess import fit_of, to_patches
from radiology.finding import Reading, Side
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
    *,
    classifier: Classifier | None = None,
    acquisition: Acquisition | None = None,
) -> Reading:
    """Segment lungs and lesions, classify, measure, and say what it means.

    Parameters
    ----------
    volume : HU in any orientation; brought to canonical axes here, and the masks back again
    bundle, session : the session is a `NetworkSession` of this bundle
    on_progress : called with slices done and slices in all, while the network runs
    classifier : a `ClassifierSession` of this bundle; None to do without
    acquisition : what headers say of the scan and its patient

    Returns
    -------
    A reading whose regions, heat maps and key slice are on the grid of `volume` as it was given.
    """
    canonical, order = volume.canonical()
    fit = fit_of(canonical, bundle.grid)
    maps = ProbabilityMaps.empty(canonical.shape[0], bundle.grid.size)
    patches = to_patches(canonical, fit, bundle.grid)
    for first, lung, lesion in session.run(patches, on_progress):
        maps.store(first, lung, lesion)
    regions = segment(maps, patches, canonical, fit, bundle)
    figures = measure(canonical, regions)
    scan = Scan.of(patches, regions, canonical.spacing_mm, fit, bundle.grid)
    lung_ml = figures[Side.TOTAL].lung_volume_ml
    acquisition = acquisition or Acquisition()
    gates = check_gates(scan, lung_ml, acquisition)
    evidence = Evidence(
        regions=ChestRegions(order.undo(regions.lungs), order.undo(regions.lesions)),
        figures=figures,
        gates=gates,
        acquisition=acquisition,
    )
    if refuses(gates):
        return interpret(evidence, bundle)
    answers = classify_study(patches, maps, regions, classifier) if classifier else []
    territories = find_territories(canonical, regions)
    evidence = replace(
        evidence,
        case=answer_case(regions, answers, bundle, reserved=not all(one.passed for one in gates)),
        territories=measure_territories(canonical, regions, territories),
        boundaries=territories.boundaries,
        heat_maps=heat_maps_of(answers, regions, order, fit),
    )
    placed = replace(territories, labels=order.undo(territories.labels))
    return replace(interpret(evidence, bundle), territory_map=placed)
