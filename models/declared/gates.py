"""The quality gates of a schema 3 bundle: what must hold before its answer counts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from models.declared.measurements import read_regions
from models.declared.outputs.kinds import Outputs
from models.declared.rules import RuleCondition, read_condition
from models.declared.section import DeclarationTable


class GateCheck(StrEnum):
    """What a gate looks at."""

    LEAST_SLICES = "least-slices"
    MOST_SLICE_SPACING = "most-slice-spacing"
    MOST_PIXEL_SPACING = "most-pixel-spacing"
    LEAST_LENGTH = "least-length"
    LEAST_AGE = "least-age"
    ANATOMY_FOUND = "anatomy-found"
    MEASUREMENT = "measurement"


class GateAction(StrEnum):
    """What a gate does that is not passed."""

    REFUSE = "refuse"  # the study is not assessable
    WARN = "warn"  # the result is kept and shown with the warning


# Lowest and highest limit that makes sense, by check, in the unit of its docs.
_RANGES = {
    GateCheck.LEAST_SLICES: (1.0, 10_000.0),
    GateCheck.MOST_SLICE_SPACING: (0.1, 100.0),  # mm
    GateCheck.MOST_PIXEL_SPACING: (0.05, 10.0),  # mm
    GateCheck.LEAST_LENGTH: (1.0, 3000.0),  # mm, from the first slice to the last
    GateCheck.LEAST_AGE: (0.0, 120.0),  # years; passed where no age is stated
    GateCheck.ANATOMY_FOUND: (0.0, 1e5),  # ml
}


@dataclass(frozen=True, slots=True)
class DeclaredGate:
    """One gate.

    Attributes
    ----------
    limit : of every check but "measurement", which has a condition instead
    regions : of "anatomy-found"
    reason : what a person is told where it is not passed; "" for the usual words
    """

    check: GateCheck
    action: GateAction
    limit: float = 0.0
    regions: tuple[str, ...] = ()
    condition: RuleCondition | None = None
    reason: str = ""


def read_gates(
    section: DeclarationTable, outputs: Outputs, values: Collection[str]
) -> tuple[DeclaredGate, ...]:
    """Read `gates`."""
    return tuple(_read_gate(entry, outputs, values) for entry in section.sections("gates"))


def _read_gate(entry: DeclarationTable, outputs: Outputs, values: Collection[str]) -> DeclaredGate:
    check = entry.choice("check", GateCheck)
    action = entry.choice("action", GateAction)
    measured = check is GateCheck.MEASUREMENT
    gate = DeclaredGate(
        check=check,
        action=action,
        limit=0.0 if measured else entry.number("limit", *_RANGES[check]),
        regions=(read_regions(entry, "of", outputs) if check is GateCheck.ANATOMY_FOUND else ()),
        condition=read_condition(entry, values) if measured else None,
        reason=entry.text("reason", most=200) if measured or entry.has("reason") else "",
    )
    entry.close()
    return gate
