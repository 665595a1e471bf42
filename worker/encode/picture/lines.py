"""The line styles of regions, and their names in the legend.

Colour and pattern differ, so that neither alone must be recognised. Anatomy is dotted; each
finding has a pattern of its own, until the patterns come round again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from radiology.codes import Code
from radiology.region import Region
from worker.encode.picture.lettering import Colour

_WIDTH_PX = 2
_DOTTED = (2.0, 4.0)
_FAINT = (4.0, 6.0)
_PATTERNS = ((8.0, 4.0), (0.0, 0.0), (14.0, 5.0), (5.0, 3.0))  # dash and gap of findings, in turn


@dataclass(frozen=True, slots=True)
class LineStyle:
    """How an outline is drawn; a dash of length 0 is a continuous line."""

    colour: Colour
    width_px: int
    dash_px: float
    gap_px: float


def line_styles(regions: Sequence[Region]) -> Mapping[str, LineStyle]:
    """The line of each region, by its name.

    Parameters
    ----------
    regions : all that a reading may outline, whether they are outlined or not

    Returns
    -------
    Anatomy of one kind, as the two of a pair, has the colour of the first of that kind.
    """
    colours: dict[Code, Colour] = {}
    styles = {}
    findings = 0
    for region in regions:
        if region.is_finding:
            dash, gap = _PATTERNS[findings % len(_PATTERNS)]
            styles[region.name] = LineStyle(region.colour, _WIDTH_PX, dash, gap)
            findings += 1
        else:
            colour = colours.setdefault(region.kind, region.colour)
            styles[region.name] = LineStyle(colour, _WIDTH_PX, *_DOTTED)
    return styles


def possible_line(region: Region) -> LineStyle:
    """The line of what is below the operating point: thin, with wide gaps."""
    return LineStyle(region.colour, 1, *_FAINT)


def legend_lines(
    regions: Sequence[Region], styles: Mapping[str, LineStyle]
) -> list[tuple[str, LineStyle]]:
    """What a legend lists: findings by name, then each kind of anatomy once."""
    findings = [(one.name, styles[one.name]) for one in regions if one.is_finding]
    kinds = {
        region.kind: (region.kind.meaning, styles[region.name])
        for region in reversed(regions)
        if not region.is_finding
    }
    return [*findings, *reversed(kinds.values())]
