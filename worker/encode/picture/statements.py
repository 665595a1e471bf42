"""The key picture's statements beside its figures: type, severity, signs, rule and quality."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw

from radiology.chest.case_answer import CaseRule, RuleAnswer
from radiology.chest.change_words import change_texts, change_title
from radiology.chest.reading import ChestReading
from radiology.language import Language
from radiology.outcome import QualityGate
from worker.encode.picture.lettering import Colour, font, wrapped
from worker.encode.picture.text import AMBER, MARGIN, QUIET, TEXT, Box, bold, percent
from worker.encode.picture.wording import worded
from worker.encode.shown_reading import ShownReading

_TITLE_SIZE, _TEXT_SIZE = 13, 15
_TITLE_PX, _LINE_PX, _APART_PX = 18, 20, 5

_RULES = {
    CaseRule.LESION_SHARE: "Lesions in {:.2f} % of the lungs, limit {:g} %",
    CaseRule.CONSECUTIVE_SLICES: "Lesions in {:.0f} slices running, limit {:g}",
    CaseRule.POSITIVE_SLICES: "Lesions in {:.1f} % of the slices, limit {:g} %",
    CaseRule.MAXIMUM: "Lesions in {:.1f} % of a slice's lung, limit {:g} %",
}


@dataclass(frozen=True, slots=True)
class ShownStatement:
    """A title, and what is said under it: texts in English, each of them one entry of the tables.

    The texts of one line stand in one tuple, with `joint` between them; with `running` the lines
    follow one another.
    """

    title: str
    lines: tuple[tuple[str, ...], ...]
    colour: Colour = TEXT
    joint: str = ": "
    running: bool = False


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
    for statement in statements(shown):
        title, lines = worded(statement.title, language), _lines(statement, width, language)
        indent = font(_TITLE_SIZE, language).getlength(title) + 10
        length = font(_TEXT_SIZE, language).getlength(lines[0])
        beside = len(lines) == 1 and indent + length <= width
        placed.append(_Placed(title, tuple(lines), statement.colour, indent if beside else 0.0))
    return placed


def statements_height(shown: ShownReading, width: int) -> int:
    """How high a box of this width must be, so that every statement has room."""
    return sum(one.height for one in _placed(shown, width - MARGIN))


def draw_statements(picture: Image.Image, shown: ShownReading, box: Box) -> None:
    """Write the statements below each other."""
    pen, (left, top, right, _), language = ImageDraw.Draw(picture), box, shown.language
    down, letters = float(top), font(_TEXT_SIZE, language)
    for one in _placed(shown, right - left - MARGIN):
        title = font(_TITLE_SIZE, language)
        pen.text((left, down + 9), one.title, QUIET, title, anchor="lm")
        line_down = down if one.indent else down + _TITLE_PX
        for line in one.lines:
            pen.text((left + one.indent, line_down + 9), line, one.colour, letters, anchor="lm")
            line_down += _LINE_PX
        down += one.height


def _lines(statement: ShownStatement, width: float, language: Language) -> list[str]:
    said = [
        statement.joint.join(worded(text, language) for text in texts) for texts in statement.lines
    ]
    if statement.running:
        said = [", ".join(said)]
    return [line for one in said for line in wrapped(one, _TEXT_SIZE, width, language)]


def statements(shown: ShownReading) -> Iterator[ShownStatement]:
    """Everything that is said, what a reader must know first; nothing where nothing was asked."""
    reading = shown.reading
    if reading.warnings:
        warned = tuple((gate.name, gate.reason or "failed") for gate in reading.warnings)
        yield ShownStatement("Warning", warned, AMBER)
    if shown.prior is not None and (changed := tuple(change_texts(shown.prior))):
        yield ShownStatement(change_title(shown.prior), changed, joint=", ")
    if reading.viral is not None:
        yield ShownStatement("Type (a hint, no diagnosis)", _type(reading))
    if reading.severity is not None:
        mosmed, ct_severity, *others = reading.severity.scores
        answered = [one for one in others if one.computed or one.at_least is not None]
        lines = [(one.name, one.label) for one in (mosmed, ct_severity, *answered)]
        yield ShownStatement("Severity", tuple(lines))
    if reading.signs:
        yield ShownStatement("Signs", _signs(reading))
    if lobes := _lobes(shown):
        yield ShownStatement("Lobes", lobes)
    chosen = [rule for rule in reading.rules if rule.chosen]
    if chosen:
        yield ShownStatement("Rule that decides", tuple((_rule(one),) for one in chosen))
    passed = [gate for gate in reading.gates if gate.passed]
    yield ShownStatement("Quality", ((f"{len(passed)} of {len(reading.gates)} checks passed",),))
    if passed and not shown.has_findings:
        yield ShownStatement("Checked and passed", checked(passed), QUIET, running=True)


def checked(gates: Iterable[QualityGate]) -> tuple[tuple[str, ...], ...]:
    """What gates saw; not the patient's age, which is no matter of the pixels."""
    return tuple((gate.name,) if gate.name == "adult" else (gate.name, gate.seen) for gate in gates)


def _type(reading: ChestReading) -> tuple[tuple[str, ...], ...]:
    viral = reading.viral
    if viral is None:
        return ()
    if viral.probability is None:
        return ((viral.type.words,), ("no slice was classified",))
    return (
        (viral.type.words,),
        (f"{percent(viral.probability):.1f} %, mean of {viral.slices} slices",),
    )


def _signs(reading: ChestReading) -> tuple[tuple[str, ...], ...]:
    present = [one for one in reading.signs if one.present]
    if not present:
        return (("none said to be present",),)
    return tuple((one.sign.words, f"{percent(one.probability):.1f} %") for one in present)


def _rule(answer: RuleAnswer) -> str:
    return _RULES[answer.rule].format(answer.value, answer.limit)


def _lobes(shown: ShownReading) -> tuple[tuple[str, ...], ...]:
    """Only where a reader would else take the table for what it is not."""
    if any(not one.territory.is_lobe for one in shown.territories):
        return (("Zones are thirds of a lung's height, no lobes",),)
    missed = [one.name for one in shown.reading.boundaries if not one.seen]
    return tuple((f"{name} not seen",) for name in missed)


def draw_reasons(picture: Image.Image, shown: ShownReading, box: Box) -> None:
    """Why there is no answer, in place of figures; and what else was checked."""
    pen, (left, top, right, bottom), language = ImageDraw.Draw(picture), box, shown.language
    reading, width = shown.reading, right - left - 2 * MARGIN
    title = worded("Failed quality checks", language)
    bold(pen, (left + MARGIN, top + 26), title, 20, TEXT, "lm", language=language)
    passed = [gate for gate in reading.gates if gate.passed]
    said = [(TEXT, 18, _reason(gate, language)) for gate in reading.failed_gates]
    said += [(AMBER, 16, _reason(gate, language)) for gate in reading.warnings]
    listed = ShownStatement("Checked and passed", checked(passed), running=True)
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
    return f"{name}: {reason} ({seen}; {limit})"
