"""Read a single slice: a figure in 8-bit grey, or a slice in HU, without a volume around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chest.grey_levels import grey_to_hounsfield
from chest.model.chest_model import ChestModel, SlicesToClassify
from chest.model.probability_maps import ProbabilityMaps
from chest.slices.clean_slice import clean_slice
from models.schema_2.preprocess import SquareFit, to_patch
from models.schema_2.sign import Sign
from models.schema_2.view import place_back
from radiology.errors import BundleRejected
from radiology.region import LabelMap

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class SliceReading:
    """What one slice shows.

    Attributes
    ----------
    lungs, lesions : uint8, shape of the slice, values of `LungLabel` and `LesionLabel`
    lesion_share_percent : lesion area as a share of lung area; 0 where there is no lung
    viral : calibrated probability of the viral pattern; None for a bundle without a classifier
    spread : standard deviation of the answers that `viral` is the mean of
    signs : calibrated probability of each sign; empty without a classifier
    heat : float32, shape of the slice, 0…1, where the classifier looked
    """

    lungs: LabelMap
    lesions: LabelMap
    lesion_share_percent: float
    viral: float | None
    spread: float | None
    signs: Mapping[Sign, float]
    heat: FloatArray | None


@dataclass(frozen=True)
class ChestSliceReader:
    """Reads single slices with one bundle whose networks are loaded.

    Attributes
    ----------
    mirrored : whether the slice is read a second time as its mirror image and both are averaged
    """

    model: ChestModel
    mirrored: bool = True

    @property
    def viral_threshold(self) -> float:
        """At or above it a single slice is called viral.

        Raises
        ------
        BundleRejected
            The bundle has no classifier.
        """
        if self.model.classifier is None:
            raise BundleRejected("The bundle has no classifier", name=self.model.bundle.name)
        return self.model.viral_threshold

    def read_grey(self, grey: NDArray[np.uint8]) -> SliceReading:
        """Read a slice in 8-bit grey levels of an unknown lung or wide window.

        Parameters
        ----------
        grey : uint8, shape (rows, columns); rows to the back, columns to the patient's left
        """
        if grey.dtype != np.uint8 or grey.ndim != 2:
            raise ValueError("a grey slice is uint8 with rows and columns")
        return self.read_hounsfield(grey_to_hounsfield(grey))

    def read_hounsfield(
        self, hu: FloatArray, spacing_mm: tuple[float, float] = (1.0, 1.0)
    ) -> SliceReading:
        """Read a slice in HU.

        Parameters
        ----------
        hu : float32, shape (rows, columns), HU; rows to the back, columns to the patient's left
        spacing_mm : between rows and between columns; only their ratio matters
        """
        rows, columns = hu.shape
        model = self.model
        fit = SquareFit.of((rows, columns), spacing_mm, model.grid.size)
        patch = to_patch(hu, fit, model.grid)
        found = self._found(patch)
        regions = clean_slice(found, patch[None], fit, model)
        area = int(np.count_nonzero(regions.lungs))
        share = 100.0 * int(np.count_nonzero(regions.lesions)) / area if area else 0.0
        lungs, lesions = regions.lungs[0], regions.lesions[0]
        if model.classifier is None:
            return SliceReading(lungs, lesions, share, None, None, {}, None)
        twice = [0] if self.mirrored else []
        shown = SlicesToClassify(hu[None], spacing_mm, patch[None, None], found)
        (answer,) = model.classifier.classify(shown, [0], twice)
        heat = None
        if answer.heat is not None:
            square = place_back(answer.heat.levels, answer.heat.box, (fit.size, fit.size))
            heat = fit.from_square(square)
        return SliceReading(lungs, lesions, share, answer.viral, answer.spread, answer.signs, heat)

    def _found(self, patch: FloatArray) -> ProbabilityMaps:
        """What the slice shows, or the mean of it and of its mirror image."""
        find = self.model.finder.find
        straight = find(patch[None, None], None)
        if not self.mirrored:
            return straight
        back = find(np.ascontiguousarray(patch[None, None, :, ::-1]), None)
        return straight.averaged(back.mirrored())
