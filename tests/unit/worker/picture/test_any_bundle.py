"""The key picture of bundles that are not of the chest: a head with outlines, and scores alone."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from radiology.answer.finding import Presence
from radiology.image.volume import Volume
from radiology.language import Language
from radiology.outcome import Outcome
from radiology.region import Region
from worker.encode import (
    ShownReading,
    render_key_picture,
)
from worker.encode.picture.axial_stack import SOFT_TISSUE_HU, AxialStack
from worker.encode.picture.body import body_box
from worker.encode.picture.figures import FigureTable, shown_table
from worker.encode.picture.key_picture import WIDTH_PX
from worker.encode.picture.lines import line_styles
from worker.encode.picture.panels import Frame
from worker.encode.picture.statements import statements

BRAIN, BLEEDING = (86, 180, 233), (230, 159, 0)


def near(picture: Image.Image, colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    difference = np.asarray(picture).astype(int) - colour
    return np.asarray(np.abs(difference).max(axis=-1) < 24)


def changed(shown: ShownReading, **fields: Any) -> ShownReading:
    return replace(shown, reading=replace(shown.reading, **fields))


def negative(shown: ShownReading) -> ShownReading:
    """The same regions, and nothing claimed of them."""
    findings = tuple(replace(one, presence=Presence.ABSENT) for one in shown.reading.findings)
    return changed(shown, outcome=Outcome.NO_FINDINGS, findings=findings)


def test_a_head_is_drawn_with_its_outlines_and_says_what_is_suspected(
    outlined: ShownReading,
) -> None:
    """Brain and bleeding in the colours that the bundle declares; the window too."""
    picture = render_key_picture(outlined)
    assert picture.width == WIDTH_PX
    assert near(picture, BRAIN).sum() > 100
    assert near(picture, BLEEDING).sum() > 100
    assert AxialStack.of(outlined).window_hu == (40.0, 80.0)
    other = changed(outlined, report=replace(outlined.reading.report, window_hu=None))
    assert AxialStack.of(other).window_hu == SOFT_TISSUE_HU
    assert not np.array_equal(np.asarray(render_key_picture(other)), np.asarray(picture))


@pytest.mark.parametrize("language", Language)
def test_a_reading_without_regions_is_drawn(scored: ShownReading, language: Language) -> None:
    """Slices with the highest scores, where the network looked, and no legend of outlines."""
    shown = replace(scored, language=language)
    assert shown.can_be_shown
    stack = AxialStack.of(shown)
    highest = list(scored.reading.key_slices)
    assert stack.key == highest[0]
    heated = render_key_picture(shown, heat=True)
    assert not np.array_equal(np.asarray(heated), np.asarray(render_key_picture(shown)))


def test_nothing_is_outlined_that_is_not_claimed(outlined: ShownReading) -> None:
    """Nor has the table a column of findings, nor anything an outline that was refused."""
    without = negative(outlined)
    assert not near(render_key_picture(without), BLEEDING).any()
    assert all(not one.of_findings for one in shown_table(without.reading).columns)
    reading = replace(outlined.reading, outcome=Outcome.NOT_ASSESSABLE)
    refused = replace(outlined, reading=reading, triage=None)
    assert refused.can_be_shown
    picture = render_key_picture(refused)
    assert not near(picture, BLEEDING).any()
    assert not near(picture, BRAIN).any()


def test_of_several_findings_only_those_that_are_claimed_are_outlined(
    outlined: ShownReading,
) -> None:
    """One that is absent beside one that is suspected has no line."""
    (bleeding,) = outlined.reading.findings
    (region,) = outlined.findings
    other = replace(region, name="Fracture")
    absent = replace(bleeding, key="fracture", presence=Presence.ABSENT, regions=("Fracture",))
    shown = changed(
        outlined,
        findings=(bleeding, absent),
        regions=(*outlined.reading.regions, other),
    )
    assert [one.name for one in shown.outlined] == ["Brain", "Hemorrhage"]


def test_the_frame_holds_what_is_to_be_seen(outlined: ShownReading) -> None:
    """The anatomy; without it what lies around the findings; without these the body."""
    stack = AxialStack.of(outlined)
    alone = changed(outlined, regions=tuple(outlined.findings))
    body = AxialStack.of(changed(outlined, regions=()))
    assert not alone.anatomy
    whole, around, all_of_it = Frame.of(stack), Frame.of(AxialStack.of(alone)), Frame.of(body)
    rows, columns = body_box(stack.volume)
    assert all_of_it.width_mm == pytest.approx((columns.stop - columns.start) * 2.4 + 28)
    assert all_of_it.height_mm == pytest.approx((rows.stop - rows.start) * 2.4 + 28)
    assert around.width_mm <= all_of_it.width_mm
    assert whole.width_mm > 100


def test_a_body_on_a_table_is_framed_without_the_table() -> None:
    """The table is wider than the patient, and thin."""
    hounsfield = np.full((6, 120, 160), -1000.0, np.float32)
    hounsfield[:, 30:80, 60:110] = 40.0
    hounsfield[:, 84:87, 5:155] = 100.0
    affine = np.array([[0, 0, 2, 0], [0, 2, 0, 0], [5, 0, 0, 0], [0, 0, 0, 1]], float)
    rows, columns = body_box(Volume(hounsfield, affine))
    assert abs(rows.start - 30) <= 4
    assert abs(rows.stop - 80) <= 4
    assert abs(columns.start - 60) <= 4
    assert abs(columns.stop - 110) <= 4


def test_lines_of_findings_differ_until_they_come_round(outlined: ShownReading) -> None:
    """Colour and pattern; anatomy is dotted."""
    (region,) = outlined.findings
    many = [replace(region, name=f"Finding {number}") for number in range(5)]
    styles = line_styles([*outlined.anatomy, *many])
    patterns = [(styles[one.name].dash_px, styles[one.name].gap_px) for one in many]
    assert len(set(patterns[:4])) == 4
    assert patterns[4] == patterns[0] == (8.0, 4.0)
    assert patterns[1] == (0.0, 0.0)
    assert styles["Brain"].dash_px == 2.0


def test_many_regions_and_rows_have_room(outlined: ShownReading) -> None:
    """A legend of several rows; rows of the table that are not shown are counted."""
    regions = tuple(_named(outlined.anatomy[0], number) for number in range(30))
    table = outlined.reading.table
    rows = tuple(replace(table.rows[0], title=f"Organ {number}") for number in range(60))
    full = changed(outlined, regions=regions, table=replace(table, rows=rows))
    usual, high = render_key_picture(outlined), render_key_picture(full)
    assert high.height > usual.height + 100
    assert FigureTable.of(full).share == 1.0
    assert np.array_equal(np.asarray(high)[-42:], np.asarray(usual)[-42:])


def _named(region: Region, number: int) -> Region:
    name = f"Organ number {number}"
    return replace(region, name=name, kind=replace(region.kind, value=str(number), meaning=name))


def test_table_and_remarks_are_those_of_the_measurements(outlined: ShownReading) -> None:
    """A row for each thing that is measured; the rule that decides, with what it saw."""
    reading = outlined.reading
    table = shown_table(reading)
    assert [one.title for one in table.rows] == ["Hemorrhage", "Brain"]
    titles = [one.title for one in table.columns]
    assert titles[0] == "Volume"
    group = reading.group("Hemorrhage")
    assert group is not None
    assert table.rows[0].cells[0] == group.measurements[0].value
    (said,) = (one for one, _ in statements(outlined) if one.title == "Rule that decides")
    assert [line[0] for line in said.lines] == ["bleeding seen", "large bleeding"]
    for (_, told), limit in zip(said.lines, ("at least 0.2 ml", "at least 2 ml"), strict=True):
        assert re.fullmatch(rf"volume of Hemorrhage \d+\.\d+ ml, limit: {limit}", told)
