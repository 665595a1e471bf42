"""Measurement groups as the table that pictures and pages show."""

from __future__ import annotations

from collections.abc import Sequence

from models.measure.concepts import USUAL
from radiology.answer.finding import Finding
from radiology.answer.measurement import Measurement, MeasurementGroup
from radiology.answer.table import Table, TableColumn, TableRow
from radiology.codes import ABNORMAL_STRUCTURE, Code
from radiology.unit_words import unit_words

_Figure = tuple[Code, Code | None, Code]
"""Concept, derivation and unit: what a column is of."""

_MOST_DECIMALS = 3
_TITLES = {(one.concept, one.derivation): one.title for one in USUAL.values()}


def tabulate(
    groups: Sequence[MeasurementGroup], findings: Sequence[Finding], *, claimed: bool
) -> Table:
    """A row for each thing with measurements, a column for each figure of it.

    Groups of one name are about one thing, and share a row.

    Parameters
    ----------
    findings : of the reading; their groups are findings too, whatever their category
    claimed : whether the reading claims findings; without that, what is measured of them has no
        row
    """
    carried = {name for one in findings for name in one.groups}
    told: list[tuple[MeasurementGroup, bool]] = []
    for group in groups:
        of_finding = group.category == ABNORMAL_STRUCTURE or group.name in carried
        if group.measurements and (claimed or not of_finding):
            told.append((group, of_finding))
    columns: dict[_Figure, TableColumn] = {}
    for group, of_finding in told:
        for measurement in group.measurements:
            made = _column(measurement, of_finding=of_finding)
            known = columns.setdefault(_figure(measurement), made)
            columns[_figure(measurement)] = TableColumn(
                known.title,
                known.unit,
                max(known.decimals, made.decimals),
                known.of_findings and of_finding,
            )
    figures: dict[str, dict[_Figure, float]] = {}
    for group, _ in told:
        row = figures.setdefault(group.name, {})
        for measurement in group.measurements:
            row.setdefault(_figure(measurement), float(measurement.value))
    rows = (TableRow(name, tuple(map(row.get, columns))) for name, row in figures.items())
    return Table(tuple(columns.values()), tuple(rows))


def _figure(measurement: Measurement) -> _Figure:
    return measurement.concept, measurement.derivation, measurement.unit


def _column(measurement: Measurement, *, of_finding: bool) -> TableColumn:
    title = _TITLES.get((measurement.concept, measurement.derivation), measurement.concept.meaning)
    decimals = 0 if isinstance(measurement.value, int) else measurement.decimals
    return TableColumn(
        title,
        _printed(measurement.unit),
        _MOST_DECIMALS if decimals is None else decimals,
        of_finding,
    )


def _printed(unit: Code) -> str:
    """A unit as people write it; nothing for counts, whose column says what is counted."""
    return "" if unit.value.startswith("{") else unit_words(unit)
