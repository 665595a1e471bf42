"""Urgency: how soon a radiologist should look at a study, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Urgency(StrEnum):
    """How soon a radiologist should look; the order of the worklist page."""

    URGENT = "urgent"
    SUSPECTED = "suspected"
    ROUTINE = "routine"


class LimitOf(StrEnum):
    """Whose limit a rule asked for."""

    BUNDLE = "bundle"  # as it was released
    SITE = "site"  # set in the settings in place of the bundle's


@dataclass(frozen=True, slots=True)
class RuleSeen:
    """What one row of a table of urgency saw, and whether it held.

    Attributes
    ----------
    seen, limit : what the row looked at and what it asks for, for a person
    whose : whose limit it is
    declared : the limit as it was released, where a site put another in its place
    """

    name: str
    urgency: Urgency
    held: bool
    seen: str
    limit: str
    whose: LimitOf = LimitOf.BUNDLE
    declared: str = ""


@dataclass(frozen=True, slots=True)
class Triage:
    """The urgency of a study, and the row of the rule table that decided it.

    Attributes
    ----------
    seen, limit : what the row saw and what it asks for, for a person; empty where not recorded
    limit_of : whose limit it is
    """

    urgency: Urgency
    rule: str
    seen: str = ""
    limit: str = ""
    limit_of: LimitOf = LimitOf.BUNDLE
