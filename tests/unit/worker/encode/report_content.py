"""The parts of a report of TID 1500, by the meaning of their concept names."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom import Dataset

from worker.encode import encode_measurement_report
from worker.encode.derived_object import ResultContext


def report_of(context: ResultContext) -> Dataset:
    made = encode_measurement_report(context)
    assert made is not None
    return made


def groups_of(report: Dataset) -> dict[str, Dataset]:
    """Measurement groups by their tracking identifier."""
    (measurements,) = items(report, "Imaging Measurements")
    groups = items(measurements, "Measurement Group")
    return {items(group, "Tracking Identifier")[0].TextValue: group for group in groups}


def items(parent: Dataset, meaning: str) -> list[Dataset]:
    return [one for one in parent.ContentSequence if name(one) == meaning]


def name(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


def of_type(parent: Dataset, value_type: str) -> list[Dataset]:
    return [one for one in parent.get("ContentSequence", ()) if one.ValueType == value_type]


def descendants(item: Dataset) -> Iterator[Dataset]:
    for child in item.get("ContentSequence", ()):
        yield child
        yield from descendants(child)


def figures(group: Dataset) -> dict[str, float]:
    return {
        name(item): float(item.MeasuredValueSequence[0].NumericValue)
        for item in of_type(group, "NUM")
    }


def comments(report: Dataset) -> list[str]:
    (container,) = items(report, "Qualitative Evaluations")
    return [item.TextValue for item in container.ContentSequence]


def evaluations(group: Dataset) -> dict[str, str]:
    return {
        name(item): item.ConceptCodeSequence[0].CodeMeaning
        for item in of_type(group, "CODE")
        if name(item) in {"CAD Processing and Findings Summary", "Priority", "Quality Assessment"}
    }
