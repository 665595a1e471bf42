"""A stored reading beyond its figures, in lines: type, signs, confidence, lobes, rules.

Like `worklist.reading.figures`, it reads with care: what an older version did not write is left
out. Severity has a module of its own, `worklist.reading.severity_lines`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from radiology.chest.case_answer import CaseRule
from radiology.chest.sign import Sign
from worklist.words.label_words import label_words
from worklist.words.translations import translated, translated_row

RULE_WORDS = {
    CaseRule.LESION_SHARE: "Lesion share of the lungs",
    CaseRule.CONSECUTIVE_SLICES: "Neighbouring slices with lesion in one quadrant",
    CaseRule.POSITIVE_SLICES: "Share of slices with lesion",
    CaseRule.MAXIMUM: "Largest lesion share of a slice",
}


@dataclass(frozen=True, slots=True)
class SignLine:
    """One sign with its probability."""

    words: str
    probability: float
    present: bool


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One published rule: what it saw, what it asks for, what it says."""

    words: str
    value: float
    limit: float
    unit: str
    suspected: bool
    chosen: bool


@dataclass(frozen=True, slots=True)
class TerritoryLine:
    """One lobe, or the zone that stands in where no fissure was seen."""

    name: str
    lesion_share_percent: float
    lesion_volume_ml: float
    volume_ml: float


@dataclass(frozen=True, slots=True)
class BoundaryLine:
    """One fissure that was looked for; `reason` says why it counts as not seen."""

    name: str
    confidence: float
    seen: bool
    reason: str


@dataclass(frozen=True, slots=True)
class CaseLines:
    """Everything of one reading; empty where the reading has none of it.

    Attributes
    ----------
    type_words : empty where no pneumonia is suspected or nothing was classified
    confidence : the word and the value
    warnings : reasons of gates that were not passed and left the result standing
    boundaries : every fissure that was looked for, seen or not
    """

    type_words: str
    viral_probability: float | None
    viral_spread: float | None
    confidence: tuple[str, float] | None
    signs: tuple[SignLine, ...]
    rules: tuple[RuleLine, ...]
    territories: tuple[TerritoryLine, ...]
    boundaries: tuple[BoundaryLine, ...]
    warnings: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Whether there is something to show."""
        return bool(self.confidence or self.signs or self.rules or self.territories)


def case_lines(reading: Mapping[str, Any]) -> CaseLines:
    """Read what `Reading.facts()` stored."""
    viral = reading.get("viral") or {}
    return CaseLines(
        type_words=label_words(viral.get("type") or ""),
        viral_probability=viral.get("probability"),
        viral_spread=viral.get("spread"),
        confidence=confidence_line(reading),
        signs=tuple(
            SignLine(
                translated(Sign(one["sign"]).words), float(one["probability"]), bool(one["present"])
            )
            for one in reading.get("signs") or ()
            if one.get("sign") in set(Sign)
        ),
        rules=tuple(_rule_line(one) for one in reading.get("rules") or ()),
        territories=tuple(_territory_line(one) for one in reading.get("territories") or ()),
        boundaries=tuple(
            BoundaryLine(
                name=translated(str(one["name"])),
                confidence=float(one["confidence"]),
                seen=bool(one["seen"]),
                reason=translated_row(str(one.get("reason", ""))),
            )
            for one in reading.get("boundaries") or ()
        ),
        warnings=tuple(
            translated_row(str(gate.get("reason", "")))
            for gate in reading.get("gates") or ()
            if gate.get("severity") == "warns" and not gate.get("passed", True)
        ),
    )


def has_heat(reading: Mapping[str, Any]) -> bool:
    """Whether there are heat maps, and so a picture with them."""
    return bool(reading.get("heat_maps"))


def confidence_line(reading: Mapping[str, Any]) -> tuple[str, float] | None:
    """The confidence in the outcome, as a word and its value."""
    confidence = reading.get("confidence") or {}
    if not confidence:
        return None
    return translated(str(confidence["word"])), float(confidence["value"])


def _rule_line(one: Mapping[str, Any]) -> RuleLine:
    name = str(one["rule"])
    return RuleLine(
        words=translated(RULE_WORDS[CaseRule(name)]) if name in set(CaseRule) else name,
        value=float(one["value"]),
        limit=float(one["limit"]),
        unit=translated(str(one["unit"])),
        suspected=bool(one["suspected"]),
        chosen=bool(one["chosen"]),
    )


def _territory_line(one: Mapping[str, Any]) -> TerritoryLine:
    return TerritoryLine(
        name=translated(str(one["territory"])),
        lesion_share_percent=float(one["lesion_share_percent"]),
        lesion_volume_ml=float(one["lesion_volume_ml"]),
        volume_ml=float(one["volume_ml"]),
    )
