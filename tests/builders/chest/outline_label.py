"""The numbers that the regions of a chest have in the slices that are kept for the page."""

from __future__ import annotations

from enum import IntEnum


class OutlineLabel(IntEnum):
    """What a voxel of a slice's outlines is."""

    NONE = 0
    RIGHT_LUNG = 1
    LEFT_LUNG = 2
    GROUND_GLASS = 3
    CONSOLIDATION = 4
