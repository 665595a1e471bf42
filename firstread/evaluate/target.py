"""What `firstread evaluate segmentation` can evaluate; apart, so that the help opens quickly."""

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
        """Whether it is one kind of lesion, which a mask without classes says nothing about."""
        return self in (Target.GROUND_GLASS, Target.CONSOLIDATION)
