"""The urgency of a chest: a table of rules, read from the top; the first rule that holds decides.

What each row saw is kept with the result, so that the page can say of every study which rule
decided, and by how much the others missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chest.values.course import growth_percent
from chest.values.figures import LungFigures, Side
from chest.values.reading import ChestReading
from radiology.outcome import Outcome
from radiology.urgency import RuleSeen, Triage, Urgency

# MosMed scale (Morozov et al. 2020, arXiv:2005.06465): CT-2 begins at 25 % of the parenchyma.
# Applied to the worse lung, so that one badly affected lung is not averaged away.
_CT_2_SHARE_PERCENT = 25.0


@dataclass(frozen=True, slots=True)
class UrgencyRule:
    """One row of the table: an urgency, and what must hold for it.

    `seen` is what the row looked at in a reading, `limit` what it asks for: both for a person.
    """

    name: str
    urgency: Urgency
    holds: Callable[[ChestReading], bool]
    seen: Callable[[ChestReading], str]
    limit: str


def _worse_lung_share_percent(reading: ChestReading) -> float:
    sides = (reading.figures.get(Side.RIGHT), reading.figures.get(Side.LEFT))
    return max((side.lesion_share_percent for side in sides if side is not None), default=0.0)


def _consolidated_share_percent(reading: ChestReading) -> float:
    total: LungFigures | None = reading.figures.get(Side.TOTAL)
    if total is None or total.lung_volume_ml <= 0:
        return 0.0
    return 100.0 * total.consolidation_ml / total.lung_volume_ml


_CONSOLIDATED_SHARE_PERCENT = 10.0  # ours: half a lobe without air; no published limit was found

# National Health Commission of China, trial version 7 (3 March 2020): progress of more than 50 %
# within 24 to 48 hours is severe. Here faster is no less urgent, so there is no lower limit.
_GROWN_MORE_THAN_PERCENT, _WITHIN_HOURS = 50.0, 48.0
_GROWN_AT_LEAST_ML = 10.0  # ours: half of a small lesion is within what outlines differ by


def _grew_quickly(reading: ChestReading) -> bool:
    """Whether lesions grew by more than half since the latest CT, and that was not long ago."""
    points = () if reading.course is None else reading.course.points
    if len(points) < 2:
        return False
    then, now = points[-2], points[-1]
    growth = growth_percent(then, now)
    hours = (now.acquired_at - then.acquired_at).total_seconds() / 3600.0
    return (
        growth is not None
        and growth > _GROWN_MORE_THAN_PERCENT
        and hours <= _WITHIN_HOURS
        and now.lesion_volume_ml - then.lesion_volume_ml >= _GROWN_AT_LEAST_ML
    )


def _growth_seen(reading: ChestReading) -> str:
    points = () if reading.course is None else reading.course.points
    if len(points) < 2:
        return "no earlier CT to compare with"
    then, now = points[-2], points[-1]
    growth = growth_percent(then, now)
    hours = (now.acquired_at - then.acquired_at).total_seconds() / 3600.0
    added = now.lesion_volume_ml - then.lesion_volume_ml
    by = "no lesion before" if growth is None else f"{growth:+.0f} %"
    return f"{by}, {added:+.1f} ml in {hours:.0f} h"


def _suspicion_seen(reading: ChestReading) -> str:
    if reading.suspicion is None:
        return "no suspicion was computed"
    return f"{reading.suspicion:.2f}, threshold {reading.suspicion_threshold:.2f}"


RULES: tuple[UrgencyRule, ...] = (
    UrgencyRule(
        name=f"suspected, and lesions in {_CT_2_SHARE_PERCENT:g} % or more of the worse lung",
        urgency=Urgency.URGENT,
        holds=lambda reading: (
            reading.outcome is Outcome.FINDINGS
            and _worse_lung_share_percent(reading) >= _CT_2_SHARE_PERCENT
        ),
        seen=lambda reading: f"{_worse_lung_share_percent(reading):.1f} % of the worse lung",
        limit=f"suspected, and {_CT_2_SHARE_PERCENT:g} % or more",
    ),
    UrgencyRule(
        name=f"suspected, and {_CONSOLIDATED_SHARE_PERCENT:g} % or more of the lungs consolidated",
        urgency=Urgency.URGENT,
        holds=lambda reading: (
            reading.outcome is Outcome.FINDINGS
            and _consolidated_share_percent(reading) >= _CONSOLIDATED_SHARE_PERCENT
        ),
        seen=lambda reading: f"{_consolidated_share_percent(reading):.1f} % consolidated",
        limit=f"suspected, and {_CONSOLIDATED_SHARE_PERCENT:g} % or more",
    ),
    UrgencyRule(
        name=(
            f"suspected, and lesions grew by more than {_GROWN_MORE_THAN_PERCENT:g} % within "
            f"{_WITHIN_HOURS:g} h"
        ),
        urgency=Urgency.URGENT,
        holds=lambda reading: reading.outcome is Outcome.FINDINGS and _grew_quickly(reading),
        seen=_growth_seen,
        limit=(
            f"suspected, and more than {_GROWN_MORE_THAN_PERCENT:g} % and "
            f"{_GROWN_AT_LEAST_ML:g} ml or more within {_WITHIN_HOURS:g} h"
        ),
    ),
    UrgencyRule(
        name="suspicion at or above its threshold",
        urgency=Urgency.SUSPECTED,
        holds=lambda reading: reading.outcome is Outcome.FINDINGS,
        seen=_suspicion_seen,
        limit="at or above the threshold",
    ),
    UrgencyRule(
        name="suspicion below its threshold",
        urgency=Urgency.ROUTINE,
        holds=lambda reading: reading.outcome is Outcome.NO_FINDINGS,
        seen=_suspicion_seen,
        limit="below the threshold",
    ),
)


def rules_seen(reading: ChestReading) -> tuple[RuleSeen, ...]:
    """What every row of the table saw, held or not, in the order in which they are asked.

    Returns
    -------
    Empty for a reading that is not assessable: no rule is asked about it.
    """
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        return ()
    return tuple(
        RuleSeen(rule.name, rule.urgency, rule.holds(reading), rule.seen(reading), rule.limit)
        for rule in RULES
    )


def decided(rules: Iterable[RuleSeen]) -> RuleSeen | None:
    """The row that decides: the first one that held; None where no rule was asked."""
    return next((one for one in rules if one.held), None)


def triage_reading(reading: ChestReading) -> Triage | None:
    """Apply the table.

    Returns
    -------
    The urgency and the rule that decided it; None when the study is not assessable, which is no
    kind of routine.
    """
    rule = decided(rules_seen(reading))
    return None if rule is None else Triage(urgency=rule.urgency, rule=rule.name)
