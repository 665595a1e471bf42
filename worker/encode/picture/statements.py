"""The key picture's statements beside its figures: warnings, the reading's remarks, quality."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw

from radiology.answer.remark import Remark
from radiology.language import Language
from radiology.outcome import QualityGate
from radiology.words.age import AGE_ENDINGS
from radiology.words.gate_reasons import without_stop
from worker.encode.picture.lettering import Colour, font, wrapped
from worker.encode.picture.text import AMBER, MARGIN, QUIET, TEXT, Box, bold
from worker.encode.picture.wording import worded
from worker.encode.shown_reading import ShownReading

_TITLE_SIZE, _TEXT_SIZE = 13, 15
_TITLE_PX, _LINE_PX, _APART_PX = 18, 20, 5


@dataclass(frozen=True, slots=True)
class _Placed:
    """A statement as it is written: its lines beside its title, `indent` to the right, or below."""

    title: str
    lines: tuple[str, ...]
    colour: Colour
    indent: float

    @property
    def height(self) -> int:
        return _LINE_PX * len(self.lines) + (0 if self.indent else _TITLE_PX) + _APART_PX


def _placed(shown: ShownReading, width: float) -> list[_Placed]:
    """Every statement in lines of at most `width`.

    One of a single line stands beside its title where there is room for both.
    """
    language, placed = shown.language, []
    for remark, colour in statements(shown):
        title, lines = worded(remark.title, language), _lines(remark, width, language)
        indent = font(_TITLE_SIZE, language).getlength(title) + 10
        length = font(_TEXT_SIZE, language).getlength(lines[0])
        beside = len(lines) == 1 and indent + length <= width
        placed.append(_Placed(title, tuple(lines), colour, indent if beside else 0.0))
    return placed


def statements_height(shown: ShownReading, width: int) -> int:
    """How high a box of this width must be, so that every statement has room."""
    return sum(one.height for one in _placed(shown, width - MARGIN))


def draw_statements(picture: Image.Image, shown: ShownReading, box: Box) -> None:
    """Write the statements below each other."""
    pen, (left, top, right, _), language = ImageDraw.Draw(picture), box, shown.language
    down, letters = float(top), font(_TEXT_SIZE, language)
    for placed in _placed(shown, right - left - MARGIN):
        title = font(_TITLE_SIZE, language)
        pen.text((left, down + 9), placed.title, QUIET, title, anchor="lm")
        line_down = down if placed.indent else down + _TITLE_PX
        for line in placed.lines:
            pen.text(
                (left + placed.indent, line_down + 9), line, placed.colour, letters, anchor="lm"
            )
            line_down += _LINE_PX
        down += placed.height


def _lines(remark: Remark, width: float, language: Language) -> list[str]:
    said = [remark.joint.join(worded(text, language) for text in texts) for texts in remark.lines]
    if remark.running:
        said = [", ".join(said)]
    return [line for one in said for line in wrapped(one, _TEXT_SIZE, width, language)]


def statements(shown: ShownReading) -> Iterator[tuple[Remark, Colour]]:
    """Everything that is said, what a reader must know first, each in its colour."""
    reading = shown.reading
    if reading.warnings:
        warned = tuple((gate.name, gate.reason or "failed") for gate in reading.warnings)
        yield Remark("Warning", warned), AMBER
    yield from ((one, TEXT) for one in reading.remarks if one.lines)
    passed = [gate for gate in reading.gates if gate.passed]
    counted = f"{len(passed)} of {len(reading.gates)} checks passed"
    yield Remark("Quality", ((counted,),)), TEXT
    if passed and not shown.has_findings:
        yield _checked(passed), QUIET


def _checked(gates: Iterable[QualityGate]) -> Remark:
    """What gates saw; not the patient's age, which is no matter of the pixels."""
    lines = tuple(
        (gate.name,) if gate.seen.endswith(AGE_ENDINGS) else (gate.name, gate.seen)
        for gate in gates
    )
    return Remark("Checked and passed", lines, running=True)


def draw_reasons(picture: Image.Image, shown: ShownReading, box: Box) -> None:
    """Why there is no answer, in place of figures; and what else was checked."""
    pen, (left, top, right, bottom), language = ImageDraw.Draw(picture), box, shown.language
    reading, width = shown.reading, right - left - 2 * MARGIN
    title = worded("Failed quality checks", language)
    bold(pen, (left + MARGIN, top + 26), title, 20, TEXT, "lm", language=language)
    passed = [gate for gate in reading.gates if gate.passed]
    said = [(TEXT, 18, _reason(gate, language)) for gate in reading.failed_gates]
    said += [(AMBER, 16, _reason(gate, language)) for gate in reading.warnings]
    listed = _checked(passed)
    passed_line = worded(listed.title, language) + ": " + " ".join(_lines(listed, 1e9, language))
    down = top + 58
    for colour, size, text in [*said, *([(QUIET, 15, passed_line)] if passed else [])]:
        for line in wrapped(text, size, width, language):
            if down > bottom - 12:
                return
            pen.text((left + MARGIN, down), line, colour, font(size, language), anchor="lm")
            down += size + 8
        down += _APART_PX


def _reason(gate: QualityGate, language: Language) -> str:
    name, reason, seen, limit = (
        worded(text, language)
        for text in (gate.name, gate.reason or "failed", gate.seen, gate.limit)
    )
    return f"{name}: {without_stop(reason)} ({seen}; {limit})"
