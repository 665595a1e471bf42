"""The key picture's texts above and below its slices: the answer, the legend, the banner."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from radiology.algorithm import AlgorithmIdentity
from radiology.language import Language
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from worker.encode.coded_concepts import plain_text
from worker.encode.derived_object import DISCLAIMER
from worker.encode.picture.heat_colours import scale_bar
from worker.encode.picture.lettering import Colour, fitted, font
from worker.encode.picture.pair import THEN_STYLE
from worker.encode.picture.panels import dashes, line_style
from worker.encode.picture.wording import worded
from worker.encode.segments import Segment
from worker.encode.shown_reading import ShownReading

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""

BACKGROUND: Colour = (14, 17, 22)
TEXT: Colour = (238, 241, 245)
QUIET: Colour = (158, 168, 182)
RULE: Colour = (58, 66, 78)
AMBER: Colour = (240, 228, 66)
_DARK: Colour = (0, 0, 0)
MARGIN = 16

Badge = tuple[str, Colour, Colour]
"""A word, its background and its lettering."""

_BADGES: dict[Urgency, Badge] = {
    Urgency.URGENT: ("URGENT", (213, 94, 0), (255, 255, 255)),
    Urgency.SUSPECTED: ("SUSPECTED", (230, 159, 0), _DARK),
    Urgency.ROUTINE: ("ROUTINE", (74, 88, 108), (255, 255, 255)),
}
NOT_ASSESSABLE: Badge = ("NOT ASSESSABLE", (204, 121, 167), _DARK)


def percent(share: float) -> float:
    """A share of 1 in percent, as pictures show it."""
    return round(100.0 * share, 1)


def draw_answer(picture: Image.Image, shown: ShownReading, box: Box) -> None:
    """The urgency as a badge, the suspicion against its threshold, and the rule."""
    badge = _BADGES[shown.triage.urgency] if shown.triage else NOT_ASSESSABLE
    draw_headline(picture, _answer(shown), _detail(shown), badge, box, language=shown.language)


def draw_headline(
    picture: Image.Image,
    answer: str,
    details: str,
    badge: Badge,
    box: Box,
    *,
    language: Language = Language.ENGLISH,
) -> None:
    """An answer, a line below it, and a badge on the right; `details` is worded already."""
    pen, (left, top, right, bottom) = ImageDraw.Draw(picture), box
    headline, behind, letters = badge
    headline = worded(headline, language)
    middle, width = (top + bottom) / 2, font(28, language).getlength(headline) + 2 * MARGIN
    plate = (right - MARGIN - width, middle - 26, right - MARGIN, middle + 26)
    pen.rounded_rectangle(plate, radius=8, fill=behind)
    place = ((plate[0] + plate[2]) / 2, middle)
    bold(pen, place, headline, 28, letters, "mm", language=language)
    place = (left + MARGIN, middle - 14)
    bold(pen, place, worded(answer, language), 25, TEXT, "lm", language=language)
    room = plate[0] - left - 2 * MARGIN
    size = next((one for one in (16, 15, 14) if _fits(details, one, room, language)), 13)
    line, place = fitted(details, size, room, language), (left + MARGIN, middle + 20)
    pen.text(place, line, QUIET, font(size, language), anchor="lm")


def _fits(text: str, size: int, room: float, language: Language) -> bool:
    return font(size, language).getlength(text) <= room


def _answer(shown: ShownReading) -> str:
    return {
        Outcome.FINDINGS: "Lung opacities suspected",
        Outcome.NO_FINDINGS: "No lung opacities suspected",
        Outcome.NOT_ASSESSABLE: "No answer for this study",
    }[shown.reading.outcome]


def _detail(shown: ShownReading) -> str:
    reading, triage, language = shown.reading, shown.triage, shown.language
    if triage is None or reading.suspicion is None:
        return worded("Read it as if it had not been analysed", language)
    suspicion = percent(reading.suspicion)
    threshold = percent(reading.suspicion_threshold)
    parts = [f"Suspicion {suspicion:.1f} %, threshold {threshold:.1f} %"]
    if reading.confidence is not None:
        parts.append(f"Confidence {reading.confidence.word} ({reading.confidence.value:.2f})")
    return "  |  ".join(worded(part, language) for part in (*parts, triage.rule))


def draw_legend(
    picture: Image.Image,
    segments: tuple[Segment, ...],
    box: Box,
    *,
    heat: bool = False,
    paired: bool = False,
    language: Language = Language.ENGLISH,
) -> None:
    """A sample of each line; both lungs share theirs.

    With `heat`, the scale of the heat map; with `paired`, the line around lesions of an earlier CT.
    """
    pen, (left, top, right, bottom) = ImageDraw.Draw(picture), box
    across, middle, letters = float(left + MARGIN), (top + bottom) / 2, font(16, language)
    lines = [
        (segment.label if segment.is_lesion else "Lung", line_style(segment))
        for segment in [one for one in segments if one.is_lesion] + list(segments[:1])
    ]
    if paired:
        lines.append(("Lesions then", THEN_STYLE))
    sample, apart = (34, 18) if heat and paired else (44, 36)  # the scale takes a third
    for name, style in lines:
        line = np.array([[across, middle], [across + sample, middle]])
        for dash in dashes(line, style.dash_px or float(sample), style.gap_px):
            pen.line([tuple(point) for point in dash], style.colour, max(style.width_px, 2))
        label = worded(name, language)
        pen.text((across + sample + 10, middle), label, TEXT, letters, anchor="lm")
        across += sample + 10 + letters.getlength(label) + apart
    if heat:
        _draw_heat_scale(picture, right - MARGIN, round(middle), language)


def _draw_heat_scale(picture: Image.Image, right: int, middle: int, language: Language) -> None:
    """The colours of the heat map between two words, ending at `right`."""
    pen, letters, (width, height) = ImageDraw.Draw(picture), font(16, language), (90, 12)
    much = worded("much", language)
    pen.text((right, middle), much, TEXT, letters, anchor="rm")
    bar_right = right - round(letters.getlength(much)) - 8
    picture.paste(scale_bar((width, height)), (bar_right - width, middle - height // 2))
    little = worded("Where it looked: little", language)
    pen.text((bar_right - width - 8, middle), little, TEXT, letters, anchor="rm")


def draw_disclaimer(
    picture: Image.Image,
    algorithm: AlgorithmIdentity,
    software_version: str,
    box: Box,
    *,
    language: Language = Language.ENGLISH,
) -> None:
    """The banner, and which algorithm speaks."""
    pen, (left, top, right, bottom) = ImageDraw.Draw(picture), box
    pen.rectangle((left, top + 32, right, bottom), fill=AMBER)
    place = ((left + right) / 2, (top + 32 + bottom) / 2)
    bold(pen, place, worded(DISCLAIMER, language), 22, _DARK, "mm", language=language)
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
    *,
    language: Language = Language.ENGLISH,
) -> None:
    """Write a line in letters a little heavier than the font has them."""
    pen.text(
        place,
        text,
        fill=colour,
        font=font(size, language),
        anchor=anchor,
        stroke_width=0.6,
        stroke_fill=colour,
    )
