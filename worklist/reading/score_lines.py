"""Scores by topic: each with its inputs, and its answer or its missing inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from radiology.answer.reading import ReportWords
from radiology.answer.statement import Statement, StatementInput
from radiology.codes import Code
from worklist.words.declared_titles import titled
from worklist.words.note_texts import note_words
from worklist.words.rule_texts import rule_text
from worklist.words.translations import translated, translated_row


@dataclass(frozen=True, slots=True)
class InputLine:
    """One value that a rule looked at; `effect` is what it adds or fulfils."""

    title: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One rule: its answer, or why it has none.

    `missing` are the titles of what was not given and the rule asks for.
    """

    name: str
    label: str
    note: str
    source: str
    published: str = ""
    inputs: tuple[InputLine, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TopicLines:
    """The rules about one matter: those with an answer, and those without one."""

    title: str
    scores: tuple[ScoreLine, ...]
    unanswered: tuple[ScoreLine, ...]


def topic_lines(
    statements: Iterable[Statement], report: ReportWords | None = None
) -> tuple[TopicLines, ...]:
    """The statements that were made from inputs, the topics in their order.

    Parameters
    ----------
    report : of the bundle whose statements they are, which may have words for their names
    """
    by_topic: dict[str, list[Statement]] = {}
    for statement in statements:
        if statement.inputs or statement.missing:
            by_topic.setdefault(statement.topic or statement.concept.meaning, []).append(statement)
    return tuple(
        TopicLines(
            translated(title),
            tuple(_score_line(one, report) for one in made if one.answer is not None),
            tuple(_score_line(one, report) for one in made if one.answer is None),
        )
        for title, made in by_topic.items()
    )


def _score_line(statement: Statement, report: ReportWords | None) -> ScoreLine:
    name = statement.name or statement.concept.meaning
    answer = statement.answer.meaning if isinstance(statement.answer, Code) else statement.answer

    def said(text: str) -> str:
        return translated_row(text) if report is None else rule_text(text, report)

    return ScoreLine(
        name=translated_row(name) if report is None else titled(name, report),
        label=said(answer or "not computed"),
        note=_note(statement.note, said),
        source=translated_row(statement.source),
        published=translated_row(statement.published),
        inputs=tuple(
            InputLine(item.title, _value(item), _effect(item)) for item in statement.inputs
        ),
        missing=statement.missing,
    )


def _note(text: str, said: Callable[[str], str]) -> str:
    """A note of ours, or one that a bundle declares."""
    known = note_words(text)
    return said(text) if known == text else known


def _value(item: StatementInput) -> str:
    """A value with its unit; a dash for one that was not given."""
    if item.value is None:
        return "–"
    words = translated_row(item.words)
    return words if isinstance(item.value, str) else words.replace("-", "−")


def _effect(item: StatementInput) -> str:
    if item.points is not None:
        points = f"{item.points} point" if item.points == 1 else f"{item.points} points"
        return translated_row(points)
    if item.met is None:
        return ""
    return translated("fulfilled") if item.met else translated("not fulfilled")
