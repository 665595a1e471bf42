"""What a bundle declares of the way from slices to a case (docs/case-level.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from models.declared.section import DeclarationTable


class CaseRule(StrEnum):
    """The published ways from slices to a case."""

    LESION_SHARE = "lesion_share"
    CONSECUTIVE_SLICES = "consecutive_slices"
    POSITIVE_SLICES = "positive_slices"
    MAXIMUM = "maximum"


@dataclass(frozen=True)
class OperatingPoint:
    """From the value of the chosen rule to a suspicion score, and when it is suspected.

    The score is logistic in the decimal logarithm of the value (of the rule "lesion_share": the
    lesions' share of the lungs in percent), so it is 0.5 at `even_share_percent`.
    """

    even_share_percent: float
    slope: float
    suspicion_threshold: float

    def suspicion(self, lesion_share_percent: float) -> float:
        """Score from 0 to 1 for a lesion share from 0 to 100 %."""
        floor = 1e-3  # percent; below it all shares are alike
        decades = math.log10(max(lesion_share_percent, floor) / self.even_share_percent)
        return 1.0 / (1.0 + math.exp(-self.slope * decades))

    @property
    def least_value(self) -> float:
        """The rule's value from which on the study is suspected: `suspicion` turned around."""
        threshold = min(max(self.suspicion_threshold, 1e-9), 1.0 - 1e-9)
        decades = math.log(threshold / (1.0 - threshold)) / self.slope
        return float(self.even_share_percent * 10.0**decades)


@dataclass(frozen=True)
class ViralLimits:
    """When the viral pattern is suspected; probabilities.

    Attributes
    ----------
    low : below it, not suspected
    high : from it on, suspected; between the two, undetermined
    greatest_spread : of the answers on the same slice; above it, undetermined
    """

    low: float
    high: float
    greatest_spread: float


@dataclass(frozen=True)
class CaseDeclaration:
    """The rule that suspicion follows, its operating point, and the limits of the type.

    Attributes
    ----------
    viral : None exactly when the bundle has no classifier
    """

    rule: CaseRule
    point: OperatingPoint
    viral: ViralLimits | None


def read_operating_point(section: DeclarationTable) -> OperatingPoint:
    """Take an operating point's keys from a section."""
    return OperatingPoint(
        even_share_percent=section.number("even_share_percent", 1e-3, 100.0),
        slope=section.number("slope", 0.01, 100.0),
        suspicion_threshold=section.number("suspicion_threshold", 0.0, 1.0),
    )


def _read_viral_limits(section: DeclarationTable) -> ViralLimits:
    limits = ViralLimits(
        low=section.number("viral_low", 0.0, 1.0),
        high=section.number("viral_high", 0.0, 1.0),
        greatest_spread=section.number("greatest_spread", 0.0, 1.0),
    )
    if limits.low > limits.high:
        raise section.problem(
            "viral_low", "the limits are the wrong way round", "Write the lower one here."
        )
    return limits


def read_case(section: DeclarationTable, *, classified: bool) -> CaseDeclaration:
    """Read `case`; the limits of the viral pattern belong there exactly with a classifier."""
    case = CaseDeclaration(
        rule=section.choice("rule", CaseRule),
        point=read_operating_point(section),
        viral=_read_viral_limits(section) if classified else None,
    )
    section.close()
    return case
