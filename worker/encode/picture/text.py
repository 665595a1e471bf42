"""The key picture's texts above and below its slices: the answer, the legend, the banner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from radiology import codes
from radiology.algorithm import AlgorithmIdentity
from radiology.answer.finding import Presence
from radiology.answer.reading import Reading
from radiology.language import Language
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from worker.encode.coded_concepts import plain_text
from worker.encode.derived_object import DISCLAIMER
from worker.encode.picture.heat_colours import scale_bar
from worker.encode.picture.lettering import Colour, fitted, font
from worker.encode.picture.lines import LineStyle
from worker.encode.picture.pair import THEN_STYLE
from worker.encode.picture.panels import dashes
from worker.encode.picture.wording import worded
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
_SCALE_ROOM_PX = 330  # of the scale of a heat map with its two words

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
    room, place = plate[0] - left - 2 * MARGIN, (left + MARGIN, middle - 14)
    answer = fitted(worded(answer, language), 25, room, language)
    bold(pen, place, answer, 25, TEXT, "lm", language=language)
    size = next((one for one in (16, 15, 14) if _fits(details, one, room, language)), 13)
    line, place = fitted(details, size, room, language), (left + MARGIN, middle + 20)
    pen.text(place, line, QUIET, font(size, language), anchor="lm")


def _fits(text: str, size: int, room: float, language: Language) -> bool:
    return font(size, language).getlength(text) <= room


def _answer(shown: ShownReading) -> str:
    """The finding that decides the outcome, and whether it is there."""
    reading = shown.reading
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        return "No answer for this study"
    leading = next(iter(reading.findings), None)
    title = reading.report.subject if leading is None else leading.title
    if reading.outcome is Outcome.NO_FINDINGS:
        return f"No {_within(title)} suspected"
    present = leading is not None and leading.presence is Presence.PRESENT
    return f"{title[:1].upper()}{title[1:]} {'found' if present else 'suspected'}"


def _within(title: str) -> str:
    """A title as it stands within a sentence; an abbreviation stays as it is."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def _detail(shown: ShownReading) -> str:
    reading, triage, language = shown.reading, shown.triage, shown.language
    if triage is None:
        return worded("Read it as if it had not been analysed", language)
    parts = []
    if reading.suspicion is not None and reading.suspicion.value is not None:
        suspicion = percent(reading.suspicion.value)
        threshold = percent(reading.suspicion.threshold)
        parts.append(f"Suspicion {suspicion:.1f} %, threshold {threshold:.1f} %")
    confidence = _confidence(reading)
    if confidence is not None:
        word, value = confidence
        parts.append(f"Confidence {word} ({value:.2f})")
    return "  |  ".join(worded(part, language) for part in (*parts, triage.rule))


def _confidence(reading: Reading) -> tuple[str, float] | None:
    """How firm the answer is, in a word and from 0 to 1; None where nobody says so."""
    for group in reading.groups:
        measured = group.measurement(codes.CONFIDENCE)
        for statement in group.statements:
            if (
                measured
                and statement.concept == codes.CONFIDENCE
                and isinstance(statement.answer, codes.Code)
            ):
                return statement.answer.meaning.lower(), measured.value / 100.0
    return None


Lines = list[tuple[str, LineStyle]]
"""What a legend lists: a word, and the line that it is about."""


@dataclass(frozen=True, slots=True)
class Legend:
    """A sample of each line, in as many rows as they need.

    Attributes
    ----------
    heat : whether there is the scale of a heat map too
    """

    rows: tuple[Lines, ...]
    sample_px: int
    apart_px: int
    heat: bool
    language: Language

    @classmethod
    def of(
        cls, lines: Lines, width: int, *, heat: bool, paired: bool, language: Language
    ) -> Legend:
        """Lay out what is listed.

        Parameters
        ----------
        paired : whether the line around lesions of an earlier CT is among them
        """
        if paired:
            lines = [*lines, ("Lesions then", THEN_STYLE)]
        sample, apart = (34, 18) if heat and paired else (44, 36)  # the scale takes a third
        room = width - 2 * MARGIN - (_SCALE_ROOM_PX if heat else 0)
        rows: list[Lines] = [[]]
        across = 0.0
        for name, style in lines:
            needed = sample + 10 + font(16, language).getlength(worded(name, language))
            if rows[-1] and across + needed > room:
                rows.append([])
                across = 0.0
            rows[-1].append((name, style))
            across += needed + apart
        return cls(tuple(rows), sample, apart, heat, language)

    def draw(self, picture: Image.Image, box: Box) -> None:
        """Write the rows below each other."""
        left, top, right, bottom = box
        height = (bottom - top) / len(self.rows)
        for number, lines in enumerate(self.rows):
            self._draw_row(picture, lines, left, top + (number + 0.5) * height)
        if self.heat:
            _draw_heat_scale(picture, right - MARGIN, round(top + height / 2), self.language)

    def _draw_row(self, picture: Image.Image, lines: Lines, left: int, middle: float) -> None:
        pen, letters = ImageDraw.Draw(picture), font(16, self.language)
        across = float(left + MARGIN)
        for name, style in lines:
            line = np.array([[across, middle], [across + self.sample_px, middle]])
            for dash in dashes(line, style.dash_px or float(self.sample_px), style.gap_px):
                pen.line([tuple(point) for point in dash], style.colour, max(style.width_px, 2))
            label = worded(name, self.language)
            pen.text((across + self.sample_px + 10, middle), label, TEXT, letters, anchor="lm")
            across += self.sample_px + 10 + letters.getlength(label) + self.apart_px


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
