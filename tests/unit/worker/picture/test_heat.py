"""Where the classifier looked: kept beside the result, and drawn when it is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from radiology.image.heat_map import HeatMap
from tests.builders.stored.written import write_here
from tests.unit.worker.encode.encoded_chest import (
    ORIENTATIONS,
    Chest,
    ChestContext,
    result_context,
    with_chest,
)
from worker.encode import render_key_picture
from worker.encode.picture.axial_stack import AxialStack, mask_of
from worker.encode.picture.heat_colours import MOST_OPAQUE, blended, colours
from worker.encode.picture.key_picture import ANSWER_PX, LEGEND_PX, PANELS_PX
from worker.encode.picture.panels import Frame, draw_panel
from worker.keep.keep_results import keep_heat_maps, read_heat_maps

CUBE = Chest(spacing_mm=(4.0, 4.0, 4.0), shape=(72, 72, 72))
AXIAL = [name for name in ORIENTATIONS if not name.startswith(("coronal", "sagittal"))]


def _with_heat(context: ChestContext, heat_maps: dict[int, HeatMap]) -> ChestContext:
    return with_chest(context, heat_maps=heat_maps)


def _over_lesions(context: ChestContext) -> dict[int, HeatMap]:
    """A map of every slice with lesions that is warm exactly where they are."""
    lesions = context.regions.lesions > 0
    rows, columns = lesions.shape[1:]
    return {
        int(index): HeatMap(
            (lesions[index] * np.uint8(255)).astype(np.uint8), 0.0, 0.0, rows, columns
        )
        for index in np.flatnonzero(lesions.any(axis=(1, 2)))
    }


def _changed(context: ChestContext) -> tuple[NDArray[np.bool_], AxialStack]:
    """Pixels of the key panel that heat changes; drawn without outlines."""
    stack = AxialStack.of(context)
    frame = Frame.of(stack)
    plain, heated = (
        np.asarray(draw_panel(stack, stack.key, frame, (640, 484), (), heat=heat), dtype=int)
        for heat in (False, True)
    )
    return np.abs(heated - plain).max(axis=-1) > 20, stack


@pytest.mark.parametrize("orientation", AXIAL)
def test_heat_lies_over_the_lesions_however_the_patient_was_scanned(orientation: str) -> None:
    """The panel is turned to how radiologists look; the map is turned with it."""
    context = result_context(chest=replace(CUBE, orientation=ORIENTATIONS[orientation]))
    changed, stack = _changed(_with_heat(context, _over_lesions(context)))
    assert changed.any()
    rows, columns = np.nonzero(changed)
    lesions = mask_of(stack.findings, stack.key)
    assert lesions is not None
    lesion_rows, lesion_columns = np.nonzero(lesions)
    frame, (row_mm, column_mm) = Frame.of(stack), stack.row_and_column_mm
    # As a share of the frame, which the panel is centred on.
    middle = (columns.mean() - 320) / 484
    expected = (lesion_columns.mean() - frame.middle[1]) * column_mm / frame.height_mm
    assert middle == pytest.approx(expected, abs=0.25)
    assert np.sign(middle) == np.sign(expected)
    down = rows.mean() - 242
    assert np.sign(down) == np.sign((lesion_rows.mean() - frame.middle[0]) * row_mm)


def test_slice_without_a_map_is_drawn_as_it_is() -> None:
    context = result_context(chest=CUBE)
    maps = _over_lesions(context)
    stack = AxialStack.of(context)
    del maps[stack.key]
    changed, _ = _changed(_with_heat(context, maps))
    assert not changed.any()


def test_picture_shows_heat_only_when_asked_and_then_explains_it() -> None:
    context = result_context(chest=CUBE)
    context = _with_heat(context, _over_lesions(context))
    plain, heated = render_key_picture(context), render_key_picture(context, heat=True)
    assert plain.size == heated.size
    difference = np.asarray(plain, dtype=int) - np.asarray(heated, dtype=int)
    rows = np.flatnonzero(np.abs(difference).max(axis=(1, 2)) > 20)
    panels = ANSWER_PX + PANELS_PX
    assert (rows < panels).any()
    assert ((rows >= panels) & (rows < panels + LEGEND_PX)).any()
    assert not (rows >= panels + LEGEND_PX).any()


def test_colours_rise_in_lightness_so_that_they_read_in_grey_too() -> None:
    lightness = colours(np.linspace(0, 1, 50, dtype=np.float32)) @ np.array([0.299, 0.587, 0.114])
    assert (np.diff(lightness) > 0).all()


def test_cold_places_stay_as_they_are_and_warm_ones_shine_through() -> None:
    grey = Image.new("RGB", (2, 1), (120, 120, 120))
    mixed = np.asarray(blended(grey, np.array([[0.0, 1.0]], dtype=np.float32)))
    assert mixed[0, 0].tolist() == [120, 120, 120]
    expected = 120 * (1 - MOST_OPAQUE) + np.array([253, 231, 37]) * MOST_OPAQUE
    assert np.allclose(mixed[0, 1], expected, atol=1)


def test_maps_come_back_as_they_were_kept_and_give_the_same_file_twice(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    maps = {
        index: HeatMap(random.integers(0, 256, (24, 24), dtype=np.uint8), -3.5, 10.25, 300.5, 301.0)
        for index in (40, 7)
    }
    path = keep_heat_maps(tmp_path, "1.2.3/4.5", maps, write=write_here)
    first = (tmp_path / path).read_bytes()
    found = read_heat_maps(tmp_path / path)
    assert sorted(found) == [7, 40]
    for index, heat in maps.items():
        assert np.array_equal(found[index].levels, heat.levels)
        assert (found[index].top, found[index].width) == (heat.top, heat.width)
    assert keep_heat_maps(tmp_path, "1.2.3/4.5", maps, write=write_here) == path
    assert (tmp_path / path).read_bytes() == first
