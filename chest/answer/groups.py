"""The groups of a chest's measurements: the answer, signs, severity, lesions, lungs, territories.

A reading that is not assessable has the answer alone: figures beside it would be read.
"""

from __future__ import annotations

from collections.abc import Iterator

from chest.answer.answer_groups import answer_group, severity_groups, sign_group
from chest.answer.effusion import effusion_groups
from chest.answer.lesion_groups import class_groups, lesions_of_side
from chest.answer.lung_groups import (
    drawn_territories,
    lung_for_programs,
    lung_group,
    territory_group,
)
from chest.answer.regions import SIDES
from chest.values.figures import Side
from chest.values.reading import ChestReading
from radiology.answer.measurement import MeasurementGroup
from radiology.image.volume import Volume
from radiology.outcome import Outcome
from radiology.urgency import Triage


def chest_groups(
    reading: ChestReading, volume_read: Volume | None, triage: Triage | None
) -> tuple[MeasurementGroup, ...]:
    """Every group, the answer first."""
    return tuple(_groups(reading, volume_read, triage))


def _groups(
    reading: ChestReading, volume_read: Volume | None, triage: Triage | None
) -> Iterator[MeasurementGroup]:
    suspected = reading.outcome is Outcome.FINDINGS
    yield answer_group(reading, triage)
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        return
    if suspected and reading.signs:
        yield sign_group(reading)
    yield from severity_groups(reading)
    yield from effusion_groups(reading)
    sides = [reading.figures[side] for side in SIDES if side in reading.figures]
    if suspected:
        yield from class_groups(reading, volume_read)
        yield from (lesions_of_side(reading, one) for one in sides)
    yield from (lung_group(reading, one) for one in sides)
    if suspected:
        yield from (territory_group(reading, one) for one in drawn_territories(reading))
    yield from (lung_for_programs(reading, one) for one in sides if one.side is not Side.TOTAL)
