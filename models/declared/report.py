"""The titles of a bundle's results, and where they are delivered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.declared.codes import read_code
from models.declared.section import DeclarationTable
from radiology.answer.reading import ReportWords

_MOST_TITLE: Final = 64  # a long string of DICOM (LO), as descriptions of series are
_MOST_HU: Final = 20_000.0  # far beyond metal
_CODE_STRING = re.compile(r"[A-Z0-9_]{1,16}")


class Destination(StrEnum):
    """Where the results of a bundle go."""

    PACS = "pacs"
    PAGE_ONLY = "page only"
    NOWHERE = "nowhere"  # shadow: it is run and stored, and nobody is shown it


@dataclass(frozen=True)
class EntryPoint:
    """A Python entry point of the group `firstread.readings`, and what it is told.

    Attributes
    ----------
    values : names of what it measures, for rules and gates to compare
    parameters : a table of the declaration that only the entry point understands
    """

    name: str
    values: tuple[str, ...]
    parameters: Mapping[str, object]


@dataclass(frozen=True)
class NamedReader:
    """A Python entry point of the group `firstread.readers` that reads studies with the networks.

    Attributes
    ----------
    parameters : a table of the declaration that only the reader understands
    """

    name: str
    parameters: Mapping[str, object]


def read_report(section: DeclarationTable) -> ReportWords:
    """Read `report`."""
    title = section.text("title", most=_MOST_TITLE)
    subject = section.text("subject", most=_MOST_TITLE)
    words = ReportWords(
        title=title,
        procedure=read_code(section.section("procedure")),
        subject=subject,
        series_name=f"{title}, {subject}",
        body_region=read_code(section.section("body_region")),
        content_label=(
            _read_content_label(section) if section.has("content_label") else "AI_FINDINGS"
        ),
        window_hu=_read_window(section) if section.has("window_hu") else None,
    )
    section.close()
    return words


def _read_content_label(section: DeclarationTable) -> str:
    """Read a code string (PS3.5 Section 6.2, CS)."""
    label = section.text("content_label")
    if not _CODE_STRING.fullmatch(label):
        raise section.problem(
            "content_label", f'"{label}" is no code string', "Use up to 16 of A-Z, 0-9 and _."
        )
    return label


def _read_window(section: DeclarationTable) -> tuple[float, float]:
    """Read centre and width of the window that pictures are drawn in (PS3.3 C.11.2.1.2)."""
    centre, width = section.numbers("window_hu", -_MOST_HU, _MOST_HU, count=2)
    if width < 1.0:
        raise section.problem(
            "window_hu", f"a width of {width:g} HU is too little", "Write [centre, width], in HU."
        )
    return centre, width


def read_destination(section: DeclarationTable) -> Destination:
    """Read `deliver`."""
    destination = section.choice("to", Destination)
    section.close()
    return destination


def read_entry_point(section: DeclarationTable) -> EntryPoint:
    """Read `reading`."""
    has_parameters = section.has("parameters")
    entry = EntryPoint(
        name=section.text("entry_point", most=_MOST_TITLE),
        values=section.texts("values") if section.has("values") else (),
        parameters=section.free_table("parameters") if has_parameters else {},
    )
    section.close()
    return entry


def read_reader(section: DeclarationTable) -> NamedReader:
    """Read `reader`."""
    has_parameters = section.has("parameters")
    reader = NamedReader(
        name=section.text("entry_point", most=_MOST_TITLE),
        parameters=section.free_table("parameters") if has_parameters else {},
    )
    section.close()
    return reader
