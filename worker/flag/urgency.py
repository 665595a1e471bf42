"""How soon a radiologist should look: a table, read from the top, the first row that holds wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
