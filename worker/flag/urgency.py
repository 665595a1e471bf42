"""How soon a radiologist should look: a table, read from the top, the first row that holds wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from radiology.course import growth_percent
from radiology.finding import LungFigures, Outcome, Reading, Side, Triage, Urgency

# MosMed scale (Morozov et al. 2020, arXiv:2005.06465): CT-2 begins at 25 % of the parenchyma.
# Applied to the worse lung, so that one badly affected lung is not averaged away.
_CT_2_SHARE_PERCENT = 25.0


@dataclass(frozen=True, slots=True)
class UrgencyRule:
    """One row of the table: an urgency, and what must hold for it."""

    name: str
    urgency: Urgency
    holds: Callable[[Reading], bool]


def _worse_lung_share_percent(reading: Reading) -> float:
    sides = (reading.figures.get(Side.RIGHT), reading.figures.get(Side.LEFT))
    return max((side.lesion_share_percent for side in sides if side is not None), default=0.0)


def _consolidated_share_percent(reading: Reading) -> float:
    total: LungFigures | None = reading.figures.get(Side.TOTAL)
    if total is None or total.lung_volume_ml <= 0:
        return 0.0
    return 100.0 * total.consolidation_ml / total.lung_volume_ml


_CONSOLIDATED_SHARE_PERCENT = 10.0  # ours: half a lobe without air; no published limit was found

# National Health Commission of China, trial version 7 (3 March 2020): progress of more than 50 %
# within 24 to 48 hours is severe. Here faster is no less urgent, so there is no lower limit.
_GROWN_MORE_THAN_PERCENT, _WITHIN_HOURS = 50.0, 48.0
_GROWN_AT_LEAST_ML = 10.0  # ours: half of a small lesion is within what outlines differ by


def _grew_quickly(reading: Reading) -> bool:
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


RULES: tuple[UrgencyRule, ...] = (
    UrgencyRule(
        name=f"suspected, and lesions in {_CT_2_SHARE_PERCENT:g} % or more of the worse lung",
        urgency=Urgency.URGENT,
        holds=lambda reading: (
            reading.outcome is Outcome.FINDINGS
            and _worse_lung_share_percent(reading) >= _CT_2_SHARE_PERCENT
        ),
    ),
    UrgencyRule(
        name=f"suspected, and {_CONSOLIDATED_SHARE_PERCENT:g} % or more of the lungs consolidated",
        urgency=Urgency.URGENT,
        holds=lambda reading: (
            reading.outcome is Outcome.FINDINGS
            and _consolidated_share_percent(reading) >= _CONSOLIDATED_SHARE_PERCENT
        ),
    ),
    UrgencyRule(
        name=(
            f"suspected, and lesions grew by more than {_GROWN_MORE_THAN_PERCENT:g} % within "
            f"{_WITHIN_HOURS:g} h"
        ),
        urgency=Urgency.URGENT,
        holds=lambda reading: reading.outcome is Outcome.FINDINGS and _grew_quickly(reading),
    ),
    UrgencyRule(
        name="suspicion at or above its threshold",
        urgency=Urgency.SUSPECTED,
        holds=lambda reading: reading.outcome is Outcome.FINDINGS,
    ),
    UrgencyRule(
        name="suspicion below its threshold",
        urgency=Urgency.ROUTINE,
        holds=lambda reading: reading.outcome is Outcome.NO_FINDINGS,
    ),
)


def urgency_facts(reading: Reading) -> dict[str, float | None]:
    """The values that the table decides by, for whoever asks why a study is flagged or is not."""
    return {
        "suspicion": reading.suspicion,
        "suspicion_threshold": reading.suspicion_threshold,
        "worse_lung_percent": round(_worse_lung_share_percent(reading), 2),
        "consolidated_percent": round(_consolidated_share_percent(reading), 2),
    }


def triage_reading(reading: Reading) -> Triage | None:
    """Apply the table.

    Returns
    -------
    The urgency and the rule that decided it; None when the study is not assessable, which is no
    kind of routine.
    """
    for rule in RULES:
        if rule.holds(reading):
            return Triage(urgency=rule.urgency, rule=rule.name)
    return None
