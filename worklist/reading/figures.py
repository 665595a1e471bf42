"""A reading as figures and phrases: its table, its gates, and what a line of the list says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from radiology import codes
from radiology.answer.brief import ReadingInBrief
from radiology.answer.finding import Finding, Presence
from radiology.answer.measurement import Measurement
from radiology.answer.reading import Reading, ReportWords
from radiology.answer.table import Table
from radiology.outcome import GateSeverity, Outcome, QualityGate
from radiology.unit_words import unit_words
from worklist.words.declared_titles import gate_words, titled
from worklist.words.rule_texts import rule_text
from worklist.words.translations import translated
from worklist.words.verdict import negative_words

_NBSP = "\u00a0"  # keeps a figure and its unit on one line
PRESENCE_WORDS = {
    Presence.PRESENT: "present",
    Presence.SUSPECTED: "suspected",
    Presence.ABSENT: "not found",
    Presence.UNDETERMINED: "undetermined",
}


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """The head of a column of figures; `main` is that of the figure which leads the summary."""

    title: str
    unit: str
    decimals: int
    main: bool


@dataclass(frozen=True, slots=True)
class RowLine:
    """One organ, part or lesion; None where nothing could be measured."""

    title: str
    is_part: bool
    cells: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class TableLines:
    """The table of figures; without rows where nothing was measured."""

    columns: tuple[ColumnLine, ...] = ()
    rows: tuple[RowLine, ...] = ()


@dataclass(frozen=True, slots=True)
class GateLine:
    """A quality gate: what it saw and what it asks for; `warns` leaves the result standing."""

    name: str
    passed: bool
    warns: bool
    seen: str
    limit: str
    reason: str


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One figure with its unit, and what it says."""

    title: str
    value: str


def table_lines(reading: Reading | ReadingInBrief | None) -> TableLines:
    """The table of figures; columns about findings only where the reading states some."""
    if reading is None:
        return TableLines()
    columns, report = reading.table.columns, reading.report
    claims = reading.outcome is Outcome.FINDINGS
    shown = [at for at, one in enumerate(columns) if claims or not one.of_findings]
    main = _leading_column(reading.table, leading_measurement(reading))
    return TableLines(
        tuple(
            ColumnLine(
                titled(columns[at].title, report),
                columns[at].unit,
                columns[at].decimals,
                at == main,
            )
            for at in shown
        ),
        tuple(
            RowLine(titled(row.title, report), row.is_part, tuple(row.cells[at] for at in shown))
            for row in reading.table.rows
        ),
    )


def gate_lines(reading: Reading | ReadingInBrief | None) -> tuple[GateLine, ...]:
    """The quality gates, those that refuse the study first, then those that warn of it."""
    lines = [] if reading is None else [_gate_line(one, reading.report) for one in reading.gates]
    return tuple(sorted(lines, key=lambda line: (line.passed, line.warns)))


def suspicion_threshold(reading: Reading | ReadingInBrief | None) -> float | None:
    """At or above this a study is suspected."""
    if reading is None or reading.suspicion is None:
        return None
    return reading.suspicion.threshold


def read_as(reading: Reading | ReadingInBrief | None) -> str:
    """What was read, and what for; empty where there is no reading."""
    if reading is None:
        return ""
    return translated(
        "%(title)s, for %(subject)s",
        title=titled(reading.report.title, reading.report),
        subject=titled(reading.report.subject, reading.report),
    )


def found_in_words(reading: Reading | ReadingInBrief | None) -> tuple[str, ...]:
    """What was found, as short phrases for one line; empty where it could not be assessed."""
    if reading is None or reading.outcome is Outcome.NOT_ASSESSABLE:
        return ()
    measured = tuple(_measured_phrases(reading))
    if measured and reading.outcome is Outcome.FINDINGS:
        return measured
    said = tuple(
        negative_words(reading) or _presence_of(one, reading.report) for one in reading.findings[:1]
    )
    return (*said, *measured) or (translated("No figures"),)


def leading_measurement(reading: Reading | ReadingInBrief) -> Measurement | None:
    """The measurement that the summary tells first; None where it tells none."""
    return next((one for one in reading.summary if isinstance(one, Measurement)), None)


def leading_figure(reading: ReadingInBrief | None) -> FigureLine | None:
    """The figure that the summary tells first; None where the study was not assessed."""
    if reading is None or reading.outcome is Outcome.NOT_ASSESSABLE:
        return None
    leading = leading_measurement(reading)
    return None if leading is None else figure_line(leading, reading.report)


def figure_line(measured: Measurement, report: ReportWords) -> FigureLine:
    """A measurement in words."""
    return FigureLine(titled(measured.concept.meaning, report), figure_words(measured))


def possible_lines(reading: Reading | None) -> tuple[FigureLine, ...]:
    """What was seen below the operating point, and how much of it."""
    if reading is None:
        return ()
    return tuple(
        FigureLine(
            titled(one.region.name, reading.report),
            translated(
                "%(volume)s, slices: %(slices)s",
                volume=figure_words(one.volume),
                slices=str(one.slices),
            ),
        )
        for one in reading.possible
    )


def figure_words(measured: Measurement) -> str:
    """A value with its unit; a little is not nothing."""
    words = unit_words(measured.unit)
    unit = f"{_NBSP}{translated(words)}" if words else ""
    if measured.decimals is None:
        return f"{measured.value:g}{unit}".replace("-", "−")
    least = 10.0**-measured.decimals
    if 0 < measured.value < least / 2:
        return f"<{_NBSP}{least:g}{unit}"
    return f"{measured.value:.{measured.decimals}f}{unit}".replace("-", "−")


def _presence_of(finding: Finding, report: ReportWords) -> str:
    return _said_of(finding, report, translated(PRESENCE_WORDS[finding.presence]))


def _said_of(finding: Finding, report: ReportWords, words: str) -> str:
    title = titled(finding.title, report)
    return translated("%(finding)s: %(words)s", finding=title[:1].upper() + title[1:], words=words)


def _finding_of_figures(reading: Reading | ReadingInBrief) -> Finding | None:
    """The finding that the summary's figures are of: claimed first, with a row of its own name.

    None where the figures say themselves what they are of, such as the share of an organ.
    """
    first = next(iter(reading.findings), None)
    if first is None or not first.presence.claimed:
        return None
    return first if any(row.title in first.groups for row in reading.table.rows) else None


def _measured_phrases(reading: Reading | ReadingInBrief) -> Iterator[str]:
    """What was measured, where there is some; after the first figure that of each whole row.

    Figures of a finding's own row are said of the finding, by its title.
    """
    leading = leading_measurement(reading)
    of = _finding_of_figures(reading)
    for measurement in reading.summary:
        if (
            isinstance(measurement, Measurement)
            and measurement.unit != codes.NO_UNIT
            and measurement.value > 0
        ):
            line = figure_line(measurement, reading.report)
            figure = f"{line.title} {line.value}"
            yield figure if of is None else _said_of(of, reading.report, figure)
            of = None  # the phrases that follow are of the same finding
            if measurement is leading:
                yield from _whole_rows(reading, measurement)


def _whole_rows(reading: Reading | ReadingInBrief, leading: Measurement) -> list[str]:
    """The leading figure of each whole; none where one whole alone would be told apart."""
    table = reading.table
    at = _leading_column(table, leading)
    told = []
    for row in table.rows if at is not None else ():
        cell = row.cells[at or 0]
        if not row.is_part and cell is not None and cell != leading.value:
            figure = Measurement(leading.concept, cell, leading.unit, leading.decimals)
            title = titled(row.title, reading.report)
            told.append(f"{title}{_NBSP}{figure_words(figure)}")
    return told if len(told) > 1 else []


def _leading_column(table: Table, leading: Measurement | None) -> int | None:
    """The first column that is in the unit of the leading figure and has it in one of its rows."""
    if leading is None:
        return None
    for at, column in enumerate(table.columns):
        cells = [row.cells[at] for row in table.rows]
        if column.unit == unit_words(leading.unit) and leading.value in cells:
            return at
    return None


def _gate_line(gate: QualityGate, report: ReportWords) -> GateLine:
    return GateLine(
        name=gate_words(gate.name, report),
        passed=gate.passed,
        warns=gate.severity is GateSeverity.WARNS,
        seen=rule_text(gate.seen, report),
        limit=rule_text(gate.limit, report),
        reason=titled(gate.reason, report),
    )
