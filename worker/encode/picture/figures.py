"""The figures of the key picture as a table: a line for each lung, lobe or zone."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageDraw

from radiology.chest.figures import LungFigures, Side
from radiology.chest.territory import TerritoryFigures
from worker.encode.picture.lettering import fitted, font
from worker.encode.picture.text import MARGIN, QUIET, RULE, TEXT, Box
from worker.encode.picture.wording import worded
from worker.encode.shown_reading import ShownReading

# Title, unit, and where the column ends as a share of the width
_COLUMNS = (
    ("", "", 0.0),
    ("Volume", "ml", 0.42),
    ("Lesions", "ml", 0.52),
    ("Share", "%", 0.60),
    ("Ground glass", "ml", 0.75),
    ("Consolidation", "ml", 0.91),
    ("Mean", "HU", 1.0),
)
_TITLES_PX = 38
_MOST_ROW_PX = 34
_SIDES = {Side.RIGHT: "Right lung", Side.LEFT: "Left lung", Side.TOTAL: "Both lungs"}


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the table; a part of a lung is set back."""

    title: str
    is_part: bool
    cells: tuple[str, ...]


def draw_figures(picture: Image.Image, shown: ShownReading, box: Box) -> None:
    """Volumes of each lung, lobe or zone; of lesions only where they are claimed."""
    pen, (left, top, right, bottom), language = ImageDraw.Draw(picture), box, shown.language
    width, rows = right - left - MARGIN, _rows(shown)
    columns = _COLUMNS if shown.has_findings else _COLUMNS[:2]
    for title, unit, share in columns[1:]:
        across = left + MARGIN + share * width
        title = worded(title, language)
        pen.text((across, top + 10), title, QUIET, font(14, language), anchor="rm")
        pen.text((across, top + 27), unit, QUIET, font(13, language), anchor="rm")
    height = min(_MOST_ROW_PX, (bottom - top - _TITLES_PX) / max(len(rows), 1))
    for number, row in enumerate(rows):
        line = top + _TITLES_PX + number * height
        end = left + MARGIN + columns[-1][2] * width
        pen.line([(left + MARGIN, line), (end, line)], RULE)
        middle, size, indent = line + height / 2, (15 if row.is_part else 17), 12 * row.is_part
        room = (_COLUMNS[1][2] - 0.09) * width - indent
        title = fitted(worded(row.title, language), size, room, language)
        place = (left + MARGIN + indent, middle)
        pen.text(place, title, QUIET if row.is_part else TEXT, font(size, language), anchor="lm")
        for cell, (_, _, share) in zip(row.cells, columns[1:], strict=False):
            across = left + MARGIN + share * width
            pen.text((across, middle), cell, TEXT, font(size, language), anchor="rm")


def _rows(shown: ShownReading) -> list[_Row]:
    """Each lung with its parts below it, then both."""
    figures, rows = shown.reading.figures, []
    for side in (Side.RIGHT, Side.LEFT, Side.TOTAL):
        if side not in figures:
            continue
        rows.append(_Row(_SIDES[side], False, _lung_cells(figures[side])))
        rows += [
            _Row(one.territory.value.capitalize(), True, _territory_cells(one))
            for one in shown.territories
            if one.territory.side is side
        ]
    return rows


def _lung_cells(of_side: LungFigures) -> tuple[str, ...]:
    return (
        f"{of_side.lung_volume_ml:.0f}",
        f"{of_side.lesion_volume_ml:.1f}",
        f"{of_side.lesion_share_percent:.1f}",
        f"{of_side.ground_glass_ml:.1f}",
        f"{of_side.consolidation_ml:.1f}",
        _hounsfield(of_side.lesion_mean_hu),
    )


def _territory_cells(of_territory: TerritoryFigures) -> tuple[str, ...]:
    return (
        f"{of_territory.volume_ml:.0f}",
        f"{of_territory.lesion_volume_ml:.1f}",
        f"{of_territory.lesion_share_percent:.1f}",
        f"{of_territory.ground_glass_ml:.1f}",
        f"{of_territory.consolidation_ml:.1f}",
        _hounsfield(of_territory.lesion_mean_hu),
    )


def _hounsfield(mean_hu: float | None) -> str:
    return "-" if mean_hu is None else f"{mean_hu:.0f}"
