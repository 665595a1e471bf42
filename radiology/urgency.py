"""How soon a radiologist should look at a study, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Urgency(StrEnum):
    """How soon a radiologist should look; the order of the worklist page."""

    URGENT = "urgent"
    SUSPECTED = "suspected"
    ROUTINE = "routine"


@dataclass(frozen=True, slots=True)
class Triage:
    """The urgency of a study and the row of the rule table that decided it."""

    urgency: Urgency
    rule: str
