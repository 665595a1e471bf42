"""Read a score output: its column, how slices become a study, and its calibration."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

from models.declared.codes import read_optional_code
from models.declared.outputs.kinds import (
    CalibrationKind,
    Combination,
    OutputTensor,
    ScoreCalibration,
    ScoreOutput,
)
from models.declared.section import DeclarationTable

_MOST_COLUMNS: Final = 4096


def read_column(entry: DeclarationTable) -> int:
    """Which column of a tensor it is, from 0."""
    return entry.integer("column", 0, _MOST_COLUMNS - 1) if entry.has("column") else 0


def read_score(entry: DeclarationTable, answer: OutputTensor, *, combined: bool) -> ScoreOutput:
    """A score of the study, which is `combined`, or of each slice."""
    combination = entry.choice("combine", Combination) if combined else None
    return ScoreOutput(
        answer=answer,
        column=read_column(entry),
        concept=read_optional_code(entry, "code"),
        calibration=(
            _read_calibration(entry.section("calibration")) if entry.has("calibration") else None
        ),
        combination=combination,
        highest=(
            entry.integer("highest", 1, 10_000) if combination is Combination.MEAN_OF_HIGHEST else 0
        ),
    )


def _read_calibration(section: DeclarationTable) -> ScoreCalibration:
    kind = section.choice("kind", CalibrationKind)
    if kind is CalibrationKind.TEMPERATURE:
        calibration = ScoreCalibration(kind, slope=1.0 / section.number("temperature", 0.01, 100.0))
    elif kind is CalibrationKind.PLATT:
        calibration = ScoreCalibration(
            kind,
            slope=section.number("slope", -1000.0, 1000.0),
            intercept=section.number("intercept", -1000.0, 1000.0),
        )
    else:
        calibration = _read_points(section)
    section.close()
    return calibration


def _read_points(section: DeclarationTable) -> ScoreCalibration:
    given = section.numbers("given", 0.0, 1.0)
    meant = section.numbers("meant", 0.0, 1.0, count=len(given))
    if len(given) < 2:
        raise section.problem("given", "two points are needed", "Give the scores 0 and 1 too.")
    for key, values in (("given", given), ("meant", meant)):
        if any(later < earlier for earlier, later in pairwise(values)):
            raise section.problem(key, "it falls", "Write the points in rising order.")
    if any(math.isclose(one, two) for one, two in pairwise(given)):
        raise section.problem("given", "two scores are the same", "Leave one point out.")
    return ScoreCalibration(CalibrationKind.POINTS, given=given, meant=meant)
