"""What the key picture says in words and figures."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from radiology.algorithm import AlgorithmIdentity
from radiology.finding import LungFigures, Outcome, Side, Urgency
from worker.encode.coded_concepts import plain_text
from worker.encode.derived_object import DISCLAIMER
from worker.encode.figures import percent
from worker.encode.heat_colours import scale_bar
from worker.encode.lettering import Colour, font
from worker.encode.picture_panels import dashes, line_style
from worker.encode.segments import Segment
from worker.encode.shown_reading import ShownReading

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""

BACKGROUND: Colour = (14, 17, 22)
TEXT: Colour = (238, 241, 245)
QUIET: Colour = (158, 168, 182)
_RULE: Colour = (58, 66, 78)
_DARK: Colour = (0, 0, 0)
_AMBER: Colour = (240, 228, 66)
MARGIN = 16

Badge = tuple[str, Colour, Colour]
"""A word, its background and its lettering."""

_BADGES: dict[Urgency, Badge] = {
    Urgency.URGENT: ("URGENT", (213, 94, 0), (255, 255, 255)),
    Urgency.SUSPECTED: ("SUSPECTED", (230, 159, 0), _DARK),
    Urgency.ROUTINE: ("ROUTINE", (74, 88, 108), (255, 255, 255)),
}
NOT_ASSESSABLE: Badge = ("NOT ASSESSABLE", (204, 121, 167), _DARK)


def draw_answer(picture: Image.Image, shown: ShownReading, box: Box) -> None:
    """The urgency as a badge, the suspicion against its threshold, and the rule."""
    badge = _BADGES[shown.triage.urgency] if shown.triage else NOT_ASSESSABLE
    draw_headline(picture, _answer(shown), _detail(shown), badge, box)


def draw_headline(picture: Image.Image, answer: str, details: str, badge: Badge, box: Box) -> None:
    """An answer, a line below it, and a badge on the right."""
    pen, (left, top, right, bottom) = ImageDraw.Draw(picture), box
    headline, behind, letters = badge
    middle, width = (top + bottom) / 2, font(28).getlength(headline) + 2 * MARGIN
    plate = (right - MARGIN - width, middle - 26, right - MARGIN, middle + 26)
    pen.rounded_rectangle(plate, radius=8, fill=behind)
    bold(pen, ((plate[0] + plate[2]) / 2, middle), headline, 28, letters, "mm")
    bold(pen, (left + MARGIN, middle - 14), answer, 25, TEXT, "lm")
    line = fitted(details, 16, plate[0] - left - 2 * MARGIN)
    pen.text((left + MARGIN, middle + 20), line, fill=QUIET, font=font(16), anchor="lm")


def _answer(shown: ShownReading) -> str:
    return {
        Outcome.FINDINGS: "Lung opacities suspected",
        Outcome.NO_FINDINGS: "No lung opacities suspected",
        Outcome.NOT_ASSESSABLE: "No answer for this study",
    }[shown.reading.outcome]


def _detail(shown: ShownReading) -> str:
    reading, triage = shown.reading, shown.triage
    if triage is None or reading.suspicion is None:
        return "Read it as if it had not been analysed"
    return (
        f"Suspicion {percent(reading.suspicion):.1f} %, threshold "
        f"{percent(reading.suspicion_threshold):.1f} %  |  {plain_text(triage.rule)}"
    )


def draw_legend(
    picture: Image.Image, segments: tuple[Segment, ...], box: Box, *, heat: bool = False
) -> None:
    """A sample of each line; both lungs share theirs. With `heat`, the scale of the heat map."""
    pen, (left, top, right, bottom) = ImageDraw.Draw(picture), box
    across, middle = float(left + MARGIN), (top + bottom) / 2
    for segment in [one for one in segments if one.is_lesion] + list(segments[:1]):
        style = line_style(segment)
        line = np.array([[across, middle], [across + 44, middle]])
        for dash in dashes(line, style.dash_px or 44.0, style.gap_px):
            pen.line([tuple(point) for point in dash], style.colour, max(style.width_px, 2))
        label = segment.label if segment.is_lesion else "Lung"
        pen.text((across + 54, middle), label, fill=TEXT, font=font(16), anchor="lm")
        across += 54 + font(16).getlength(label) + 36
    if heat:
        _draw_heat_scale(picture, pen, right - MARGIN, round(middle))


def _draw_heat_scale(
    picture: Image.Image, pen: ImageDraw.ImageDraw, right: int, middle: int
) -> None:
    """The colours of the heat map between two words, ending at `right`."""
    width, height = 90, 12
    pen.text((right, middle), "much", fill=TEXT, font=font(16), anchor="rm")
    bar_right = right - round(font(16).getlength("much")) - 8
    picture.paste(scale_bar((width, height)), (bar_right - width, middle - height // 2))
    words = "Where it looked: little"
    pen.text((bar_right - width - 8, middle), words, fill=TEXT, font=font(16), anchor="rm")


# Title, and where the column ends as a share of the width
_COLUMNS = (
    ("", 0.0),
    ("Lung ml", 0.22),
    ("Lesions ml", 0.35),
    ("Share %", 0.46),
    ("Ground glass ml", 0.62),
    ("Consolidation ml", 0.79),
    ("Mean HU", 0.90),
    ("Slices", 1.0),
)
_ROWS = {Side.RIGHT: "Right lung", Side.LEFT: "Left lung", Side.TOTAL: "Both lungs"}


def draw_figures(picture: Image.Image, shown: ShownReading, box: Box) -> None:
    """Volumes of each lung and of both; of lesions only where they are claimed."""
    pen, (left, top, right, bottom) = ImageDraw.Draw(picture), box
    width, figures = right - left - 2 * MARGIN, shown.reading.figures
    rows = [[title for title, _ in _COLUMNS]]
    rows += [_cells(shown, figures[side]) for side in _ROWS if side in figures]
    height = (bottom - top) / len(rows)
    for number, cells in enumerate(rows):
        middle = top + (number + 0.5) * height
        pen.line(
            [(left + MARGIN, middle + height / 2), (right - MARGIN, middle + height / 2)], _RULE
        )
        for cell, (_, share) in zip(cells, _COLUMNS, strict=True):
            place = (left + MARGIN + share * width, middle)
            size, colour = (16, QUIET) if number == 0 else (20, TEXT)
            pen.text(place, cell, fill=colour, font=font(size), anchor="rm" if share else "lm")


def _cells(shown: ShownReading, of_side: LungFigures) -> list[str]:
    cells = [_ROWS[of_side.side], f"{of_side.lung_volume_ml:.0f}"]
    if not shown.has_findings:
        return cells + ["-"] * (len(_COLUMNS) - len(cells))
    mean_hu = of_side.lesion_mean_hu
    return [
        *cells,
        f"{of_side.lesion_volume_ml:.1f}",
        f"{of_side.lesion_share_percent:.1f}",
        f"{of_side.ground_glass_ml:.1f}",
        f"{of_side.consolidation_ml:.1f}",
        "-" if mean_hu is None else f"{mean_hu:.0f}",
        f"{of_side.slices_involved}",
    ]


def draw_reasons(picture: Image.Image, shown: ShownReading, box: Box) -> None:
    """Why there is no answer, in place of figures."""
    pen, (left, top, right, _) = ImageDraw.Draw(picture), box
    bold(pen, (left + MARGIN, top + 34), "Failed quality checks", 20, TEXT, "lm")
    for number, gate in enumerate(shown.reading.failed_gates[:4]):
        line = f"{gate.name}: {gate.reason or 'failed'} (seen {gate.seen}, needed {gate.limit})"
        line = fitted(plain_text(line), 18, right - left - 2 * MARGIN)
        place = (left + MARGIN, top + 72 + 32 * number)
        pen.text(place, line, fill=TEXT, font=font(18), anchor="lm")


def draw_disclaimer(
    picture: Image.Image, algorithm: AlgorithmIdentity, software_version: str, box: Box
) -> None:
    """The banner, and which algorithm speaks."""
    pen, (left, top, right, bottom) = ImageDraw.Draw(picture), box
    pen.rectangle((left, top + 32, right, bottom), fill=_AMBER)
    bold(pen, ((left + right) / 2, (top + 32 + bottom) / 2), DISCLAIMER, 22, _DARK, "mm")
    said = plain_text(f"{algorithm.label}  |  sha256 {algorithm.bundle_digest[:16]}")
    version = plain_text(f"Firstread {software_version}")
    pen.text((left + MARGIN, top + 16), said, fill=QUIET, font=font(14), anchor="lm")
    pen.text((right - MARGIN, top + 16), version, fill=QUIET, font=font(14), anchor="rm")


def bold(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    size: int,
    colour: Colour,
    anchor: str,
) -> None:
    """Write a line in letters a little heavier than the font has them."""
    pen.text(
        place,
        text,
        fill=colour,
        font=font(size),
        anchor=anchor,
        stroke_width=0.6,
        stroke_fill=colour,
    )


def fitted(text: str, size: int, width: float) -> str:
    """The text, shortened if it is wider than the room for it."""
    if font(size).getlength(text) <= width:
        return text
    while text and font(size).getlength(text + "...") > width:
        text = text[:-1]
    return text.rstrip() + "..."
