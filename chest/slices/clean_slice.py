"""Makes the lungs and lesions of a slice from its probabilities.

A single slice has no neighbours, and that of a figure no scale in mm: the limits are shares of
the network's square, which a chest fills.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.lungs.false_lung import Attenuation
from chest.lungs.on_slices import EVEN, on_volume_grid
from chest.lungs.peaks import by_peak, outline
from chest.lungs.segment import (
    NEAR_LUNG_PIXELS,
    about_threshold,
    agreeing,
    evened,
    fill_small_holes,
    sides,
)
from chest.model.chest_model import ChestModel
from chest.model.probability_maps import ByteMaps, ProbabilityMaps
from chest.values.regions import ChestRegions, LungLabel
from models.connected import Masks, in_plane_cross
from models.schema_2.preprocess import SquareFit
from models.schema_2.view import LEAST_ISLAND_SHARE

# Ours, chosen by eye on figures.
LARGEST_HOLE_SHARE = 0.005  # vessels and dense foci within a lung; the heart is ten times that
LEAST_LESION_SHARE = 0.0001


def _without_islands(mask: Masks, least_pixels: float) -> Masks:
    labels, count = ndimage.label(mask, structure=in_plane_cross())
    large = np.bincount(labels.ravel(), minlength=count + 1) >= least_pixels
    large[0] = False
    kept: Masks = large[labels]
    return kept


def _with_disease(lung: Masks, lesion: Masks) -> Masks:
    """Diseased lung is lung: lesions that touch it belong to it, whole."""
    near = ndimage.binary_dilation(lung, in_plane_cross(), iterations=NEAR_LUNG_PIXELS)
    labels, count = ndimage.label(lesion, structure=in_plane_cross())
    touching = np.zeros(count + 1, dtype=bool)
    touching[np.unique(labels[near])] = True
    touching[0] = False
    joined: Masks = lung | touching[labels]
    return joined


def clean_slice(
    maps: ProbabilityMaps, patch: NDArray[np.float32], fit: SquareFit, model: ChestModel
) -> ChestRegions:
    """Make label maps of one slice.

    Parameters
    ----------
    maps : of one slice, each (1, size, size)
    patch : the network's input that they answer, shape (1, size, size)
    fit : how the slice lies on that square

    Returns
    -------
    Lungs and lesions, each (1, rows, columns) of the slice; lesions lie within lungs.
    """
    pixels = fit.size * fit.size
    lung_probability = about_threshold(maps.either, model.lung_threshold)
    lesion_probability = about_threshold(maps.lesion, model.lesion_threshold)
    grid = model.grid
    hounsfield = Attenuation(patch, grid.window_low_hu, grid.window_high_hu).hounsfield
    even = evened(hounsfield, maps.lesion >= np.rint(model.lesion_faint * 255.0))
    outlined = outline(maps.lesion, even, model.lesion_threshold, model.lesion_faint)
    lesion, _ = by_peak(outlined, maps.lesion, model.lesion_peak, model.possible_peak)
    lung = _without_islands(lung_probability >= EVEN, LEAST_ISLAND_SHARE * pixels)
    lung = fill_small_holes(_with_disease(lung, lesion), LARGEST_HOLE_SHARE * pixels)
    lesion = _without_islands(lesion & lung, LEAST_LESION_SHARE * pixels)
    side: ByteMaps = sides(lung, maps)
    cleaned = replace(
        maps,
        right=agreeing(lung_probability, side == LungLabel.RIGHT),
        left=agreeing(lung_probability, side == LungLabel.LEFT),
        lesion=agreeing(lesion_probability, lesion),
    )
    return on_volume_grid(cleaned, (1, fit.rows, fit.columns), fit)
