"""Measures the lung and the lesions in each territory."""

from __future__ import annotations

import numpy as np

from chest.values.regions import ChestRegions, LesionLabel
from chest.values.territory import Territories, TerritoryFigures
from radiology.image.volume import Volume


def measure_territories(
    volume: Volume, regions: ChestRegions, territories: Territories
) -> tuple[TerritoryFigures, ...]:
    """Measure every territory that the chest was divided into.

    Parameters
    ----------
    volume, regions, territories : on the same grid, in any orientation

    Returns
    -------
    In the order of `territories.names`; one for a territory without a voxel too.
    """
    size = max(territories.names, default=0) + 1
    voxels = np.zeros(size, dtype=np.int64)
    labels, lesions = territories.labels[regions.box], regions.lesions[regions.box]
    for label in labels:  # by slice: bincount makes an int64 of what it is given
        voxels += np.bincount(label.ravel(), minlength=size)
    at = np.nonzero(lesions)
    where, kinds = labels[at], lesions[at]
    hounsfield = np.bincount(where, weights=volume.hounsfield[regions.box][at], minlength=size)
    glass, solid = (
        np.bincount(where[kinds == kind], minlength=size)
        for kind in (LesionLabel.GROUND_GLASS, LesionLabel.CONSOLIDATION)
    )
    diseased = glass + solid
    voxel_ml = volume.voxel_ml
    return tuple(
        TerritoryFigures(
            territory=territory,
            volume_ml=int(voxels[value]) * voxel_ml,
            lesion_volume_ml=int(diseased[value]) * voxel_ml,
            ground_glass_ml=int(glass[value]) * voxel_ml,
            consolidation_ml=int(solid[value]) * voxel_ml,
            lesion_mean_hu=float(hounsfield[value] / diseased[value]) if diseased[value] else None,
        )
        for value, territory in territories.names.items()
    )
