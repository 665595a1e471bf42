"""The five signs of pneumonia that a slice is read for.

They are those of LA-DNN (Liu and others, "Online COVID-19 diagnosis with chest CT images:
lesion-attention deep neural networks", medRxiv 2020.05.11.20097907). The words are those of the
Fleischner Society's glossary (Hansell and others, Radiology 2008;246:697).
"""

from __future__ import annotations

from enum import StrEnum


class Sign(StrEnum):
    """What a radiologist would name in a slice."""

    GROUND_GLASS = "ground_glass"
    CONSOLIDATION = "consolidation"
    CRAZY_PAVING = "crazy_paving"
    AIR_BRONCHOGRAM = "air_bronchogram"
    SEPTAL_THICKENING = "septal_thickening"

    @property
    def words(self) -> str:
        """What a reader sees."""
        return _WORDS[self]


_WORDS = {
    Sign.GROUND_GLASS: "ground-glass opacity",
    Sign.CONSOLIDATION: "consolidation",
    Sign.CRAZY_PAVING: "crazy paving",
    Sign.AIR_BRONCHOGRAM: "air bronchogram",
    Sign.SEPTAL_THICKENING: "interlobular septal thickening",
}
