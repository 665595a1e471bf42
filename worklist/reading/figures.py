"""A stored reading as figures and sentences.

What `Reading.facts()` stored is read with care: a field that an older version did not write is
left out of the page, it does not break it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from database.views.worklist_facts import ResultFacts
from radiology.chest.figures import Side
from radiology.outcome import GateSeverity, Outcome
from worklist.words.translations import translated, translated_row

_NBSP = "\u00a0"  # keeps a figure and its unit on one line


@dataclass(frozen=True, slots=True)
class LungLine:
    """One line of the table of figures; None where the reading has no such figure."""

    side: Side
    lung_volume_ml: float | None
    lesion_volume_ml: float | None
    lesion_share_percent: float | None
    ground_glass_ml: float | None
    consolidation_ml: float | None
    lesion_mean_hu: float | None
    slices_involved: float | None


@dataclass(frozen=True, slots=True)
class GateLine:
    """A quality gate: what it saw and what it asks for; `warns` leaves the result standing."""

    name: str
    passed: bool
    warns: bool
    seen: str
    limit: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlgorithmLine:
    """Who claims it."""

    name: str
    version: str
    bundle_digest: str
    manufacturer: str


def lung_lines(reading: Mapping[str, Any]) -> tuple[LungLine, ...]:
    """The figures by side, the patient's right first, the total last."""
    figures = reading.get("figures") or {}
    return tuple(
        LungLine(
            side=side,
            lung_volume_ml=_number(figures[side.value].get("lung_volume_ml")),
            lesion_volume_ml=_number(figures[side.value].get("lesion_volume_ml")),
            lesion_share_percent=_number(figures[side.value].get("lesion_share_percent")),
            ground_glass_ml=_number(figures[side.value].get("ground_glass_ml")),
            consolidation_ml=_number(figures[side.value].get("consolidation_ml")),
            lesion_mean_hu=_number(figures[side.value].get("lesion_mean_hu")),
            slices_involved=_number(figures[side.value].get("slices_involved")),
        )
        for side in (Side.RIGHT, Side.LEFT, Side.TOTAL)
        if side.value in figures
    )


def gate_lines(reading: Mapping[str, Any]) -> tuple[GateLine, ...]:
    """The quality gates, those that refuse the study first, then those that warn of it."""
    lines = [
        GateLine(
            name=str(gate.get("name", "")),
            passed=bool(gate.get("passed", False)),
            warns=gate.get("severity") == GateSeverity.WARNS,
            seen=translated_row(str(gate.get("seen", ""))),
            limit=translated_row(str(gate.get("limit", ""))),
            reason=translated_row(str(gate.get("reason", ""))),
        )
        for gate in reading.get("gates") or ()
    ]
    return tuple(sorted(lines, key=lambda line: (line.passed, line.warns)))


def algorithm_line(reading: Mapping[str, Any]) -> AlgorithmLine:
    """Name, version and digest of the bundle that made the reading."""
    algorithm = reading.get("algorithm") or {}
    return AlgorithmLine(
        name=str(algorithm.get("name", "")),
        version=str(algorithm.get("version", "")),
        bundle_digest=str(algorithm.get("bundle_digest", "")),
        manufacturer=str(algorithm.get("manufacturer", "")),
    )


def suspicion_threshold(reading: Mapping[str, Any]) -> float | None:
    """At or above this a study is suspected."""
    return _number(reading.get("suspicion_threshold"))


def found_in_words(result: ResultFacts) -> tuple[str, ...]:
    """What was found, as short phrases for one line; empty when it could not be assessed."""
    return () if result.outcome is Outcome.NOT_ASSESSABLE else reading_in_words(result.reading)


def reading_in_words(reading: Mapping[str, Any]) -> tuple[str, ...]:
    """The same of a reading that could be assessed."""
    lines = {line.side: line for line in lung_lines(reading)}
    total = lines.get(Side.TOTAL)
    if total is None:
        return (translated("No figures"),)
    if not total.lesion_volume_ml:
        return (translated("No lesion found"),)
    phrases = [translated("Lesions %(share)s of lung", share=_share(total))]
    phrases += [
        f"{translated(side.value)}{_NBSP}{_share(lines[side])}"
        for side in (Side.RIGHT, Side.LEFT)
        if side in lines
    ]
    if total.ground_glass_ml is not None:
        ml = f"{total.ground_glass_ml:.0f}{_NBSP}ml"
        phrases.append(f"{translated('GGO')}{_NBSP}{ml}")
    if total.consolidation_ml is not None:
        ml = f"{total.consolidation_ml:.0f}{_NBSP}ml"
        phrases.append(f"{translated('consolidation')} {ml}")
    return tuple(phrases)


def lesion_share(reading: Mapping[str, Any]) -> str:
    """Share of both lungs that is lesion, with its unit; empty where nothing was measured."""
    total = {line.side: line for line in lung_lines(reading)}.get(Side.TOTAL)
    return "" if total is None else _share(total)


def _share(line: LungLine) -> str:
    share = line.lesion_share_percent
    if share is None:
        return f"–{_NBSP}%"
    if 0 < share < 0.05:
        return f"<{_NBSP}0.1{_NBSP}%"  # a little is not nothing
    return f"{share:.1f}{_NBSP}%"


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
