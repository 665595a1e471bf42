"""The table and the remarks of a chest: what pictures and pages show of it."""

from __future__ import annotations

from chest.answer.make import answer_of
from tests.unit.worker.encode.full_reading import full_context


def test_each_lung_has_its_parts_below_it_and_both_come_last() -> None:
    """From right to left and from top to bottom; the volume alone is shown without findings."""
    table = full_context().reading.table
    assert [one.title for one in table.rows if not one.is_part] == [
        "Right lung",
        "Left lung",
        "Both lungs",
    ]
    assert [one.title for one in table.rows[:4]] == [
        "Right lung",
        "Right upper lobe",
        "Right middle lobe",
        "Right lower lobe",
    ]
    assert [one.title for one in table.columns if not one.of_findings] == ["Volume"]
    assert all(len(one.cells) == len(table.columns) for one in table.rows)


def test_neither_needs_voxels() -> None:
    """What version 0.1.0 stored has both, although its masks are gone."""
    context = full_context()
    stored = answer_of(context.chest, None, context.triage, context.clinical)
    assert stored.table == context.reading.table
    assert stored.remarks == context.reading.remarks
    assert [one.title for one in stored.remarks] == [
        "Reservation",
        "Type (a hint, no diagnosis)",
        "Severity",
        "Signs",
        "Rule that decides",
    ]
