"""Read a single slice: a figure in 8-bit grey, or a slice in HU, without a volume around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chest.classify import classify_views
from chest.grey_levels import grey_to_hounsfield
from chest.lungs.segment import ProbabilityMaps
from chest.slices.clean_slice import clean_slice
from models.schema_2.bundle import Bundle
from models.schema_2.network_sessions import ClassifierSession, NetworkSession
from models.schema_2.preprocess import SquareFit, to_patch
from models.schema_2.sign import Sign
from models.schema_2.view import lung_view, place_back
from radiology.algorithm import ExecutionProvider
from radiology.errors import BundleRejected
from radiology.region import LabelMap

FloatArray = NDArray[np.float32]

_MIRRORED_LUNGS = [0, 2, 1]  # the mirror image of the right lung is a left one


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


class ChestSliceReader:
    """Reads single slices with one bundle; keeps the networks loaded.

    Parameters
    ----------
    threads : of the CPU; 0 for one for each core
    mirrored : whether the slice is read a second time as its mirror image and both are averaged

    Raises
    ------
    BundleRejected
        A network is not the declared one.
    SettingsRefused
        CUDA is demanded and not there.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        threads: int = 0,
        provider: ExecutionProvider = ExecutionProvider.AUTO,
        mirrored: bool = True,
    ) -> None:
        self.bundle = bundle
        self._mirrored = mirrored
        self._segmentation = NetworkSession(bundle, provider=provider, threads=threads)
        self._classifier = (
            ClassifierSession(bundle, provider=provider, threads=threads)
            if bundle.classification is not None
            else None
        )

    @property
    def viral_threshold(self) -> float:
        """At or above it a single slice is called viral.

        Raises
        ------
        BundleRejected
            The bundle has no classifier.
        """
        if self.bundle.classification is None:
            raise BundleRejected("The bundle has no classifier", name=self.bundle.name)
        return self.bundle.classification.viral_threshold

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
        fit = SquareFit.of((rows, columns), spacing_mm, self.bundle.grid.size)
        patch = to_patch(hu, fit, self.bundle.grid)
        lung, lesion = self._probabilities(patch)
        maps = ProbabilityMaps.empty(1, fit.size)
        maps.store(0, lung[None], lesion[None])
        regions = clean_slice(maps, fit, self.bundle)
        area = int(np.count_nonzero(regions.lungs))
        share = 100.0 * int(np.count_nonzero(regions.lesions)) / area if area else 0.0
        return self._classified(
            patch, lung, lesion, fit, regions.lungs[0], regions.lesions[0], share
        )

    def _probabilities(self, patch: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lung and lesion, each (3, size, size), of the slice or of it and its mirror image."""
        both = [patch, patch[:, ::-1]] if self._mirrored else [patch]
        answers = [maps for _, *maps in self._segmentation.run(np.stack(both)[:, None])]
        lung, lesion = (np.concatenate(part) for part in zip(*answers, strict=True))
        if not self._mirrored:
            return lung[0], lesion[0]
        lung_back = lung[1][_MIRRORED_LUNGS, :, ::-1]
        return (lung[0] + lung_back) / 2.0, (lesion[0] + lesion[1][:, :, ::-1]) / 2.0

    def _classified(
        self,
        patch: FloatArray,
        lung: FloatArray,
        lesion: FloatArray,
        fit: SquareFit,
        lungs: LabelMap,
        lesions: LabelMap,
        share: float,
    ) -> SliceReading:
        if self._classifier is None:
            return SliceReading(lungs, lesions, share, None, None, {}, None)
        declared = self._classifier.declared
        view, box = lung_view(
            patch,
            np.minimum(lung[1] + lung[2], 1.0),
            np.minimum(lesion[1] + lesion[2], 1.0),
            size=declared.size,
            margin=declared.margin,
        )
        (answer,) = classify_views(view[None], self._classifier, [0] if self._mirrored else [])
        heat = fit.from_square(place_back(answer.heat, box, (fit.size, fit.size)))
        return SliceReading(lungs, lesions, share, answer.viral, answer.spread, answer.signs, heat)
