"""The five lobes of the lungs, by the names that figures and scores use."""

from __future__ import annotations

from enum import StrEnum

from chest.values.figures import Side


class Lobe(StrEnum):
    """A lobe of a lung. A third of a lung's height is a zone, and never one of these."""

    RIGHT_UPPER_LOBE = "right_upper_lobe"
    RIGHT_MIDDLE_LOBE = "right_middle_lobe"
    RIGHT_LOWER_LOBE = "right_lower_lobe"
    LEFT_UPPER_LOBE = "left_upper_lobe"
    LEFT_LOWER_LOBE = "left_lower_lobe"

    @property
    def side(self) -> Side:
        """The lung that the lobe belongs to; the patient's right is right."""
        return Side.RIGHT if self.value.startswith("right") else Side.LEFT

    @property
    def words(self) -> str:
        """The name as a sentence writes it: "right upper lobe"."""
        return self.value.replace("_", " ")
