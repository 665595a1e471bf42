"""What a bundle's results are called, and where they go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.declared.codes import read_code
from models.declared.section import Section
from radiology.codes import Code

_MOST_TITLE: Final = 64  # a long string of DICOM (LO), as descriptions of series are


class Destination(StrEnum):
    """Where the results of a bundle go."""

    PACS = "pacs"
    PAGE_ONLY = "page only"
    NOWHERE = "nowhere"  # shadow: it is run and stored, and nobody is shown it


@dataclass(frozen=True, slots=True)
class Report:
    """What mail, HL7, SR and the work item call a result.

    Attributes
    ----------
    procedure : of the examination, LOINC or SNOMED CT
    """

    title: str
    procedure: Code
    body_region: Code


@dataclass(frozen=True)
class EntryPoint:
    """A Python entry point of the group `firstread.readings`, and what it is told.

    Attributes
    ----------
    parameters : a table of the declaration that only the entry point understands
    """

    name: str
    parameters: Mapping[str, object]


def read_report(section: Section) -> Report:
    """Read `report`."""
    report = Report(
        title=section.text("title", most=_MOST_TITLE),
        procedure=read_code(section.section("procedure")),
        body_region=read_code(section.section("body_region")),
    )
    section.close()
    return report


def read_destination(section: Section) -> Destination:
    """Read `deliver`."""
    destination = section.choice("to", Destination)
    section.close()
    return destination


def read_entry_point(section: Section) -> EntryPoint:
    """Read `reading`."""
    has_parameters = section.has("parameters")
    entry = EntryPoint(
        name=section.text("entry_point", most=_MOST_TITLE),
        parameters=section.free_table("parameters") if has_parameters else {},
    )
    section.close()
    return entry
