"""Compares the ways from slices to a case at several limits, by studies that no network saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chest.values.case_answer import PneumoniaType
from evaluation.statistics.estimate import Estimate
from evaluation.statistics.proportion import proportion
from evaluation.statistics.receiver_operating import auc
from models.schema_2.case import CaseRule
from training.chest.read_cases import StudyValues

_Value = Callable[[StudyValues], float]
_RULES: Final[tuple[tuple[str, str, _Value, tuple[float, ...]], ...]] = (
    (
        "share of the lungs",
        "%",
        lambda one: one.values[CaseRule.LESION_SHARE],
        (0.1, 0.25, 0.35, 0.5, 0.75, 1.0, 2.0),
    ),
    ("largest lesion", "% of the lungs", lambda one: one.largest_percent, (0.1, 0.25, 0.5, 1.0)),
    (
        "slices in a row",
        "slices",
        lambda one: one.values[CaseRule.CONSECUTIVE_SLICES],
        (3.0, 5.0, 10.0, 20.0),
    ),
    (
        "positive slices",
        "% of slices",
        lambda one: one.values[CaseRule.POSITIVE_SLICES],
        (5.0, 10.0, 20.0),
    ),
    (
        "maximum",
        "% of a slice's lung",
        lambda one: one.values[CaseRule.MAXIMUM],
        (2.5, 5.0, 10.0),
    ),
)


# Below the limit of the bundle nothing is typed.
_TYPED_LIMITS: Final = (0.5, 1.0)


@dataclass(frozen=True)
class ComparedRule:
    """A rule at a limit, by what it says of all studies.

    Attributes
    ----------
    sensitivity, false_alarms : shares of the studies with pneumonia, and of the others
    area : under the ROC curve, over all limits; not defined where two things are asked
    """

    name: str
    sensitivity: Estimate
    false_alarms: Estimate
    area: Estimate


def compare_rules(cases: Sequence[StudyValues]) -> list[ComparedRule]:
    """Every rule at its limits, by the real studies; phantoms count in no figure.

    The last ones ask the network of scores as well: what it types as another pattern is no case.
    """
    real = [one for one in cases if one.real]
    compared = []
    for name, unit, value, limits in _RULES:
        seen = np.array([value(one) for one in real])
        compared += [
            replace(_said(f"{name}, from {limit:g} {unit}", real, seen >= limit), area=area)
            for area in [auc(np.array([one.diseased for one in real]), seen)]
            for limit in limits
        ]
    share = np.array([one.values[CaseRule.LESION_SHARE] for one in real])
    other = np.array([one.viral is PneumoniaType.NOT_SUSPECTED for one in real], dtype=bool)
    for limit in _TYPED_LIMITS:
        name = f"share of the lungs, from {limit:g} %, and not typed as another pattern"
        compared.append(_said(name, real, (share >= limit) & ~other))
    return compared


def _said(name: str, studies: Sequence[StudyValues], said: NDArray[np.bool_]) -> ComparedRule:
    truth = np.array([one.diseased for one in studies])
    return ComparedRule(
        name,
        proportion(int((said & truth).sum()), int(truth.sum())),
        proportion(int((said & ~truth).sum()), int((~truth).sum())),
        Estimate.undefined(),
    )


def tables_of(cases: Sequence[StudyValues], rules: Sequence[ComparedRule]) -> str:
    """Two tables as docs/case-level.md has them: the studies, then the rules."""
    heads = ("study", "share, %", "largest, %", "run, slices", "positive slices, %", "maximum, %")
    lines = [*_head((*heads, "pneumonia"))]
    for one in cases:
        figures = (
            f"{one.values[CaseRule.LESION_SHARE]:.2f}",
            f"{one.largest_percent:.2f}",
            f"{one.values[CaseRule.CONSECUTIVE_SLICES]:.0f}",
            f"{one.values[CaseRule.POSITIVE_SLICES]:.1f}",
            f"{one.values[CaseRule.MAXIMUM]:.2f}",
        )
        lines.append(_line((one.name, *figures, "yes" if one.diseased else "no")))
    lines += ["", *_head(("rule", "sensitivity", "false alarms in 100", "area under the curve"))]
    lines += [
        _line(
            (
                one.name,
                *(_told(each, 100.0) for each in (one.sensitivity, one.false_alarms)),
                _told(one.area, 1.0),
            )
        )
        for one in rules
    ]
    return "\n".join(lines)


def _head(names: Sequence[str]) -> tuple[str, str]:
    return _line(names), "|" + "---|" * len(names)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _told(estimate: Estimate, scale: float) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "–"
    digits = 0 if scale > 1.0 else 2
    low, value, high = (
        f"{scale * one:.{digits}f}" for one in (estimate.low, estimate.value, estimate.high)
    )
    return f"{value} [{low}, {high}]"
