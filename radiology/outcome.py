"""How a reading ended, and the checks that it had to pass."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a reading ended. "Not assessable" is never a kind of negative."""

    FINDINGS = "findings"
    NO_FINDINGS = "no_findings"
    NOT_ASSESSABLE = "not_assessable"


class GateSeverity(StrEnum):
    """What a gate does that is not passed."""

    REFUSES = "refuses"  # the reading is not assessable
    WARNS = "warns"  # the result is kept and shown with the warning


@dataclass(frozen=True, slots=True)
class QualityGate:
    """One check that must hold before a result may be called an answer without reservation.

    `seen` and `limit` are what the page shows: the value that the gate saw, and what it asks for.
    """

    name: str
    passed: bool
    seen: str
    limit: str
    reason: str = ""
    severity: GateSeverity = GateSeverity.REFUSES
