"""The montage of the key picture: several slices, apart from each other, and all that is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from radiology.language import Language
from tests.unit.worker.encode.encoded_chest import (
    EVERY_KIND,
    Chest,
    with_chest,
)
from tests.unit.worker.encode.full_reading import WARNING, full_context
from worker.encode import encode_secondary_capture, render_key_picture
from worker.encode.picture.axial_stack import OTHER_SLICES, AxialStack
from worker.encode.picture.key_picture import ANSWER_PX, LEGEND_PX, PANELS_PX
from worker.encode.picture.montage import montage_slices
from worker.encode.picture.statements import statements

AREAS = st.lists(st.integers(0, 500), min_size=1, max_size=80)


@given(areas=AREAS, lungs=AREAS, key=st.integers(0, 79), slice_mm=st.floats(0.5, 10.0))
def test_slices_are_apart_from_each_other_and_show_something(
    areas: list[int], lungs: list[int], key: int, slice_mm: float
) -> None:
    """Whatever lies where: at most so many slices, none empty, none beside another one."""
    counts = np.array(areas, np.int64)
    fallback = np.resize(np.array(lungs, np.int64), len(areas))
    key %= len(areas)
    chosen = montage_slices(counts, fallback, key, OTHER_SLICES, slice_mm)
    assert len(chosen) <= OTHER_SLICES
    assert chosen == sorted(chosen)
    assert all(counts[index] or fallback[index] for index in chosen)
    apart = np.diff(sorted([key, *chosen])) * slice_mm
    assert (apart >= min(12.0 - slice_mm / 2, slice_mm)).all()


def test_slices_with_lesions_come_before_slices_of_lung() -> None:
    """Five lesions far from each other are all shown before a slice without any is."""
    lesions, lungs = np.zeros(100, np.int64), np.full(100, 1000)
    lesions[[5, 25, 45, 65, 85, 95]] = (10, 20, 30, 20, 10, 5)
    assert montage_slices(lesions, lungs, 45, 5, 5.0) == [5, 25, 65, 85, 95]


def test_where_lesions_are_few_the_rest_of_the_lungs_is_shown() -> None:
    """One small lesion: the other panels are no copies of it."""
    lesions, lungs = np.zeros(100, np.int64), np.full(100, 1000)
    lesions[50:53] = 10
    chosen = montage_slices(lesions, lungs, 51, 5, 2.0)
    assert len(chosen) == 5
    assert min(abs(index - 51) for index in chosen) >= 6


@EVERY_KIND
def test_all_panels_are_filled(kind: str) -> None:
    """The key slice and five more, from head to feet."""
    context = full_context(kind, Chest(spacing_mm=(4, 4, 4), shape=(72, 72, 72)))
    stack = AxialStack.of(context)
    heights = [stack.height_mm(index) for index in stack.others]
    assert len(heights) == OTHER_SLICES
    assert heights == sorted(heights, reverse=True)
    panels = np.asarray(render_key_picture(context))[ANSWER_PX : ANSWER_PX + PANELS_PX]
    middles = [(120, 800), (360, 800), (600, 160), (600, 500), (600, 840), (240, 320)]
    for row, column in middles:
        assert np.ptp(panels[row - 40 : row + 40, column - 60 : column + 60]) > 40


def test_the_statements_say_what_the_reading_says() -> None:
    """Warning first, then type as a hint, severity, signs, rule and quality."""
    said = {one.title: one.lines for one, _ in statements(full_context())}
    assert next(iter(said)) == "Warning"
    assert said["Type (a hint, no diagnosis)"][0] == ("viral pattern suspected",)
    assert said["Signs"] == (("ground-glass opacity", "90.0 %"), ("consolidation", "60.0 %"))
    assert said["Severity"][0][0] == "MosMed CT grade"
    assert said["Rule that decides"] == (("Lesions in 10.00 % of the lungs, limit 0.99 %",),)
    assert said["Quality"] == (("2 of 3 checks passed",),)


def test_a_negative_picture_says_what_was_checked() -> None:
    """Nothing of type or signs, which were not asked for; what the gates saw instead."""
    said = {one.title: one.lines for one, _ in statements(full_context("negative"))}
    assert "Type (a hint, no diagnosis)" not in said
    assert "Signs" not in said
    assert ("lungs found", "2 lungs") in said["Checked and passed"]


def test_figures_and_statements_stay_apart_from_the_panels() -> None:
    """Below the legend there is no pixel of a slice, and nothing is drawn over another column."""
    picture = np.asarray(render_key_picture(full_context())).astype(int)
    below = picture[ANSWER_PX + PANELS_PX + LEGEND_PX : -74]
    gap = below[:, 662:682]
    assert np.ptp(gap.reshape(-1, 3), axis=0).max() == 0


def test_each_language_has_its_instance() -> None:
    """A site that changes its language does not send another picture under an old UID."""
    context = full_context()
    chinese = replace(context, language=Language.CHINESE)
    first = encode_secondary_capture(context, render_key_picture(context))
    second = encode_secondary_capture(chinese, render_key_picture(chinese))
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.SeriesInstanceUID == second.SeriesInstanceUID


def test_every_statement_has_room() -> None:
    """A picture with much to say is higher; nothing that a reader must know is left out."""
    context = full_context(zones=True)
    gates = tuple(replace(WARNING, name=f"warning {number}") for number in range(6))
    warned = with_chest(context, gates=gates)
    usual, high = render_key_picture(context), render_key_picture(warned)
    assert high.height > usual.height
    banner = np.asarray(high)[-42:]
    assert np.array_equal(banner, np.asarray(usual)[-42:])
