"""The figures of a chest as its stored table holds them."""

from __future__ import annotations

from collections.abc import Mapping

from chest.answer.regions import SIDES, territory_name
from chest.values.figures import LungFigures, Side
from chest.values.territory import Territory, TerritoryFigures
from radiology.answer.table import Table

_LUNGS: Mapping[str, Side] = {name: side for side, (name, _, _) in SIDES.items()}
_TERRITORIES = {territory_name(one): one for one in Territory}


def lungs_in(table: Table) -> dict[Side, LungFigures]:
    """The figures by side. On how many slices lesions lie is not in the table, and 0 here.

    Raises
    ------
    ValueError, TypeError
        The table is not that of a chest.
    """
    found = {}
    for row in table.rows:
        if row.title in _LUNGS and not row.is_part:
            volume, lesions, _share, ground_glass, consolidation, mean_hu = row.cells
            side = _LUNGS[row.title]
            found[side] = LungFigures(
                side,
                _known(volume),
                _known(lesions),
                _known(ground_glass),
                _known(consolidation),
                mean_hu,
                slices_involved=0,
            )
    return found


def territories_in(table: Table) -> tuple[TerritoryFigures, ...]:
    """The figures of the lobes, and of the zones that stand in for them.

    Raises
    ------
    ValueError, TypeError
        As for `lungs_in`.
    """
    found = []
    for row in table.rows:
        if row.title in _TERRITORIES and row.is_part:
            volume, lesions, _share, ground_glass, consolidation, mean_hu = row.cells
            found.append(
                TerritoryFigures(
                    _TERRITORIES[row.title],
                    _known(volume),
                    _known(lesions),
                    _known(ground_glass),
                    _known(consolidation),
                    mean_hu,
                )
            )
    return tuple(found)


def _known(cell: float | None) -> float:
    if cell is None:
        raise ValueError("a lung or a part of it has volumes")
    return cell
