"""The limits in force: those of the bundle, or those that a site has set instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from models.declared.rules import RuleCondition, Rules
from models.declared.section import listing, nearest
from radiology.errors import SettingsRefused
from radiology.urgency import LimitOf


@dataclass(frozen=True, slots=True)
class InForce:
    """A condition with the limit in force.

    Attributes
    ----------
    declared : the bundle's own limit
    limit_of : whose limit is in force
    """

    condition: RuleCondition
    declared: float
    limit_of: LimitOf


def limits_in_force(
    rules: Rules, overrides: Mapping[str, float], bundle: str
) -> dict[str, InForce]:
    """The condition of every rule, by name.

    Parameters
    ----------
    overrides : limits of the site, by the name of the rule
    bundle : its name, for the message

    Raises
    ------
    SettingsRefused
        A limit is set for a rule that the bundle does not have.
    """
    known = rules.by_name
    for name in overrides:
        if name not in known:
            raise SettingsRefused(
                f'bundle_limits: the bundle {bundle} has no rule "{name}". '
                f"{nearest(name, known)}Its rules are {listing(known)}."
            )
    return {
        name: InForce(
            condition=replace(condition, limit=overrides.get(name, condition.limit)),
            declared=condition.limit,
            limit_of=LimitOf.SITE if name in overrides else LimitOf.BUNDLE,
        )
        for name, condition in known.items()
    }
