"""What reading a chest needs of a bundle: who finds, who classifies, and what counts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chest.lobes.by_shape import LobesByShape
from chest.model.probability_maps import ProbabilityMaps
from models.catalogue import UsableBundle
from models.readers.study_reader import ComingSlices
from models.schema_2.case import CaseDeclaration
from models.schema_2.networks import InputGrid
from models.schema_2.sign import Sign
from models.schema_2.view import ViewBox

Arrays = NDArray[np.float32]
OnProgress = Callable[[int, int], None]
"""Called with slices done and slices in all."""


@dataclass(frozen=True, slots=True)
class SliceHeat:
    """Where a classifier looked: levels 0…1 of the cells of a box of the network's square."""

    levels: Arrays
    box: ViewBox


@dataclass(frozen=True)
class SliceAnswer:
    """What the classifier says of one slice.

    Attributes
    ----------
    index : of the slice, on canonical axes
    viral : mean of its answers, a calibrated probability
    spread : their population standard deviation, 0 to 0.5
    heat : None for a classifier that does not say where it looked
    """

    index: int
    viral: float
    spread: float
    signs: Mapping[Sign, float]
    heat: SliceHeat | None


class Finder(Protocol):
    """Finds lungs and lesions."""

    @property
    def provider(self) -> str:
        """The execution provider that really runs, as ONNX Runtime calls it."""
        ...

    def warm_up(self) -> None:
        """Run once on nothing, so that the first study does not wait for the allocations."""
        ...

    def find(
        self, patches: Arrays, slice_mm: float | None, on_progress: OnProgress | None = None
    ) -> ProbabilityMaps:
        """Answer for each slice.

        Parameters
        ----------
        patches : shape (slices, 1, size, size), 0…1
        slice_mm : between slices; None where they are no neighbours
        """
        ...

    def read_ahead(self, slices: ComingSlices, grid: InputGrid, go_on: Callable[[], bool]) -> int:
        """Answer for slices of a volume that is still coming, and keep the answers for `find`.

        Parameters
        ----------
        go_on : asked now and then; where it says no, the rest is left

        Returns
        -------
        How many slices were answered for.
        """
        ...


@dataclass(frozen=True, slots=True)
class SlicesToClassify:
    """Slices as a classifier may want to see them.

    Attributes
    ----------
    hounsfield : shape (slices, rows, columns); rows to the back, columns to the patient's left
    spacing_mm : between rows and between columns
    patches, found : what `Finder.find` was given of the same slices, and its answer
    """

    hounsfield: Arrays
    spacing_mm: tuple[float, float]
    patches: Arrays
    found: ProbabilityMaps


class SliceClassifier(Protocol):
    """Says of single slices what pattern they show."""

    def warm_up(self) -> None:
        """Run once on nothing, so that the first study does not wait for the allocations."""
        ...

    def classify(
        self, slices: SlicesToClassify, chosen: Sequence[int], mirrored: Collection[int]
    ) -> list[SliceAnswer]:
        """Answer for the chosen slices, in their order.

        Parameters
        ----------
        mirrored : of the chosen slices those that are read a second time as their mirror image
        """
        ...


@dataclass(frozen=True)
class ChestModel:
    """A bundle with its networks loaded.

    Attributes
    ----------
    lung_threshold, lesion_threshold : on probabilities
    lesion_faint : probability from which on dense lung is outlined too
    lesion_peak : a lesion counts only where its probability reaches this somewhere in the slice
    possible_peak : what reaches this and not `lesion_peak` is possible, and does not count
    case : from slices to a case
    viral_threshold : for a single slice
    sign_thresholds : empty without a classifier
    lobes_by_shape : None for a bundle without such a network
    """

    bundle: UsableBundle
    grid: InputGrid
    lung_threshold: float
    lesion_threshold: float
    lesion_faint: float
    lesion_peak: float
    possible_peak: float
    case: CaseDeclaration
    finder: Finder
    classifier: SliceClassifier | None = None
    viral_threshold: float = 0.5
    sign_thresholds: Mapping[Sign, float] = field(default_factory=dict)
    lobes_by_shape: LobesByShape | None = None
