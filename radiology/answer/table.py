"""A table of figures, as the key picture, the summary and the page show it.

What is measured is in the measurement groups, with codes; a table only chooses and orders.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One figure of every row.

    Attributes
    ----------
    unit : as it is printed; empty for a number without one
    decimals : how many are shown
    of_findings : whether it is shown only where the reading states findings
    """

    title: str
    unit: str = ""
    decimals: int = 1
    of_findings: bool = True


@dataclass(frozen=True, slots=True)
class TableRow:
    """One organ, part or lesion.

    Attributes
    ----------
    cells : one for each column; None where nothing could be measured
    is_part : whether it is a part of the row above that is none
    """

    title: str
    cells: tuple[float | None, ...]
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of figures, wholes before their parts; empty where nothing was measured."""

    columns: tuple[TableColumn, ...] = ()
    rows: tuple[TableRow, ...] = ()
