"""Measures noise, outlines and surroundings on the network's grid, for the quality gates.

The network's grid, because what matters is what the network sees: noise that averaging removes
does no harm, whatever the scanner's matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.values.regions import ChestRegions, LungLabel
from models.schema_2.networks import InputGrid
from models.schema_2.preprocess import SquareFit
from radiology.region import pixels_by_slice

FloatArray = NDArray[np.float32]
Masks = NDArray[np.bool_]

_NOISE_SLICES = 8
_OUTLINE_SLICES = 16
_SOFT_TISSUE_HU = (-20.0, 120.0)  # fat and bone have edges everywhere
_NOISE_WINDOW = 5  # pixels
_LEAST_SOFT_PIXELS = 200
_BODY_FROM_HU = -500.0
_OUTSIDE_BELOW_HU = -1020.0  # padding outside the field of view: worker.series.decode_volume
_MIDDLE_LUNG = 0.4  # of the largest cross-section: apex and base taper off by themselves
_JUMP = 0.1  # of the cross-section, above what the slices around it change
_AROUND = 4  # slices
_CUT_FROM_MM = 30.0  # of outline in a slice; ours
_BLOOD_HU = (-20.0, 600.0)
_HEART_SLICES = 8


@dataclass(frozen=True)
class Scan:
    """A canonical volume as the network saw it, and its lungs on the same grid.

    Attributes
    ----------
    patches : the network's input, shape (slices, 1, size, size), 0…1
    lungs : uint8, shape (slices, size, size), values of `LungLabel`
    fit : how the volume's slices lie on the network's grid
    grid : the network's input as the bundle declares it
    slice_mm, pixel_mm : between slices; of a pixel of the network's grid
    """

    patches: FloatArray
    lungs: NDArray[np.uint8]
    fit: SquareFit
    grid: InputGrid
    slice_mm: float
    pixel_mm: float

    @classmethod
    def of(
        cls,
        patches: FloatArray,
        regions: ChestRegions,
        spacing_mm: tuple[float, float, float],
        fit: SquareFit,
        grid: InputGrid,
    ) -> Scan:
        """Put the volume's lungs on the network's grid, beside its input.

        Parameters
        ----------
        regions : on the grid of the volume
        spacing_mm : of the volume
        """
        (rows, on_rows), (columns, on_columns) = fit.covered
        lungs = np.zeros(patches[:, 0].shape, dtype=np.uint8)
        for small, full in zip(lungs, regions.lungs, strict=True):
            # Whole rows first: they lie together in memory.
            part = full[rows].take(columns, axis=1)
            small[on_rows[0] : on_rows[-1] + 1, on_columns[0] : on_columns[-1] + 1] = part
        pixel_mm = spacing_mm[1] * fit.pixel_scale[0]
        return cls(patches, lungs, fit, grid, slice_mm=spacing_mm[0], pixel_mm=pixel_mm)

    def hounsfield(self, index: int) -> FloatArray:
        """One slice in HU, within the network's window."""
        low, high = self.grid.window_low_hu, self.grid.window_high_hu
        hu: FloatArray = self.patches[index, 0] * np.float32(high - low) + np.float32(low)
        return hu

    @property
    def all_hounsfield(self) -> FloatArray:
        """Every slice in HU, within the network's window."""
        low, high = self.grid.window_low_hu, self.grid.window_high_hu
        hu: FloatArray = self.patches[:, 0] * np.float32(high - low)
        hu += np.float32(low)
        return hu

    @property
    def areas(self) -> NDArray[np.int64]:
        """Pixels of lung in each slice."""
        return pixels_by_slice(self.lungs)

    def some_slices(self, count: int, least_share: float) -> list[int]:
        """Up to `count` slices, evenly among those with enough lung."""
        areas = self.areas
        enough = np.flatnonzero(areas >= max(least_share * areas.max(initial=0), 1))
        if enough.size <= count:
            return [int(one) for one in enough]
        places = ((np.arange(count) + 0.5) * enough.size / count).astype(np.int64)
        return [int(one) for one in enough[places]]


def noise_hu(scan: Scan) -> float | None:
    """How noisy soft tissue is: the commonest local standard deviation.

    After Christianson and others, AJR 2015;205:W93 (global noise level), with our window.

    Returns
    -------
    HU on the network's grid; None where there is too little soft tissue.
    """
    found = []
    for index in scan.some_slices(_NOISE_SLICES, 0.5):
        image = scan.hounsfield(index).astype(np.float64)
        mean = ndimage.uniform_filter(image, _NOISE_WINDOW)
        square = ndimage.uniform_filter(image * image, _NOISE_WINDOW)
        soft = (mean > _SOFT_TISSUE_HU[0]) & (mean < _SOFT_TISSUE_HU[1])
        if np.count_nonzero(soft) < _LEAST_SOFT_PIXELS:
            continue
        deviation = np.sqrt(np.maximum(square[soft] - mean[soft] ** 2, 0.0))
        counts = np.bincount((deviation / 2.0).astype(np.int64)).astype(np.float64)
        found.append(2.0 * int(np.argmax(ndimage.gaussian_filter1d(counts, 1.5))) + 1.0)
    return float(np.median(found)) if found else None


def lung_share_of_body(scan: Scan) -> float | None:
    """Lung as a share of the body's cross-section, median over slices in the middle; 0 to 1."""
    shares = []
    for index in scan.some_slices(_NOISE_SLICES, 0.5):
        lung = scan.lungs[index] > 0
        body = ndimage.binary_fill_holes((scan.hounsfield(index) > _BODY_FROM_HU) | lung)
        shares.append(int(np.count_nonzero(lung)) / max(int(np.count_nonzero(body)), 1))
    return float(np.median(shares)) if shares else None


def cut_in_plane(scan: Scan) -> float:
    """Share of slices in which lung lies at the edge of the field of view; 0 to 1."""
    fit, chosen = scan.fit, scan.some_slices(_OUTLINE_SLICES, 0.25)
    cut = 0
    for index in chosen:
        outside = np.ones(scan.lungs[index].shape, dtype=bool)
        outside[fit.top : fit.top + fit.height, fit.left : fit.left + fit.width] = False
        padding = scan.hounsfield(index) < _OUTSIDE_BELOW_HU
        # Emphysema is as dark, but does not hang together with the border.
        outside = ndimage.binary_propagation(outside | _border(padding), mask=padding | outside)
        lung = scan.lungs[index] > 0
        touching = lung & (ndimage.binary_dilation(outside, iterations=2) | _border(lung))
        cut += bool(np.count_nonzero(touching) * scan.pixel_mm >= _CUT_FROM_MM)
    return cut / len(chosen) if chosen else 0.0


def _border(mask: Masks) -> Masks:
    """The part of a mask that lies on the edge of the square."""
    inner = np.zeros_like(mask)
    inner[1:-1, 1:-1] = True
    edge: Masks = mask & ~inner
    return edge


def outline_jumps(scan: Scan) -> int:
    """How often the lungs' outline jumps from one slice to the next and its neighbours do not.

    A patient who moves or breathes leaves steps in a stack that is smooth otherwise.
    """
    areas = scan.areas
    enough = areas >= max(_MIDDLE_LUNG * areas.max(initial=0), 1)
    lungs = scan.lungs > 0
    changes = np.array(
        [
            np.count_nonzero(lungs[at] ^ lungs[at + 1]) / (0.5 * (areas[at] + areas[at + 1]))
            for at in np.flatnonzero(enough[:-1] & enough[1:])
        ]
    )
    usual = ndimage.median_filter(changes, 2 * _AROUND + 1, mode="nearest") if changes.size else 0
    return int(np.count_nonzero(changes - usual > _JUMP))


def heart_hu(scan: Scan) -> float | None:
    """Median attenuation of soft tissue between the lungs, in the lower half of the chest.

    Blood without contrast medium has 30 to 60 HU, and muscle no more; fat is left out.

    Returns
    -------
    HU, at most the upper end of the network's window; None where lungs or tissue are missing.
    """
    values = []
    chosen = scan.some_slices(4 * _HEART_SLICES, 0.5)
    for index in chosen[: len(chosen) // 2]:  # slices run to the head
        right = scan.lungs[index] == LungLabel.RIGHT
        left = scan.lungs[index] == LungLabel.LEFT
        rows = np.flatnonzero(right.any(axis=1) & left.any(axis=1))
        between = np.zeros(right.shape, dtype=bool)
        for row in rows:
            start, stop = np.flatnonzero(right[row])[-1] + 3, np.flatnonzero(left[row])[0] - 2
            between[row, start : max(stop, start)] = True
        image = scan.hounsfield(index)
        values.append(image[between & (image > _BLOOD_HU[0]) & (image < _BLOOD_HU[1])])
    inside = np.concatenate(values) if values else np.empty(0)
    return float(np.median(inside)) if inside.size >= _LEAST_SOFT_PIXELS else None
