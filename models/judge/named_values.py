"""What a person reads of a value that rules and gates compare: its name, an amount, its unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from models.declared.measurements import DeclaredMeasurement, MeasurementKind
from models.declared.outputs.kinds import Outputs
from models.measure.concepts import USUAL
from radiology.unit_words import unit_words

PHRASES: Final = {
    MeasurementKind.VOLUME: "volume of {of}",
    MeasurementKind.SHARE: "share of {of}",
    MeasurementKind.MEAN_HU: "mean attenuation of {of}",
    MeasurementKind.DEVIATION_HU: "deviation of attenuation of {of}",
    MeasurementKind.COUNT: "number of parts of {of}",
    MeasurementKind.LARGEST_VOLUME: "largest volume of {of}",
    MeasurementKind.LARGEST_DIAMETER: "largest diameter of {of}",
    MeasurementKind.SLICES: "slices with {of}",
    MeasurementKind.SCORE: "score of {score}",
    MeasurementKind.HIGHEST_SLICE_SCORE: "highest score of a slice, {score}",
    MeasurementKind.SLICES_ABOVE: "slices of a score of {threshold:g} or more, {score}",
}
"""How a measurement without a concept of its own is called, as part of a sentence."""
_MOST_DIGITS: Final = 10_000.0  # from here on four digits would need an exponent


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A measurement or score as it is told.

    Attributes
    ----------
    title : as part of a sentence
    unit : as a person reads it; empty for a number without one
    """

    title: str
    unit: str = ""

    def amount(self, value: float) -> str:
        """A figure with its unit."""
        figure = f"{value:.4g}" if abs(value) < _MOST_DIGITS else f"{value:.0f}"
        return f"{figure} {self.unit}".rstrip()

    def seen(self, value: float | None) -> str:
        """What was measured, by its name."""
        return f"{self.title} {'not measured' if value is None else self.amount(value)}"

    def limit(self, comparison: str, limit: float) -> str:
        """What is asked for; a limit is written as it was declared."""
        return f"{comparison.replace('_', ' ')} {limit:g} {self.unit}".rstrip()


def named_values(
    measurements: Mapping[str, DeclaredMeasurement],
    outputs: Outputs,
    regions: Mapping[str, str],
    others: Iterable[str] = (),
) -> dict[str, NamedValue]:
    """Every value that a rule may name, by that name.

    Parameters
    ----------
    regions : what a reader sees of each region, by its declared name
    others : names of values that an entry point adds; no unit is declared of them
    """
    found = {name: NamedValue(_words(name)) for name in others}
    for name, score in outputs.study_scores.items():
        found[name] = NamedValue(score.concept.meaning if score.concept else _words(name))
    for name, one in measurements.items():
        of = " and ".join(regions[region] for region in one.of)
        phrase = PHRASES[one.kind].format(of=of, score=_words(one.score), threshold=one.threshold)
        title = one.concept.meaning if one.concept else phrase
        found[name] = NamedValue(title, unit_words(USUAL[one.kind].unit))
    return found


def _words(name: str) -> str:
    return name.replace("_", " ")
