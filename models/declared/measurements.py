"""What a schema 3 bundle measures on regions and scores."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.declared.codes import read_optional_code
from models.declared.inputs import NAME
from models.declared.outputs.kinds import Outputs
from models.declared.section import DeclarationTable, listing, nearest
from radiology.codes import Code


class MeasurementKind(StrEnum):
    """What can be measured."""

    VOLUME = "volume"
    SHARE = "share"
    MEAN_HU = "mean-hu"
    DEVIATION_HU = "deviation-hu"
    COUNT = "count"
    LARGEST_VOLUME = "largest-volume"
    LARGEST_DIAMETER = "largest-diameter"
    SLICES = "slices"
    SCORE = "score"
    HIGHEST_SLICE_SCORE = "highest-slice-score"
    SLICES_ABOVE = "slices-above"


OF_SCORES: Final = frozenset(
    {MeasurementKind.SCORE, MeasurementKind.HIGHEST_SLICE_SCORE, MeasurementKind.SLICES_ABOVE}
)


@dataclass(frozen=True, slots=True)
class DeclaredMeasurement:
    """One measurement.

    Attributes
    ----------
    of : regions, measured together; empty for a measurement of a score
    within : of a share: the regions that it is a share of
    score : of which output
    threshold : of "slices-above": from this score on a slice counts
    concept : None for the usual one of the kind
    normal : lowest and highest usual value, where there are such
    """

    name: str
    kind: MeasurementKind
    of: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    score: str = ""
    threshold: float = 0.0
    concept: Code | None = None
    normal: tuple[float, float] | None = None


def read_measurements(
    section: DeclarationTable, outputs: Outputs
) -> dict[str, DeclaredMeasurement]:
    """Read `measurements`; rules name them, so no two share a name, nor one with a study score."""
    found: dict[str, DeclaredMeasurement] = {}
    for entry in section.sections("measurements"):
        measurement = _read_measurement(entry, outputs)
        if measurement.name in found or measurement.name in outputs.study_scores:
            raise entry.problem(
                "name", f'another measurement or score is named "{measurement.name}"', "Rename one."
            )
        found[measurement.name] = measurement
        entry.close()
    return found


def _read_measurement(entry: DeclarationTable, outputs: Outputs) -> DeclaredMeasurement:
    name = entry.text("name")
    if not NAME.fullmatch(name):
        raise entry.problem("name", f'"{name}" is no name', "Use small letters, digits and _.")
    kind = entry.choice("kind", MeasurementKind)
    of_score, share = kind in OF_SCORES, kind is MeasurementKind.SHARE
    return DeclaredMeasurement(
        name=name,
        kind=kind,
        of=() if of_score else read_regions(entry, "of", outputs),
        within=read_regions(entry, "within", outputs) if share else (),
        score=_read_score(entry, kind, outputs) if of_score else "",
        threshold=(
            entry.number("threshold", 0.0, 1.0) if kind is MeasurementKind.SLICES_ABOVE else 0.0
        ),
        concept=read_optional_code(entry, "code"),
        normal=_read_normal(entry) if entry.has("normal") else None,
    )


def read_regions(entry: DeclarationTable, key: str, outputs: Outputs) -> tuple[str, ...]:
    """Read a list of regions, one or more, each of which some output makes."""
    names = entry.texts(key, least=1)
    for name in names:
        require(entry, key, name, outputs.regions, "region")
    return names


def require(
    entry: DeclarationTable,
    key: str,
    name: str,
    known: Collection[str] | Mapping[str, object],
    noun: str,
) -> None:
    """Refuse a name that nothing has."""
    if name not in known:
        cure = f"{nearest(name, known)}There is {listing(known)}."
        raise entry.problem(key, f'there is no {noun} "{name}"', cure)


def _read_score(entry: DeclarationTable, kind: MeasurementKind, outputs: Outputs) -> str:
    name = entry.text("score")
    of_study = kind is MeasurementKind.SCORE
    known = outputs.study_scores if of_study else outputs.slice_scores
    require(entry, "score", name, known, "study-score" if of_study else "slice-score")
    return name


def _read_normal(entry: DeclarationTable) -> tuple[float, float]:
    low, high = entry.numbers("normal", -1e6, 1e6, count=2)
    if low > high:
        raise entry.problem("normal", "it is empty", "Write the lower limit first.")
    return low, high
