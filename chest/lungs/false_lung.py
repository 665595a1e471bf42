"""Distinguishes lung from gas and stool in the abdomen, and from room air.

A network that reads slice by slice takes bowel under the diaphragm for lung now and then: it is
dark, and it lies where lung lies a slice higher. What gives it away is what it holds: pure gas,
which lung does not reach, or gas beside stool, where lung has at most one of them. Room air beside
the patient, where the table's edge crosses it, looks like lung too; it also reaches the picture's
edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.connected import Masks, at_edge_of_slice, parts, parts_by_slice
from radiology.region import box_around, pixels_by_slice

GAS_BELOW_HU = -950.0  # trachea, stomach, colon; inflated lung lies at −860
SOFT_ABOVE_HU = -500.0  # stool, vessels, disease
LARGEST_SHARE = 0.12  # of the largest lung cross-section; above it, it may be emphysema
_MOSTLY_GAS = 0.5  # of a cross-section; lung with the worst emphysema stays below
# Of a small cross-section at the picture's edge: the table takes its part of the room air there.
_MUCH_GAS = 0.25
# Of all small cross-sections that hang together. The colon under the left lung of a patient:
# 0.04 and 0.54; tips of the lungs of two patients: at most 0.02 and 0.09.
_SOME_GAS, _MUCH_SOFT = 0.02, 0.3


@dataclass(frozen=True)
class Attenuation:
    """A stack of slices as the network sees them.

    Attributes
    ----------
    scaled : 0…1, shape (slices, rows, columns)
    low_hu, high_hu : what 0 and 1 stand for
    """

    scaled: NDArray[np.float32]
    low_hu: float
    high_hu: float

    @property
    def hounsfield(self) -> NDArray[np.float32]:
        """In HU, held between the limits of the window."""
        hu: NDArray[np.float32] = self.scaled * np.float32(self.high_hu - self.low_hu)
        hu += np.float32(self.low_hu)
        return hu

    def below(self, hounsfield: float) -> Masks:
        """Where it is below a number of HU."""
        below: Masks = self.scaled < (hounsfield - self.low_hu) / (self.high_hu - self.low_hu)
        return below


def without_false_lung(mask: Masks, attenuation: Attenuation) -> Masks:
    """Drop what is bowel or room air by what it holds.

    Parameters
    ----------
    mask : of lung as the network sees it, shape (slices, rows, columns)

    Returns
    -------
    The mask without cross-sections that are mostly gas, if they are small or reach the picture's
    edge; without those that are both and hold much gas; and without stacks of small cross-sections
    that hold gas beside something soft.
    """
    box = box_around(mask)
    if box is None:
        return mask
    kept = np.zeros_like(mask)
    # With what lies beside it: what reaches the edge of this window reaches that of the picture.
    window = tuple(slice(max(one.start - 1, 0), one.stop + 1) for one in box)
    seen = Attenuation(attenuation.scaled[window], attenuation.low_hu, attenuation.high_hu)
    kept[window] = _without(mask[window], seen)
    return kept


def _without(mask: Masks, attenuation: Attenuation) -> Masks:
    gas = attenuation.below(GAS_BELOW_HU)
    labels, sizes = parts_by_slice(mask)
    at = np.flatnonzero(mask)
    names = labels.ravel()[at]
    empty = np.bincount(names[gas.ravel()[at]], minlength=sizes.size)
    small = sizes <= LARGEST_SHARE * pixels_by_slice(mask).max(initial=0)
    at_edge = at_edge_of_slice(labels, sizes.size - 1)
    dropped = (small | at_edge) & (empty > _MOSTLY_GAS * sizes)
    dropped |= small & at_edge & (empty > _MUCH_GAS * sizes)
    dropped[0] = False
    small[0] = False
    kept: Masks = mask & ~dropped[labels]
    islands: Masks = kept & small[labels]
    box = box_around(islands)
    if box is not None:
        soft = ~attenuation.below(SOFT_ABOVE_HU)[box]
        kept[box] &= ~_gas_and_soft(islands[box], gas[box], soft)
    return kept


def _gas_and_soft(islands: Masks, gas: Masks, soft: Masks) -> Masks:
    """The islands that hold some gas and much that is soft."""
    labels, counts = parts(islands, 26)
    size = counts.size
    at = np.flatnonzero(islands)
    names = labels.ravel()[at]
    shares = [
        np.bincount(names[where.ravel()[at]], minlength=size) / np.maximum(counts, 1)
        for where in (gas, soft)
    ]
    both = (shares[0] >= _SOME_GAS) & (shares[1] >= _MUCH_SOFT)
    both[0] = False
    found: Masks = both[labels]
    return found
