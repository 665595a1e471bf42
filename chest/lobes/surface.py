"""A fitted fissure: heights over its mean plane, and where that is in the lung."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chest.lobes.reduced_lung import ReducedLung
from chest.lobes.slab import Millimetres, Tilt

_BEYOND_MM = 60.0  # the mean plane ends at the lung; rows beside its ends still need a height


@dataclass(frozen=True)
class Surface:
    """Heights on the nodes of a slab.

    Attributes
    ----------
    aside_mm, along_mm : of the nodes
    height_mm : shape (aside, along)
    """

    tilt: Tilt
    aside_mm: Millimetres
    along_mm: Millimetres
    height_mm: Millimetres

    def up_mm(self, back_mm: Millimetres, aside_mm: Millimetres) -> Millimetres:
        """Height above the middle of the lung at places given from back and aside.

        Returns
        -------
        Shape (back, aside), mm.
        """
        over_nodes = np.stack([self._up_along(line, back_mm) for line in self.height_mm], axis=1)
        return over_nodes @ _linear_weights(self.aside_mm, aside_mm)

    def _up_along(self, heights_mm: Millimetres, back_mm: Millimetres) -> Millimetres:
        """One cut from front to back."""
        ends = np.array([-_BEYOND_MM, _BEYOND_MM])
        along = np.concatenate(
            [self.along_mm[:1] + ends[0], self.along_mm, self.along_mm[-1:] + ends[1]]
        )
        slopes = np.diff(heights_mm)[[0, -1]] / np.diff(self.along_mm)[[0, -1]]
        beyond = heights_mm[[0, -1]] + slopes * ends
        heights = np.concatenate([beyond[:1], heights_mm, beyond[1:]])
        up, back = self.tilt.up_back(along, heights)
        # Where the surface leans over backwards, its highest part stands for it.
        forward = np.maximum.accumulate(back + 1e-6 * np.arange(back.size))
        return np.interp(back_mm, forward, up)

    def slice_heights(
        self, lung: ReducedLung, rows: Millimetres, columns: Millimetres
    ) -> Millimetres:
        """Slice index of the surface, with fractions, over rows and columns.

        Parameters
        ----------
        lung : that the surface was found in
        rows, columns : voxel indices on the volume that the lung was reduced from

        Returns
        -------
        Shape (rows, columns); voxels with a smaller slice index lie below the surface.
        """
        back, aside = (
            (index - lung.first[axis]) / lung.step[axis] * lung.spacing_mm[axis]
            - lung.centre_mm[axis]
            for axis, index in ((1, rows), (2, columns))
        )
        reduced = (self.up_mm(back, aside) + lung.centre_mm[0]) / lung.spacing_mm[0]
        heights: Millimetres = lung.first[0] + reduced * lung.step[0]
        return heights


def _linear_weights(nodes: Millimetres, places: Millimetres) -> Millimetres:
    """Matrix (nodes, places) that interpolates linearly; beyond the ends the last value holds."""
    return np.stack([np.interp(places, nodes, unit) for unit in np.eye(nodes.size)])
