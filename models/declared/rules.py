"""The rules of suspicion and urgency: rows of a name, a plain comparison and a limit.

Rows are read from the top and the first that holds decides. Nothing is evaluated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from models.declared.findings import DeclaredFinding
from models.declared.measurements import require
from models.declared.section import DeclarationTable, listing
from radiology.answer.finding import Presence
from radiology.urgency import Urgency

_MOST_NAME = 64
_MOST_LIMIT = 1e9


class RuleComparison(StrEnum):
    """How a value is compared with a limit."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


@dataclass(frozen=True, slots=True)
class RuleCondition:
    """A value of the reading, compared.

    Attributes
    ----------
    value : the name of a measurement or of a study score
    """

    value: str
    comparison: RuleComparison
    limit: float

    def holds(self, seen: float) -> bool:
        """Whether a value satisfies this; NaN never does."""
        return (
            seen >= self.limit if self.comparison is RuleComparison.AT_LEAST else seen <= self.limit
        )


@dataclass(frozen=True, slots=True)
class SuspicionRule:
    """When a finding is there, or may be."""

    name: str
    finding: str
    condition: RuleCondition
    presence: Presence


@dataclass(frozen=True, slots=True)
class DeclaredUrgencyRule:
    """When a study is how urgent.

    Attributes
    ----------
    finding : that must be present or suspected too; "" for none
    """

    name: str
    level: Urgency
    finding: str
    condition: RuleCondition


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a bundle; a site may put other limits in place of theirs, by name."""

    suspicion: tuple[SuspicionRule, ...]
    urgency: tuple[DeclaredUrgencyRule, ...]

    @property
    def by_name(self) -> dict[str, RuleCondition]:
        """The condition of every rule."""
        found = {one.name: one.condition for one in self.suspicion}
        return found | {one.name: one.condition for one in self.urgency}


def read_rules(
    section: DeclarationTable, findings: Mapping[str, DeclaredFinding], values: Collection[str]
) -> Rules:
    """Read `suspicion` and `urgency`.

    Parameters
    ----------
    values : names of measurements and study scores
    """
    rules = Rules(
        suspicion=tuple(
            _read_suspicion(entry, findings, values)
            for entry in section.sections("suspicion", least=1)
        ),
        urgency=tuple(
            _read_urgency(entry, findings, values) for entry in section.sections("urgency")
        ),
    )
    ruled = {one.finding for one in rules.suspicion}
    for name in findings:
        if name not in ruled:
            raise section.problem(
                "suspicion",
                f'no row says when the finding "{name}" is suspected',
                f'Add [[suspicion]] with finding = "{name}".',
            )
    _refuse_same_names(section, rules)
    return rules


def _refuse_same_names(section: DeclarationTable, rules: Rules) -> None:
    names = [one.name for one in rules.suspicion] + [one.name for one in rules.urgency]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise section.problem(
            "urgency", f'two rules are named "{twice}"', "A site overrides a limit by its name."
        )


def _read_suspicion(
    entry: DeclarationTable, findings: Collection[str], values: Collection[str]
) -> SuspicionRule:
    finding = entry.text("finding")
    require(entry, "finding", finding, findings, "finding")
    rule = SuspicionRule(
        name=entry.text("name", most=_MOST_NAME),
        finding=finding,
        condition=read_condition(entry, values),
        presence=(
            entry.choice("presence", Presence) if entry.has("presence") else Presence.SUSPECTED
        ),
    )
    entry.close()
    return rule


def _read_urgency(
    entry: DeclarationTable, findings: Collection[str], values: Collection[str]
) -> DeclaredUrgencyRule:
    finding = entry.text("finding") if entry.has("finding") else ""
    if finding:
        require(entry, "finding", finding, findings, "finding")
    rule = DeclaredUrgencyRule(
        name=entry.text("name", most=_MOST_NAME),
        level=entry.choice("level", Urgency),
        finding=finding,
        condition=read_condition(entry, values),
    )
    entry.close()
    return rule


def read_condition(entry: DeclarationTable, values: Collection[str]) -> RuleCondition:
    """Read `value`, `comparison`, `limit`."""
    if not values:
        raise entry.problem(
            "value", "nothing is measured", f"Declare [[measurements]] or a {listing(['score'])}."
        )
    value = entry.text("value")
    require(entry, "value", value, values, "measurement or study-score")
    return RuleCondition(
        value=value,
        comparison=entry.choice("comparison", RuleComparison),
        limit=entry.number("limit", -_MOST_LIMIT, _MOST_LIMIT),
    )
