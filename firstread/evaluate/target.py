"""The targets of `firstread evaluate segmentation`, apart so that the help opens fast."""

from __future__ import annotations

from enum import StrEnum


class Target(StrEnum):
    """What is evaluated."""

    LESION = "lesion"
    LUNG = "lung"
    GROUND_GLASS = "ggo"
    CONSOLIDATION = "consolidation"

    @property
    def is_kind(self) -> bool:
        """Whether it is a kind of lesion, which a mask without classes does not tell."""
        return self in (Target.GROUND_GLASS, Target.CONSOLIDATION)
