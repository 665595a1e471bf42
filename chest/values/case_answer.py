"""The answer for a study as a whole, from its slices and masks: type, rules, confidence.

Defined in docs/case-level.md.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from models.schema_2.case import CaseRule
from models.schema_2.sign import Sign


class PneumoniaType(StrEnum):
    """Whether a pneumonia looks like a viral one. "Undetermined" is an answer."""

    VIRAL_SUSPECTED = "viral_suspected"
    NOT_SUSPECTED = "not_suspected"
    UNDETERMINED = "undetermined"

    @property
    def words(self) -> str:
        """What a reader sees."""
        return _TYPE_WORDS[self]


_TYPE_WORDS = {
    PneumoniaType.VIRAL_SUSPECTED: "viral pattern suspected",
    PneumoniaType.NOT_SUSPECTED: "viral pattern not suspected",
    PneumoniaType.UNDETERMINED: "undetermined",
}
LABEL_WORDS: Final = {kind.value: kind.words for kind in PneumoniaType}
"""What a reader sees for each label of a finding; named by `models.schema_2.rows`."""


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """What one rule saw and what it says.

    Attributes
    ----------
    value, limit : in `unit`; at or above the limit the rule says "suspected"
    chosen : whether this is the rule that the study's answer follows
    """

    rule: CaseRule
    value: float
    limit: float
    unit: str
    chosen: bool

    @property
    def suspected(self) -> bool:
        """Whether the rule would call the study suspected."""
        return self.value >= self.limit

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "rule": self.rule.value, "suspected": self.suspected}


@dataclass(frozen=True, slots=True)
class SignAnswer:
    """How probable it is that a study shows a sign; at or above the threshold it is said to."""

    sign: Sign
    probability: float
    threshold: float

    @property
    def present(self) -> bool:
        """Whether the sign is said to be there."""
        return self.probability >= self.threshold

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "sign": self.sign.value, "present": self.present}


@dataclass(frozen=True, slots=True)
class ViralAnswer:
    """What the type of a pneumonia was decided from.

    Attributes
    ----------
    probability : mean over the slices with lesions that were classified; None where there were none
    spread : mean of the standard deviations of each slice's answers; None likewise
    low, high, greatest_spread : the bundle's limits
    slices : how many there were
    """

    type: PneumoniaType
    probability: float | None
    spread: float | None
    low: float
    high: float
    greatest_spread: float
    slices: int

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "type": self.type.value}


class ConfidenceWord(StrEnum):
    """A confidence as a reader sees it."""

    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Confidence:
    """How firmly an answer stands, 0 to 1; not a probability that it is right."""

    value: float
    word: ConfidenceWord

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {"value": self.value, "word": self.word.value}
