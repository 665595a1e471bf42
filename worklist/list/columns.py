"""The columns of the list: those that a reader can choose, and the heads of what is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from database.listed.sort_keys import Sorting, SortKey
from worklist.list.query import ListQuery, sort_text
from worklist.words.translations import translated


class Column(StrEnum):
    """What a reader can show or hide. Urgency, study and what was found are always there."""

    PICTURE = "picture"
    NAME = "name"
    SCANNED = "scanned"
    DESCRIPTION = "description"
    BODY = "body"
    BUNDLE = "bundle"
    MEASURED = "measured"
    FURTHER = "further"
    STATE = "state"
    LAST = "last"
    SENDER = "sender"


BY_ITSELF: Final = tuple(one for one in Column if one is not Column.SENDER)
"""What is shown to a reader who has chosen nothing."""

COLUMNS: Final = {
    Column.PICTURE: "Key picture",
    Column.NAME: "Patient's name",
    Column.SCANNED: "Scan date",
    Column.DESCRIPTION: "Description",
    Column.BODY: "Body part",
    Column.BUNDLE: "Bundle",
    Column.MEASURED: "Measured",
    Column.FURTHER: "Further answers, change",
    Column.STATE: "State",
    Column.LAST: "Last image",
    Column.SENDER: "Sender",
}
SORTS: Final = {
    SortKey.ACCESSION: "Accession number",
    SortKey.NAME: "Patient's name",
    SortKey.PATIENT: "Patient ID",
    SortKey.SCANNED: "Scan date",
    SortKey.DESCRIPTION: "Description",
    SortKey.BODY: "Body part",
    SortKey.SUSPICION: "Suspicion",
    SortKey.BUNDLE: "Bundle",
    SortKey.STATE: "State",
    SortKey.LAST: "Last image",
    SortKey.SENDER: "Sender",
}
# What a reader looks for first: the highest, and the newest.
_DOWN_FIRST: Final = (SortKey.SUSPICION, SortKey.SCANNED, SortKey.LAST)

# Each cell with what can stand in it, in the order of the cells; None is always there.
_CELLS: Final[Sequence[tuple[str, Sequence[tuple[Column | None, str, SortKey | None]]]]] = (
    ("picture", ((Column.PICTURE, "Key picture", None),)),
    ("urgency", ((None, "Urgency", None),)),
    (
        "study",
        (
            (None, "Study", SortKey.ACCESSION),
            (Column.NAME, "Patient's name", SortKey.NAME),
            (None, "Patient ID", SortKey.PATIENT),
        ),
    ),
    (
        "scan",
        (
            (Column.SCANNED, "Scan date", SortKey.SCANNED),
            (Column.DESCRIPTION, "Description", SortKey.DESCRIPTION),
            (Column.BODY, "Body part", SortKey.BODY),
        ),
    ),
    (
        "found",
        (
            (None, "Found", None),
            (None, "Suspicion", SortKey.SUSPICION),
            (Column.BUNDLE, "Bundle", SortKey.BUNDLE),
        ),
    ),
    ("share", ((Column.MEASURED, "Measured", None),)),
    ("judged", ((Column.FURTHER, "Further answers, change", None),)),
    ("state", ((Column.STATE, "State", SortKey.STATE),)),
    (
        "last",
        (
            (Column.LAST, "Last image", SortKey.LAST),
            (Column.SENDER, "Sender", SortKey.SENDER),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class HeadWord:
    """A word in the head of a column.

    Attributes
    ----------
    address : sorts by it, or the other way round; "" where it sorts nothing
    order : "ascending" or "descending" while the list is sorted by it, "" otherwise
    """

    title: str
    address: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """The head of a column: of what stands in its cells, each by its word."""

    cell: str
    words: tuple[HeadWord, ...]

    @property
    def order(self) -> str:
        """How the list is sorted by this column; "" where it is not."""
        return next((one.order for one in self.words if one.order), "")


def read_columns(names: Iterable[str] | None, *, patient_names: bool) -> tuple[Column, ...]:
    """Columns by their names, in the order of the list; what there is not is left out.

    Parameters
    ----------
    names : None: those that are shown by themselves
    patient_names : whether the setting shows names
    """
    wanted = BY_ITSELF if names is None else set(names)
    return tuple(
        one for one in Column if one in wanted and (patient_names or one is not Column.NAME)
    )


def column_heads(asked: ListQuery, columns: Sequence[Column]) -> tuple[ColumnHead, ...]:
    """The heads of the columns that are shown, with the links that sort by them."""
    shown = [
        (cell, [one for one in words if one[0] is None or one[0] in columns])
        for cell, words in _CELLS
    ]
    return tuple(
        ColumnHead(cell, tuple(_head_word(asked, title, key) for _, title, key in words))
        for cell, words in shown
        if words
    )


def sort_choices(columns: Sequence[Column]) -> tuple[tuple[str, str], ...]:
    """The orders of the list as (value, words): each column up and down."""
    choices = []
    for key, title in SORTS.items():
        if key is SortKey.NAME and Column.NAME not in columns:
            continue
        column = translated(title)
        up = translated("%(column)s, ascending", column=column)
        down = translated("%(column)s, descending", column=column)
        choices += [(sort_text(Sorting(key)), up), (sort_text(Sorting(key, down=True)), down)]
    return tuple(choices)


def _head_word(asked: ListQuery, title: str, key: SortKey | None) -> HeadWord:
    said = translated(title)
    if title == "Urgency":  # the list's own order
        own = asked.sort is None
        return HeadWord(said, "" if own else f"/{asked.address(sort=None, after=None)}")
    if key is None or asked.search or asked.found:
        return HeadWord(said)
    sorted_by = asked.sort if asked.sort is not None and asked.sort.key is key else None
    down = key in _DOWN_FIRST if sorted_by is None else not sorted_by.down
    order = "" if sorted_by is None else ("descending" if sorted_by.down else "ascending")
    return HeadWord(said, f"/{asked.address(sort=Sorting(key, down), after=None)}", order)
