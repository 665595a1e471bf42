"""The figures of a chest as a table: each lung with its lobes or zones, then both lungs."""

from __future__ import annotations

from collections.abc import Iterator

from radiology.answer.table import Table, TableColumn, TableRow
from radiology.chest.figures import LungFigures, Side
from radiology.chest.reading import ChestReading
from radiology.chest.territory import TerritoryFigures

COLUMNS = (
    TableColumn("Volume", "ml", decimals=0, of_findings=False),
    TableColumn("Lesions", "ml"),
    TableColumn("Share", "%"),
    TableColumn("Ground glass", "ml"),
    TableColumn("Consolidation", "ml"),
    TableColumn("Mean", "HU", decimals=0),
)
LUNG_TITLES = {Side.RIGHT: "Right lung", Side.LEFT: "Left lung", Side.TOTAL: "Both lungs"}


def chest_table(reading: ChestReading) -> Table:
    """The rows of a chest; none where no lungs were found."""
    rows = tuple(_rows(reading))
    return Table(COLUMNS, rows) if rows else Table()


def _rows(reading: ChestReading) -> Iterator[TableRow]:
    for side, title in LUNG_TITLES.items():
        if side not in reading.figures:
            continue
        yield TableRow(title, _cells(reading.figures[side].lung_volume_ml, reading.figures[side]))
        for one in reading.territories:
            if one.territory.side is side:
                name = one.territory.value.capitalize()
                yield TableRow(name, _cells(one.volume_ml, one), is_part=True)


def _cells(volume_ml: float, figures: LungFigures | TerritoryFigures) -> tuple[float | None, ...]:
    return (
        volume_ml,
        figures.lesion_volume_ml,
        figures.lesion_share_percent,
        figures.ground_glass_ml,
        figures.consolidation_ml,
        figures.lesion_mean_hu,
    )
