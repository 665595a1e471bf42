"""A reading beyond its figures, in lines: findings, coded answers, remarks and sentences.

Statements that were made from inputs have a module of their own, `worklist.reading.score_lines`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from radiology import codes
from radiology.answer.brief import ReadingInBrief
from radiology.answer.finding import Finding
from radiology.answer.measurement import Measurement
from radiology.answer.reading import Reading, ReportWords
from radiology.answer.remark import Remark
from radiology.answer.statement import Statement
from radiology.codes import Code
from radiology.outcome import Outcome
from worklist.reading.figures import PRESENCE_WORDS, figure_words
from worklist.words.declared_titles import titled
from worklist.words.explained import word_of
from worklist.words.note_texts import note_words
from worklist.words.rule_texts import rule_text
from worklist.words.translations import translated, translated_row

Summary = tuple[Measurement | Statement, ...]


@dataclass(frozen=True, slots=True)
class CodedLine:
    """A question with its coded answer.

    `figure` is what was measured of it, where it was; `word` the key of the explanation that the
    question has, where it has one (`worklist.words.explained`).
    """

    words: str
    answer: str
    figure: str = ""
    word: str = ""


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One finding, whether it is there, and how probable that is."""

    words: str
    presence: str
    probability: float | None
    threshold: float | None


@dataclass(frozen=True, slots=True)
class RemarkLine:
    """One matter of which something is said, a text for each line."""

    title: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseLines:
    """Everything of one reading; empty where it could not be assessed.

    Attributes
    ----------
    warnings : reasons of gates that were not passed and left the result standing
    sentences : what the report says of the whole study
    """

    warnings: tuple[str, ...] = ()
    coded: tuple[CodedLine, ...] = ()
    findings: tuple[FindingLine, ...] = ()
    remarks: tuple[RemarkLine, ...] = ()
    sentences: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there is something to show."""
        return bool(self.warnings or self.coded or self.findings or self.remarks or self.sentences)


def case_lines(reading: Reading | None) -> CaseLines:
    """What a reading says beyond its figures."""
    if reading is None or reading.outcome is Outcome.NOT_ASSESSABLE:
        return CaseLines()
    return CaseLines(
        warnings=tuple(titled(gate.reason, reading.report) for gate in reading.warnings),
        coded=_coded_lines(reading),
        findings=tuple(_finding_line(one, reading.report) for one in reading.findings),
        remarks=tuple(_remarks(reading)),
        sentences=tuple(
            note_words(statement.answer)
            for statement in reading.statements
            if isinstance(statement.answer, str) and statement.answer and not statement.inputs
        ),
    )


def coded_in_brief(reading: Reading | ReadingInBrief) -> tuple[CodedLine, ...]:
    """The coded answers of a summary and its first score, without what was measured of each."""
    return (*_answers(reading), *_scores(reading)[:1])


def _coded_lines(reading: Reading) -> tuple[CodedLine, ...]:
    """The same with what was measured; scores where no statement says how they came about."""
    answers = tuple(
        replace(line, figure=_figure_of(statement.concept, reading))
        for line, statement in zip(_answers(reading), _answered(reading.summary), strict=True)
    )
    explained = any(one.inputs for one in reading.statements)
    return answers if explained else (*answers, *_scores(reading))


def _answered(summary: Summary) -> tuple[Statement, ...]:
    return tuple(one for one in summary if isinstance(one, Statement) and one.answer)


def _answers(reading: Reading | ReadingInBrief) -> tuple[CodedLine, ...]:
    return tuple(
        CodedLine(
            titled(statement.concept.meaning, reading.report),
            titled(_answer_words(statement), reading.report),
            word=word_of(statement.concept),
        )
        for statement in _answered(reading.summary)
    )


def _answer_words(statement: Statement) -> str:
    answer = statement.answer
    return answer.meaning if isinstance(answer, Code) else answer or ""


def _scores(reading: Reading | ReadingInBrief) -> tuple[CodedLine, ...]:
    return tuple(
        CodedLine(titled(measurement.concept.meaning, reading.report), figure_words(measurement))
        for measurement in reading.summary
        if isinstance(measurement, Measurement) and measurement.unit == codes.NO_UNIT
    )


def _figure_of(concept: Code, reading: Reading) -> str:
    """What the first group that has it measured of a concept."""
    for group in reading.groups:
        measured = group.measurement(concept)
        if measured is not None:
            return figure_words(measured)
    return ""


def _finding_line(finding: Finding, report: ReportWords) -> FindingLine:
    return FindingLine(
        titled(finding.title, report),
        translated(PRESENCE_WORDS[finding.presence]),
        finding.probability,
        finding.threshold,
    )


def _remarks(reading: Reading) -> Iterator[RemarkLine]:
    """Those that no other section of the page says."""
    elsewhere = {one.topic for one in reading.statements if one.inputs}
    for remark in reading.remarks:
        if remark.title not in elsewhere:
            yield _remark_line(remark, reading.report)


def _remark_line(remark: Remark, report: ReportWords) -> RemarkLine:
    texts = tuple(
        translated(remark.joint).join(rule_text(text, report) for text in line)
        for line in remark.lines
    )
    return RemarkLine(
        translated_row(remark.title), (" ".join(texts),) if remark.running and texts else texts
    )
