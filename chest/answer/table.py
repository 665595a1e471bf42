"""The figures of a chest as a table: each lung with its lobes or zones below it, then both."""

from __future__ import annotations

from chest.answer.regions import SIDES, territory_name
from chest.values.figures import LungFigures, Side
from chest.values.reading import ChestReading
from chest.values.territory import Territory, TerritoryFigures
from radiology.answer.table import Table, TableColumn, TableRow

COLUMNS = (
    TableColumn("Volume", "ml", decimals=0, of_findings=False),
    TableColumn("Lesions", "ml"),
    TableColumn("Share", "%"),
    TableColumn("Ground glass", "ml"),
    TableColumn("Consolidation", "ml"),
    TableColumn("Mean", "HU", decimals=0),
)


def chest_table(reading: ChestReading) -> Table:
    """Every lung that was measured, and every part of it that has a voxel; empty without one."""
    if not reading.figures:
        return Table()
    rows = []
    for side in (Side.RIGHT, Side.LEFT, Side.TOTAL):
        if side not in reading.figures:
            continue
        figures = reading.figures[side]
        rows.append(TableRow(SIDES[side][0], _cells(figures.lung_volume_ml, figures)))
        rows += [
            TableRow(
                territory_name(territory.territory),
                _cells(territory.volume_ml, territory),
                is_part=True,
            )
            for territory in _shown(reading)
            if territory.territory.side is side
        ]
    return Table(COLUMNS, tuple(rows))


def _shown(reading: ChestReading) -> list[TerritoryFigures]:
    """Lobes or zones with a voxel at least, from right to left and from top to bottom."""
    order = list(Territory)
    found = [one for one in reading.territories if one.volume_ml > 0]
    return sorted(found, key=lambda one: order.index(one.territory))


def _cells(volume_ml: float, figures: LungFigures | TerritoryFigures) -> tuple[float | None, ...]:
    return (
        volume_ml,
        figures.lesion_volume_ml,
        figures.lesion_share_percent,
        figures.ground_glass_ml,
        figures.consolidation_ml,
        figures.lesion_mean_hu,
    )
