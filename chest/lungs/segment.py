"""Makes lungs and lesions that are connected in three dimensions of per-slice probabilities.

All thinking is done on the network's square grid; only the last step goes to the volume's own
grid, where probabilities are interpolated, so that outlines are smooth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.lungs.body import find_body
from chest.lungs.consolidation import share_of_consolidation, with_airless_beside
from chest.lungs.domes import resting_on_diaphragm
from chest.lungs.false_lung import SOFT_ABOVE_HU, Attenuation, without_false_lung
from chest.lungs.fat import find_fat
from chest.lungs.notches import close_notches
from chest.lungs.on_slices import EVEN, on_volume_grid, possible_of, sureness_of
from chest.lungs.peaks import by_peak, outline
from chest.lungs.rims import rims
from chest.lungs.whole_lungs import keep_lungs
from chest.model.chest_model import ChestModel
from chest.model.probability_maps import ByteMaps, ProbabilityMaps
from chest.values.regions import ChestRegions, LungLabel
from models.connected import Masks, at_edge_of_slice, keep_large, parts, parts_by_slice
from models.schema_2.preprocess import SquareFit
from models.shifts import diamond, grown
from radiology.image.volume import Volume
from radiology.region import box_around

NEAR_LUNG_PIXELS = 2

_UNSURE_SIDE = 75  # bytes (0.3) between right and left; below it the patient's x decides

LEAST_LESION_ML = 0.15  # a vessel's cross-section; about a ball of 6.5 mm
LARGEST_HOLE_MM2 = 400.0  # vessels and small dense foci are lung; the heart is not
_STRAY_SIDE_SHARE = 0.05  # of that side's largest part
# Means of 3 x 3 pixels: docs/case-level.md
OPACITY_FROM_HU = -800.0  # inflated lung lies at −860
_EVENED_AROUND = 16  # pixels: more than a rim is thick
_SMOOTH_BELOW_MM = 3.0  # slices nearer than this share what they show


def fill_small_holes(mask: Masks, largest_pixels: float) -> Masks:
    """Fill what a slice's lung encloses, if it is small; slice by slice, in one pass."""
    labels, sizes = parts_by_slice(~mask)
    hole = sizes <= largest_pixels
    hole[0] = False
    hole &= ~at_edge_of_slice(labels, sizes.size - 1)
    filled: Masks = mask | hole[labels]
    return filled


def _middle_column(right: Masks, left: Masks, columns: NDArray[np.int64], width: int) -> float:
    """Column halfway between the two lungs; the patient's left lies at higher columns."""
    centres = []
    for side in (right, left):
        weight = side.sum(axis=0, dtype=np.uint16).sum(axis=0).astype(np.float64)
        if weight.sum() == 0:
            return (width - 1) / 2.0
        centres.append(float((columns * weight).sum() / weight.sum()))
    return (centres[0] + centres[1]) / 2.0


def sides(lung: Masks, maps: ProbabilityMaps) -> ByteMaps:
    """Tell right from left: the network where it is sure, otherwise the patient's x."""
    result = np.zeros(lung.shape, dtype=np.uint8)
    box = box_around(lung)
    if box is None:
        return result
    inside = lung[box]
    surplus = maps.left[box].astype(np.int16) - maps.right[box]
    right = inside & (surplus <= -_UNSURE_SIDE)
    left = inside & (surplus >= _UNSURE_SIDE)
    columns = np.arange(box[2].start, box[2].stop)
    beyond_middle = columns > _middle_column(right, left, columns, lung.shape[2])
    for side in (right, left):
        if not side.any():
            continue
        labels, counts = parts(side, 6)
        stray = counts < _STRAY_SIDE_SHARE * counts.max()
        stray[0] = False
        side &= ~stray[labels]
    unsure = inside & ~right & ~left
    result[box][right | (unsure & ~beyond_middle)] = LungLabel.RIGHT
    result[box][left | (unsure & beyond_middle)] = LungLabel.LEFT
    return result


def _smoothed_along_slices(maps: ByteMaps, spacing_mm: float) -> ByteMaps:
    """Weigh each slice with its neighbours (1, 2, 1), where slices are thin."""
    if spacing_mm >= _SMOOTH_BELOW_MM or maps.shape[0] < 3:
        return maps
    smooth = np.empty_like(maps)
    last = len(maps) - 1
    for index, one in enumerate(maps):  # a slice stays in the cache, and a stack does not
        mixed = one.astype(np.uint16) * 2
        mixed += maps[max(index - 1, 0)]
        mixed += maps[min(index + 1, last)]
        mixed >>= 2
        np.copyto(smooth[index], mixed, casting="unsafe")
    return smooth


def about_threshold(probability: ByteMaps, threshold: float) -> ByteMaps:
    """Stretch probabilities so that the threshold becomes one half: interpolation needs that."""
    p = np.arange(256) / 255.0
    below = 0.5 * p / max(threshold, 1e-6)
    above = 0.5 + 0.5 * (p - threshold) / max(1.0 - threshold, 1e-6)
    table = np.where(p < threshold, below, above).clip(0.0, 1.0)
    stretched: ByteMaps = np.rint(table * 255.0).astype(np.uint8)[probability]
    return stretched


def _lungs(
    seen: Masks,
    attenuation: Attenuation,
    lesion: Masks,
    spacing_mm: tuple[float, float, float],
) -> Masks:
    """Lungs with their disease: whole bodies, lesions that touch them, small holes filled."""
    lung = keep_lungs(without_false_lung(seen, attenuation), spacing_mm)
    box = box_around(lung)
    if box is None:
        return lung
    margin = NEAR_LUNG_PIXELS + 1
    window = tuple(slice(max(part.start - margin, 0), part.stop + margin) for part in box)
    inside = lung[window]
    near = grown(inside, diamond(NEAR_LUNG_PIXELS))
    near |= close_notches(inside, lesion[window] & ~near, spacing_mm[1])
    joined = inside | (lesion[window] & near)
    lung[window] = fill_small_holes(joined, LARGEST_HOLE_MM2 / (spacing_mm[1] * spacing_mm[2]))
    return lung


@dataclass(frozen=True)
class Segmented:
    """Label maps, and how much of what the network took for lung was none.

    Attributes
    ----------
    regions : lungs and lesions on the grid of the volume; lesions lie within lungs
    outside_ml : taken for lung outside the body
    inside_ml : taken for lung inside it
    """

    regions: ChestRegions
    outside_ml: float
    inside_ml: float


def segment(
    maps: ProbabilityMaps,
    patches: NDArray[np.float32],
    volume: Volume,
    fit: SquareFit,
    model: ChestModel,
) -> Segmented:
    """Make label maps on the volume's grid.

    Parameters
    ----------
    maps : of every slice of `volume`
    patches : the network's input that they answer, shape (slices, 1, size, size)
    volume : canonical, the one that the maps were made from
    fit : how its slices lie on the maps' grid
    """
    row_scale, column_scale = fit.pixel_scale
    slice_mm, row_mm, column_mm = volume.spacing_mm
    spacing_mm = (slice_mm, row_mm * row_scale, column_mm * column_scale)
    voxel_ml = volume.voxel_ml * row_scale * column_scale
    smoothed = _smoothed_along_slices(maps.lesion, slice_mm)
    cleaned, around_possible, lung_seen = _cleaned(maps, smoothed, patches, spacing_mm, model)
    regions = on_volume_grid(cleaned, volume.shape, fit)
    regions = replace(regions, sureness=sureness_of(smoothed, regions, fit))
    if around_possible is not None:
        regions = replace(regions, possible=possible_of(around_possible, regions, fit))
    return Segmented(
        regions, outside_ml=lung_seen.outside * voxel_ml, inside_ml=lung_seen.inside * voxel_ml
    )


class _LungSeen(NamedTuple):
    """How many voxels the network took for lung, outside the body and inside it."""

    outside: int
    inside: int


class _Opacities(NamedTuple):
    """What is judged by density, on the network's grid.

    Attributes
    ----------
    lung : with its disease
    opaque : in the lung, and neither a dome of the diaphragm nor a rim
    even : see `evened`
    """

    lung: Masks
    opaque: Masks
    even: NDArray[np.float32]
    lung_seen: _LungSeen


def _cleaned(
    maps: ProbabilityMaps,
    smoothed: ByteMaps,
    patches: NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    model: ChestModel,
) -> tuple[ProbabilityMaps, ByteMaps | None, _LungSeen]:
    """Probabilities that agree with what was cleaned; those of what is possible, if anything is.

    Parameters
    ----------
    smoothed : the maps of lesions, weighed with their neighbours
    """
    lesion_probability = about_threshold(smoothed, model.lesion_threshold)
    lung_probability = about_threshold(maps.either, model.lung_threshold)
    lung, opaque, even, lung_seen = _opacities(
        lung_probability >= EVEN, smoothed, patches, spacing_mm, model
    )
    # Again: what was sure may have been a dome or a rim.
    parted = by_peak(opaque, smoothed, model.lesion_peak, model.possible_peak)
    least = LEAST_LESION_ML / (float(np.prod(spacing_mm)) / 1000.0)
    lesion, possible = (keep_large(one, least, 26) for one in parted)
    side = sides(lung, maps)
    cleaned = replace(
        maps,
        dense=share_of_consolidation(maps.dense, lesion, even),
        right=agreeing(lung_probability, side == LungLabel.RIGHT),
        left=agreeing(lung_probability, side == LungLabel.LEFT),
        lesion=agreeing(lesion_probability, lesion),
    )
    around_possible = agreeing(lesion_probability, possible) if possible.any() else None
    return cleaned, around_possible, lung_seen


def _opacities(
    seen: Masks,
    smoothed: ByteMaps,
    patches: NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    model: ChestModel,
) -> _Opacities:
    """Tell lung from what is none, and disease from fat, diaphragm and rims."""
    slice_mm, pixel_mm, _ = spacing_mm
    grid = model.grid
    attenuation = Attenuation(patches[:, 0], grid.window_low_hu, grid.window_high_hu)
    hounsfield = attenuation.hounsfield
    body = find_body(hounsfield, seen, pixel_mm)
    wanted = (smoothed >= np.rint(model.lesion_faint * 255.0)) & body
    even = evened(hounsfield, wanted)
    outlined = outline(smoothed, even, model.lesion_threshold, model.lesion_faint) & body
    outlined &= even >= OPACITY_FROM_HU  # a lesion is denser than the lung around it
    outlined &= ~find_fat(hounsfield, even, outlined)
    counting, _ = by_peak(outlined, smoothed, model.lesion_peak, model.possible_peak)
    lung = _lungs(seen & body, attenuation, counting, spacing_mm)
    outlined |= with_airless_beside(counting, lung, even, pixel_mm)
    outlined &= lung
    other = resting_on_diaphragm(outlined, lung, hounsfield, slice_mm)
    other |= rims(outlined, lung, even, pixel_mm)
    lung &= ~(other & ~attenuation.below(SOFT_ABOVE_HU))
    lung_seen = _LungSeen(int(np.count_nonzero(seen & ~body)), int(np.count_nonzero(seen & body)))
    return _Opacities(lung, outlined & ~other, even, lung_seen)


def evened(hounsfield: NDArray[np.float32], wanted: Masks) -> NDArray[np.float32]:
    """Means of 3 x 3 pixels on the slices that have something to judge; 0 HU on the others.

    And 0 HU far from all that is wanted on any slice.
    """
    even = np.zeros_like(hounsfield)
    box = box_around(wanted)
    if box is None:
        return even
    rows, columns = (
        slice(max(one.start - _EVENED_AROUND, 0), one.stop + _EVENED_AROUND) for one in box[1:]
    )
    for index in np.flatnonzero(wanted.any(axis=(1, 2))):
        even[index, rows, columns] = ndimage.uniform_filter(hounsfield[index, rows, columns], 3)
    return even


def agreeing(probability: ByteMaps, mask: Masks) -> ByteMaps:
    """Probabilities made to agree with a cleaned mask: at least one half in it, less outside.

    What the cleaning turned is as sure as before, the other way: its border then lies between the
    pixels where probabilities are interpolated, not at the centre of the last one.
    """
    turned: Masks = mask != (probability >= EVEN)
    every_bit: ByteMaps = np.negative(turned.view(np.uint8))  # 255 where it is turned
    return np.bitwise_xor(every_bit, probability, out=every_bit)
