"""Reads what a region is: its kind, code, site, side and colour."""

from __future__ import annotations

import re
from typing import Final

from models.declared.codes import read_code, read_optional_code
from models.declared.outputs.kinds import Appearance, Colour, Laterality, RegionKind
from models.declared.section import DeclarationTable

_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}")


def read_appearance(section: DeclarationTable) -> Appearance:
    """Read the kind, code, site, side and colour."""
    return Appearance(
        kind=section.choice("is", RegionKind),
        code=read_code(section.section("code")),
        site=read_optional_code(section, "site"),
        laterality=(
            section.choice("laterality", Laterality) if section.has("laterality") else None
        ),
        colour=_read_colour(section),
    )


def _read_colour(section: DeclarationTable) -> Colour:
    text = section.text("colour")
    if not _COLOUR.fullmatch(text):
        raise section.problem("colour", f'"{text}" is no colour', 'Write "#rrggbb": "#e69f00".')
    red, green, blue = (int(text[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue
