"""Apply the quality gates of a bundle, and those that every bundle has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from models.declared.gates import DeclaredGate, GateAction, GateCheck
from models.judge.named_values import NamedValue
from models.measure.regions import Labelled, united
from radiology.image.volume import Volume
from radiology.outcome import GateSeverity, QualityGate
from radiology.region import volume_ml
from radiology.words.age import age_words

_ROUNDING_MM = 0.05  # positions are written with few decimals


@dataclass(frozen=True)
class Examined:
    """What gates look at.

    Attributes
    ----------
    labels : of the regions, on the grid of `volume`
    values : of measurements and study scores, by name
    age_years : of the patient at the time of the study; None where it is not stated
    finite : whether every answer of the networks was a number
    names : what a person reads of each of `values`
    """

    volume: Volume
    labels: Labelled
    values: Mapping[str, float | None]
    age_years: float | None
    finite: bool
    names: Mapping[str, NamedValue]


def refuses(gates: Iterable[QualityGate]) -> bool:
    """Whether a gate makes the reading not assessable."""
    return any(not gate.passed and gate.severity is GateSeverity.REFUSES for gate in gates)


def apply_gates(declared: Iterable[DeclaredGate], examined: Examined) -> tuple[QualityGate, ...]:
    """Every gate, passed or not; that answers are numbers is asked of every bundle."""
    numbers = QualityGate(
        name="answers are numbers",
        passed=examined.finite,
        seen="all" if examined.finite else "some are not",
        limit="all",
        reason="" if examined.finite else "The network's answers are not all numbers.",
    )
    return (numbers, *(_apply(gate, examined) for gate in declared))


def _apply(gate: DeclaredGate, examined: Examined) -> QualityGate:
    if gate.check is GateCheck.MEASUREMENT:
        return _measured(gate, examined)
    value, unit, at_least, reason = _look(gate, examined)
    limit = f"{'at least' if at_least else 'at most'} {gate.limit:g} {unit}".rstrip()
    if value is None:
        return _gate(gate, True, "not stated", limit, reason)
    passed = value >= gate.limit if at_least else value <= gate.limit + _ROUNDING_MM
    is_age = gate.check is GateCheck.LEAST_AGE
    seen = age_words(value) if is_age else f"{value:.4g} {unit}".rstrip()
    return _gate(gate, passed, seen, limit, reason)


def _look(gate: DeclaredGate, examined: Examined) -> tuple[float | None, str, bool, str]:
    """What a check sees, its unit, whether more is better, and the usual reason."""
    volume = examined.volume
    slice_mm, row_mm, column_mm = volume.spacing_mm
    if gate.check is GateCheck.LEAST_SLICES:
        return volume.shape[0], "slices", True, "The series has too few slices."
    if gate.check is GateCheck.MOST_SLICE_SPACING:
        return slice_mm, "mm", False, "The slices lie too far apart."
    if gate.check is GateCheck.MOST_PIXEL_SPACING:
        return max(row_mm, column_mm), "mm", False, "The pixels are too coarse."
    if gate.check is GateCheck.LEAST_LENGTH:
        return slice_mm * volume.shape[0], "mm", True, "The series covers too little."
    if gate.check is GateCheck.LEAST_AGE:
        return examined.age_years, "years", True, "The patient is younger than the model is for."
    found = volume_ml(united(examined.labels, gate.regions), volume)
    return found, "ml", True, "Too little was found of what is asked for."


def _measured(gate: DeclaredGate, examined: Examined) -> QualityGate:
    condition = gate.condition
    assert condition is not None
    seen, name = examined.values.get(condition.value), examined.names[condition.value]
    return _gate(
        gate,
        passed=seen is not None and condition.holds(seen),
        seen=name.seen(seen),
        limit=name.limit(condition.comparison, condition.limit),
        reason=gate.reason,
    )


def _gate(gate: DeclaredGate, passed: bool, seen: str, limit: str, reason: str) -> QualityGate:
    about = gate.regions or ((gate.condition.value,) if gate.condition else ())
    name = gate.check.replace("-", " ")
    refusing = gate.action is GateAction.REFUSE
    return QualityGate(
        name=f"{name}: {', '.join(about)}" if about else name,
        passed=passed,
        seen=seen,
        limit=limit,
        reason="" if passed else gate.reason or reason,
        severity=GateSeverity.REFUSES if refusing else GateSeverity.WARNS,
    )
