"""The agreement of two masks: overlap, volume and distance between surfaces.

The five figures of the liver segmentation contest SLIVER07 (Heimann et al. 2009, IEEE Trans Med
Imaging 28:1251–1265), which the survey of Fang et al. takes over: DICE, VOE (volumetric overlap
error, %), RVD (relative volume difference, %, signed), ASD (average symmetric surface distance)
and MSD (maximum symmetric surface distance); the last two in mm where the spacing is known, in
pixels otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Distances = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MaskAgreement:
    """A mask that was found against the reference.

    Attributes
    ----------
    dice : 0…1
    voe : %, 0 when the masks are the same, 100 when they have nothing in common
    rvd : %, positive when too much was found; None when the reference is empty and the other is
        not, because nothing can be related to an empty reference
    asd, msd : in the unit of the spacing; None when one mask is empty and has no surface
    """

    dice: float
    voe: float
    rvd: float | None
    asd: float | None
    msd: float | None
    found_empty: bool
    reference_empty: bool


def surface(mask: Mask) -> Mask:
    """Elements of a mask that have a neighbour outside it; beyond the array is outside.

    Neighbours share a face or an edge, as in SLIVER07: 18 in space, and 8 in a slice.
    """
    structure = ndimage.generate_binary_structure(mask.ndim, 2)
    inner: Mask = ndimage.binary_erosion(mask, structure, border_value=0)
    return mask & ~inner


def surface_distances(
    found: Mask, reference: Mask, spacing: Sequence[float] | None = None
) -> tuple[Distances, Distances]:
    """Distance of each surface element of one mask to the nearest of the other, both ways.

    Parameters
    ----------
    found, reference : same shape, neither empty
    spacing : distance between neighbours along each axis, in mm; None for 1 (pixels)

    Returns
    -------
    Distances from `found` to `reference`, and from `reference` to `found`; between centres.
    """
    window = _bounding_box(found | reference)
    edge, other = surface(found)[window], surface(reference)[window]
    to_other = ndimage.distance_transform_edt(~other, sampling=spacing)
    to_edge = ndimage.distance_transform_edt(~edge, sampling=spacing)
    return to_other[edge], to_edge[other]


def _bounding_box(mask: Mask) -> tuple[slice, ...]:
    """The smallest window that holds a mask: distances need no more, and it is faster."""
    return ndimage.find_objects(mask.astype(np.uint8))[0]


def _dice(found: int, reference: int, both: int) -> float:
    return 2.0 * both / (found + reference) if found + reference else 1.0


def agreement(
    found: Mask, reference: Mask, spacing: Sequence[float] | None = None
) -> MaskAgreement:
    """Compare a mask with its reference.

    Two empty masks agree fully: Dice 1, and no error of any kind. When one is empty Dice is 0,
    the overlap error 100 %, and there are no distances.

    Parameters
    ----------
    found, reference : same shape, in two or three dimensions
    spacing : distance between neighbours along each axis, in mm; None for pixels

    Raises
    ------
    ValueError
        The shapes differ.
    """
    if found.shape != reference.shape:
        raise ValueError(f"masks of {found.shape} and {reference.shape} cannot be compared")
    sizes = int(np.count_nonzero(found)), int(np.count_nonzero(reference))
    both = int(np.count_nonzero(found & reference))
    either = sum(sizes) - both
    if either == 0:
        return MaskAgreement(1.0, 0.0, 0.0, 0.0, 0.0, True, True)
    rvd = 100.0 * (sizes[0] - sizes[1]) / sizes[1] if sizes[1] else None
    asd: float | None = None
    msd: float | None = None
    if all(sizes):
        distances = np.concatenate(surface_distances(found, reference, spacing))
        asd, msd = float(distances.mean()), float(distances.max())
    return MaskAgreement(
        dice=_dice(*sizes, both),
        voe=100.0 * (1.0 - both / either),
        rvd=rvd,
        asd=asd,
        msd=msd,
        found_empty=sizes[0] == 0,
        reference_empty=sizes[1] == 0,
    )
