"""Puts the statement together: prose that cannot be generated, with generated tables in it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt

from firstread.conformance import dicom_tables, other_tables, site_tables
from settings.environment import Settings

_PROSE: Final = Path(__file__).with_name("statement.md")
_PLACE: Final = re.compile(r"\{\{ ([a-z0-9_]+) \}\}")
_PAGE: Final = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")

_OF_THE_CODE: Final[dict[str, Callable[[], str]]] = {
    "implementation": dicom_tables.implementation,
    "kept": dicom_tables.kept,
    "companions": dicom_tables.companions,
    "foreign": dicom_tables.foreign,
    "decodable": dicom_tables.decodable,
    "reporting": dicom_tables.reporting,
    "worklist": dicom_tables.worklist,
    "proposed": dicom_tables.proposed,
    "made": dicom_tables.made,
    "hl7_messages": other_tables.hl7_messages,
    "hl7_versions": other_tables.hl7_versions,
    "hl7_character_sets": other_tables.hl7_character_sets,
    "audit_events": other_tables.audit_events,
}
_OF_THE_SITE: Final[dict[str, Callable[[Settings], str]]] = {
    "services": site_tables.services,
    "installation": site_tables.installation,
    "peers": site_tables.peers,
}


def conformance_statement(settings: Settings, *, linked: bool = False) -> str:
    """The statement of this configuration, in Markdown.

    Parameters
    ----------
    linked : with links to the pages beside `docs/conformance.md`; elsewhere they lead nowhere
    """

    def filled(place: re.Match[str]) -> str:
        name = place[1]
        return _OF_THE_SITE[name](settings) if name in _OF_THE_SITE else _OF_THE_CODE[name]()

    text = _PLACE.sub(filled, _PROSE.read_text(encoding="utf-8"))
    return text if linked else _PAGE.sub(r"\1", text)


def places() -> set[str]:
    """The names of all tables that there are."""
    return {*_OF_THE_CODE, *_OF_THE_SITE}


def as_page(statement: str, title: str) -> str:
    """The statement as one HTML file that needs nothing else."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(statement)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}</body>\n</html>\n"
    )


_STYLE: Final = (
    "body{font:15px/1.5 sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "th,td{border:1px solid #999;padding:.2rem .5rem;text-align:left;vertical-align:top}"
)
