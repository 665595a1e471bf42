"""The figures of the key picture as a table: a line for each organ, part or lesion."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageDraw

from radiology.answer.reading import Reading
from radiology.answer.table import Table, TableColumn, TableRow
from radiology.language import Language
from worker.encode.picture.lettering import fitted, font
from worker.encode.picture.text import MARGIN, QUIET, RULE, TEXT, Box
from worker.encode.picture.wording import worded
from worker.encode.shown_reading import ShownReading

_FIRST_END = 0.42  # where the first column ends, as a share of the width
_LEAST_FIRST_END = 0.3
_NUMBER = 0.09  # of the width that a number of the first column takes
_TITLES_PX = 38
_MOST_ROW_PX, _LEAST_ROW_PX = 34, 20
_MOST_ROWS = 24


def shown_table(reading: Reading) -> Table:
    """What is shown of the table: columns of findings where they are claimed, rows with a figure.

    Nothing of a reading that is not assessable.
    """
    table = reading.table
    kept = [
        place
        for place, column in enumerate(table.columns)
        if reading.has_findings or not column.of_findings
    ]
    rows = (
        TableRow(row.title, tuple(row.cells[place] for place in kept), row.is_part)
        for row in table.rows
    )
    return Table(
        tuple(table.columns[place] for place in kept),
        tuple(one for one in rows if any(cell is not None for cell in one.cells)),
    )


def cell_text(value: float | None, column: TableColumn) -> str:
    """A figure as it is printed; a dash where nothing could be measured."""
    return "-" if value is None else f"{value:.{column.decimals}f}"


@dataclass(frozen=True)
class FigureTable:
    """The table of a picture, laid out.

    Attributes
    ----------
    ends : where each column ends, as a share of the width
    squeezed : whether titles of columns have less room than they would take
    """

    table: Table
    ends: tuple[float, ...]
    squeezed: bool
    language: Language

    @classmethod
    def of(cls, shown: ShownReading) -> FigureTable:
        """Lay out what is shown of a reading's table; columns are as wide in every picture of it.

        A column is as wide as its title, or as a number of usual length.
        """
        widths = [
            0.03 + 0.01 * max(len(column.title), 5 + (column.decimals == 0))
            for column in shown.reading.table.columns[1:]
        ]
        squeezed = sum(widths) > 1.0 - _FIRST_END + 1e-9
        first = max(1.0 - sum(widths), _LEAST_FIRST_END) if squeezed else _FIRST_END
        scale = (1.0 - first) / sum(widths) if squeezed else 1.0
        ends = [first]
        for width in widths:
            ends.append(round(ends[-1] + scale * width, 4))
        table = shown_table(shown.reading)
        return cls(table, tuple(ends[: len(table.columns)]), squeezed, shown.language)

    @property
    def share(self) -> float:
        """How much of the width it takes: all, half of it for one column, or nothing."""
        if not (self.table.columns and self.table.rows):
            return 0.0
        return 1.0 if len(self.table.columns) > 1 else 0.5

    @property
    def least_height(self) -> int:
        """Below which rows could not be read."""
        return _TITLES_PX + _LEAST_ROW_PX * min(len(self.table.rows), _MOST_ROWS)

    def draw(self, picture: Image.Image, box: Box) -> None:
        """Write titles, then rows with a line above each."""
        if not self.share:
            return
        left, top, right, bottom = box
        width, rows = right - left - MARGIN, self.table.rows
        self._draw_titles(picture, left + MARGIN, width, top)
        shown = rows if len(rows) <= _MOST_ROWS else rows[: _MOST_ROWS - 1]
        count = min(len(rows), _MOST_ROWS)
        height = min(_MOST_ROW_PX, (bottom - top - _TITLES_PX) / max(count, 1))
        for number, row in enumerate(shown):
            line = top + _TITLES_PX + number * height
            self._draw_row(picture, row, (left + MARGIN, line), width, height)
        if len(shown) < len(rows):
            pen, middle = ImageDraw.Draw(picture), top + _TITLES_PX + (count - 0.5) * height
            text = worded(f"and {len(rows) - len(shown)} more", self.language)
            pen.text((left + MARGIN, middle), text, QUIET, font(15, self.language), anchor="lm")

    def _draw_titles(self, picture: Image.Image, left: int, width: int, top: int) -> None:
        pen, language, before = ImageDraw.Draw(picture), self.language, 0.0
        for column, end in zip(self.table.columns, self.ends, strict=True):
            across, title = left + end * width, worded(column.title, language)
            if self.squeezed or before == 0.0:
                title = fitted(title, 14, (end - before) * width - 6, language)
            pen.text((across, top + 10), title, QUIET, font(14, language), anchor="rm")
            pen.text((across, top + 27), column.unit, QUIET, font(13, language), anchor="rm")
            before = end

    def _draw_row(
        self,
        picture: Image.Image,
        row: TableRow,
        place: tuple[int, float],
        width: int,
        height: float,
    ) -> None:
        """A line of the table; a part is set back."""
        pen, language, (left, line) = ImageDraw.Draw(picture), self.language, place
        pen.line([(left, line), (left + self.ends[-1] * width, line)], RULE)
        middle, size, indent = line + height / 2, (15 if row.is_part else 17), 12 * row.is_part
        room = (self.ends[0] - _NUMBER) * width - indent
        title = fitted(worded(row.title, language), size, room, language)
        colour = QUIET if row.is_part else TEXT
        pen.text((left + indent, middle), title, colour, font(size, language), anchor="lm")
        for value, column, end in zip(row.cells, self.table.columns, self.ends, strict=True):
            across, cell = left + end * width, cell_text(value, column)
            pen.text((across, middle), cell, TEXT, font(size, language), anchor="rm")
