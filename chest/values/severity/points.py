"""Sums points: what each input adds or could add, and the risk group of the sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from chest.values.severity.bands import Bands, most_points, points_of
from chest.values.severity.score import Input, Score
from chest.values.severity.titles import listed, unit_of
from radiology.clinical import ClinicalValues


@dataclass(frozen=True, slots=True)
class RiskGroup:
    """The sums up to a highest one, and what the source saw in these patients."""

    up_to: int
    grade: str
    published_outcome: str


@dataclass(frozen=True, slots=True)
class PointRule:
    """A published sum of points. `groups` are in rising order; the last ends at the largest sum."""

    name: str
    source: str
    groups: tuple[RiskGroup, ...]
    note: str

    def group_of(self, total: int) -> RiskGroup:
        """The risk group of a sum."""
        return next(group for group in self.groups if total <= group.up_to)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a rule, for one patient.

    Attributes
    ----------
    points : None when a value that decides was not given
    most : the most that the line could add
    missing : what was not given and would decide
    """

    points: int | None
    most: int
    inputs: tuple[Input, ...]
    missing: tuple[str, ...] = ()


def banded(values: ClinicalValues, name: str, bands: Bands) -> Item:
    """A line that looks at one value."""
    value = getattr(values, name)
    points = None if value is None else points_of(value, bands)
    plain = value.value if isinstance(value, StrEnum) else value
    shown = Input(name, plain, unit_of(name), points)
    return Item(points, most_points(bands), (shown,), (name,) if value is None else ())


def add_up(rule: PointRule, items: Sequence[Item]) -> Score:
    """Sum the lines; give the group as soon as no missing value could change it."""
    known = [item.points for item in items if item.points is not None]
    least = sum(known)
    largest = sum(item.most if item.points is None else item.points for item in items)
    missing = tuple(name for item in items for name in item.missing)
    inputs = tuple(one for item in items for one in item.inputs)
    group = rule.group_of(least)
    certain = group == rule.group_of(largest)
    note = rule.note
    if missing:
        so_far = f" The group is certain: {least} to {largest} points." if certain else ""
        note = f"Not computed: {listed(missing)} missing.{so_far} {rule.note}"
    return Score(
        rule.name,
        rule.source,
        value=None if missing else least,
        grade=group.grade if certain else None,
        inputs=inputs,
        missing=missing,
        note=note,
        unit="points",
        published_outcome=group.published_outcome if certain else None,
    )


def outside_the_rule(rule: PointRule, items: Sequence[Item], reason: str) -> Score:
    """Show what was given, and why the rule does not apply to this patient."""
    inputs = tuple(Input(one.name, one.value, one.unit) for item in items for one in item.inputs)
    return Score(rule.name, rule.source, inputs=inputs, note=f"Not computed: {reason}. {rule.note}")
