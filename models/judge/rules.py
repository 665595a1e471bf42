"""Applies the rows of suspicion and urgency from the top, and keeps the value that each row saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from models.declared.rules import Rules
from models.judge.limits import InForce
from models.judge.named_values import NamedValue
from radiology.answer.finding import Presence
from radiology.answer.statement import Statement, StatementInput
from radiology.codes import PRIVATE_SCHEME, Code
from radiology.urgency import LimitOf, RuleSeen, Triage, Urgency

Values = Mapping[str, float | None]
Names = Mapping[str, NamedValue]

SUSPECTED: Final = "a finding is suspected"
NOTHING: Final = "nothing is suspected"
ONE_OR_MORE: Final = "one or more findings"
OTHERWISE: Final = "in every other case"
NONE: Final = "none"
BETWEEN_TITLES: Final = "; "  # a title may have a comma of its own
RULE: Final = Code("RULE", PRIVATE_SCHEME, "Rule that decided, and its limit")


@dataclass(frozen=True, slots=True)
class RowSeen:
    """What one row saw, and whether it held.

    Attributes
    ----------
    of_urgency : whether it is a row of the urgency, not of the suspicion
    says : what follows where it holds: an urgency or a presence
    finding : that it is about, or that must be suspected too; "" for none
    seen, limit : for a person
    declared : the limit as it was released, for a person, where a site put another in its place
    asked : whether the finding that must be suspected too is
    measured : whether there was a value to compare
    """

    name: str
    of_urgency: bool
    says: str
    finding: str
    held: bool
    seen: str
    limit: str
    limit_of: LimitOf = LimitOf.BUNDLE
    declared: str = ""
    asked: bool = True
    measured: bool = True

    @property
    def of_every_bundle(self) -> bool:
        """Whether no bundle declares it: such a row says all by its name."""
        return self.of_urgency and self.name in (SUSPECTED, NOTHING)

    def as_rule(self) -> RuleSeen:
        """A row of the urgency as a reading holds it."""
        return RuleSeen(
            name=self.name,
            urgency=Urgency(self.says),
            held=self.held,
            seen=self.seen,
            limit=self.limit,
            whose=self.limit_of,
            declared=self.declared,
        )


def presences(
    rules: Rules, in_force: Mapping[str, InForce], values: Values, names: Names
) -> tuple[dict[str, Presence], list[RowSeen]]:
    """Whether each finding is there: the first row of it that holds decides.

    A finding without a row that holds, and with a value that could not be measured, is undetermined
    only when none of its rows could be evaluated; otherwise it is absent.

    Parameters
    ----------
    names : what a person reads of each value
    """
    found: dict[str, Presence] = {}
    asked: dict[str, bool] = {}
    rows = []
    for rule in rules.suspicion:
        row = _row(rule.name, rule.presence, rule.finding, in_force[rule.name], values, names)
        rows.append(row)
        asked[rule.finding] = asked.get(rule.finding, False) or row.measured
        if row.held:
            found.setdefault(rule.finding, rule.presence)
    for name, known in asked.items():
        found.setdefault(name, Presence.ABSENT if known else Presence.UNDETERMINED)
    return found, rows


def urgency(
    rules: Rules,
    in_force: Mapping[str, InForce],
    values: Values,
    names: Names,
    found: Mapping[str, Presence],
    titles: Mapping[str, str],
) -> tuple[Triage, list[RowSeen]]:
    """How soon a radiologist should look; without a row that holds, by whether there is suspicion.

    Parameters
    ----------
    names : what a person reads of each value
    found : whether each finding is there, by its key
    titles : what a person reads of each finding, by its key
    """
    rows = [
        _row(
            rule.name,
            rule.level,
            rule.finding,
            in_force[rule.name],
            values,
            names,
            needed=not rule.finding or found.get(rule.finding, Presence.ABSENT).claimed,
        )
        for rule in rules.urgency
    ]
    claimed = [titles[key] for key, one in found.items() if one.claimed]
    words = BETWEEN_TITLES.join(claimed) or NONE
    some = bool(claimed)
    rows.append(RowSeen(SUSPECTED, True, str(Urgency.SUSPECTED), "", some, words, ONE_OR_MORE))
    rows.append(RowSeen(NOTHING, True, str(Urgency.ROUTINE), "", True, words, OTHERWISE))
    first = next(row for row in rows if row.held)
    decision = Triage(
        urgency=Urgency(first.says),
        rule=first.name,
        seen=first.seen,
        limit=first.limit,
        limit_of=first.limit_of,
    )
    return decision, rows


def _row(
    name: str,
    says: str,
    finding: str,
    in_force: InForce,
    values: Values,
    names: Names,
    *,
    needed: bool | None = None,
) -> RowSeen:
    """Make the row of a rule; `needed`, of the urgency alone: whether its finding is claimed."""
    condition = in_force.condition
    seen, name_of = values.get(condition.value), names[condition.value]
    of_site = in_force.limit_of is LimitOf.SITE
    return RowSeen(
        name=name,
        of_urgency=needed is not None,
        says=str(says),
        finding=finding,
        held=needed is not False and seen is not None and condition.holds(seen),
        seen=name_of.seen(seen),
        limit=name_of.limit(condition.comparison, condition.limit),
        limit_of=in_force.limit_of,
        declared=name_of.limit(condition.comparison, in_force.declared) if of_site else "",
        asked=needed is not False,
        measured=seen is not None,
    )


def as_statement(row: RowSeen) -> Statement:
    """A row as the page and the report tell it: what it saw, the limit in force, whose that is."""
    of_site = row.limit_of is LimitOf.SITE
    note = f"Limit of the site; the bundle's is {row.declared}." if of_site else ""
    return Statement(
        concept=RULE,
        answer=row.says if row.of_every_bundle else f"{row.says}: {row.seen}, limit: {row.limit}",
        name=row.name,
        inputs=(StatementInput(row.finding or "study", row.seen),),
        source=f"limit of the {row.limit_of}",
        note=note,
    )


def deciding(rows: Sequence[RowSeen]) -> list[RowSeen]:
    """Of each finding and of the urgency the first row that held."""
    found: dict[tuple[bool, str], RowSeen] = {}
    for row in rows:
        if row.held:
            found.setdefault((row.of_urgency, "" if row.of_urgency else row.finding), row)
    return list(found.values())
