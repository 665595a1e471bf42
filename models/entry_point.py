"""The Python entry point of a bundle, for what its declaration cannot express.

An entry point of the group `firstread.readings` is called after everything is measured and before
anything is judged. It adds values that rules may name, gates, groups and statements; it removes
nothing and renders nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from models.declared.report import EntryPoint
from models.declared_bundle import ENTRY_POINTS, DeclaredBundle
from radiology.answer.measurement import MeasurementGroup
from radiology.answer.statement import Statement
from radiology.clinical import ClinicalValues
from radiology.errors import BundleRejected
from radiology.image.heat_map import HeatMap
from radiology.image.volume import Volume
from radiology.outcome import QualityGate


@dataclass(frozen=True)
class SeenVolume:
    """What an entry point is told.

    Attributes
    ----------
    labels : by region as declared, "output.class": a label map on the grid of `volume`, and the
        value that is the region
    values : of measurements and study scores, by name
    slice_scores : by output, one for each plane of the network's orientation
    heat_maps : by slice of the volume
    age_years : of the patient at the time of the study; None where it is not stated
    given : clinical values that a person or a system gave; those that nobody gave are None
    parameters : the table `[reading.parameters]`, for the entry point alone to check
    """

    volume: Volume
    bundle: DeclaredBundle
    labels: Mapping[str, tuple[NDArray[np.uint8], int]]
    values: Mapping[str, float | None]
    slice_scores: Mapping[str, NDArray[np.float64]]
    heat_maps: Mapping[int, HeatMap]
    age_years: float | None
    given: ClinicalValues
    parameters: Mapping[str, object]


@dataclass(frozen=True)
class Addition:
    """What an entry point adds to a reading.

    Attributes
    ----------
    values : every one that the bundle declares in `[reading] values`
    """

    values: Mapping[str, float | None] = field(default_factory=dict)
    gates: tuple[QualityGate, ...] = ()
    groups: tuple[MeasurementGroup, ...] = ()
    statements: tuple[Statement, ...] = ()


Extend = Callable[[SeenVolume], Addition]


def load_entry_point(declared: EntryPoint) -> Extend:
    """The function that a bundle names.

    Raises
    ------
    BundleRejected
        It is not installed any more, or cannot be imported.
    """
    return cast("Extend", load_installed(ENTRY_POINTS, declared.name))


def load_installed(group: str, name: str) -> object:
    """What is installed under a name of a group of entry points; raises as `load_entry_point`."""
    found: Any = next(iter(entry_points(group=group, name=name)), None)
    if found is None:
        raise BundleRejected("The bundle's entry point is not installed", name=name)
    try:
        loaded: object = found.load()
    except (ImportError, AttributeError) as error:
        raise BundleRejected("The bundle's entry point cannot be imported", name=name) from error
    return loaded


def extend_reading(declared: EntryPoint, extend: Extend, seen: SeenVolume) -> Addition:
    """Call the entry point.

    Raises
    ------
    BundleRejected
        It does not give the values that the bundle declares of it.
    """
    addition = extend(seen)
    if set(addition.values) != set(declared.values):
        raise BundleRejected(
            "The entry point gives other values than the bundle declares",
            name=declared.name,
            given=" ".join(sorted(addition.values)),
            declared=" ".join(sorted(declared.values)),
        )
    return addition
