"""Severity of a study as the page shows it: each rule with its inputs and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chest.judge_again import given_in, judge_again
from database.studies.clinical_values import RecordedValues
from radiology.chest.severity import ClinicalValues, titles
from radiology.errors import ClinicalValuesRefused
from worklist.words.translations import translated, translated_row

_UNREADABLE = (KeyError, ValueError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class InputLine:
    """One value that a rule looked at; `effect` is what it adds or fulfils."""

    title: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One published severity rule: its answer, or why it has none.

    `missing` are the titles of what was not given and the rule asks for.
    """

    name: str
    label: str
    note: str
    source: str
    published_outcome: str = ""
    inputs: tuple[InputLine, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnteredLine:
    """One clinical value that is in force, and where it came from."""

    title: str
    value: str
    by: str
    through: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SeverityLines:
    """All rules of a study.

    Attributes
    ----------
    scores : the rules with an answer
    unanswered : those without one
    entered : what they were computed from beside images and headers
    trouble : why what was entered could not be used; empty where it was
    entry_id : of the newest entry of clinical values
    """

    scores: tuple[ScoreLine, ...]
    unanswered: tuple[ScoreLine, ...]
    entered: tuple[EnteredLine, ...]
    notice: str
    trouble: str
    entry_id: int

    @property
    def any(self) -> bool:
        """Whether there is something to show."""
        return bool(self.scores or self.unanswered or self.entered)


def severity_lines(
    reading: Mapping[str, Any] | None, recorded: RecordedValues | None = None
) -> SeverityLines:
    """The rules as they were stored, or computed again with what was entered since.

    Parameters
    ----------
    reading : of the result in force; None where there is none
    recorded : what is in force now; None to show what the reading was made with
    """
    severity, trouble = dict((reading or {}).get("severity") or {}), ""
    # Some that the reading was made with may have been taken back since.
    again = recorded is not None and bool(recorded.values or given_in(reading or {}))
    recorded = recorded or RecordedValues()
    if again:
        try:
            values = ClinicalValues.from_facts(recorded.values)
            severity = judge_again(reading, values).facts()
        except ClinicalValuesRefused as error:
            trouble = str(error)
        except _UNREADABLE:
            trouble = "An older version wrote this result: it cannot be computed again."
    scores = [one for one in severity.get("scores") or () if isinstance(one, Mapping)]
    return SeverityLines(
        scores=tuple(_score_line(one) for one in scores if _is_answered(one)),
        unanswered=tuple(_score_line(one) for one in scores if not _is_answered(one)),
        entered=tuple(
            EnteredLine(
                title_of(name), value_words(name, value), source.by, source.through, source.at
            )
            for name, value in recorded.values.items()
            for source in (recorded.sources[name],)
        ),
        notice=translated_row(str(severity.get("notice", ""))),
        trouble=trouble,
        entry_id=recorded.entry_id,
    )


def leading_score(reading: Mapping[str, Any]) -> ScoreLine | None:
    """The first rule that has an answer: the grade by share of the worse lung, mostly."""
    return next(iter(severity_lines(reading).scores), None)


def title_of(name: str) -> str:
    """What a person reads for the name of an input; the name itself where it is not known."""
    return titles.TITLES[name][0] if name in titles.TITLES else name.replace("_", " ")


def value_words(name: str, value: object) -> str:
    """A value with its unit, as a person would say it; a dash for one that was not given."""
    if value is None:
        return "–"
    if isinstance(value, int | float):
        return titles.value_words(name, value).replace("-", "−")
    return titles.value_words(name, str(value))


def _is_answered(score: Mapping[str, Any]) -> bool:
    """Whether it has an answer; a lower limit is one too."""
    return bool(score.get("computed") or score.get("at_least"))


def _score_line(one: Mapping[str, Any]) -> ScoreLine:
    return ScoreLine(
        name=translated(str(one["name"])),
        label=translated_row(str(one["label"])),
        note=translated_row(str(one.get("note", ""))),
        source=str(one.get("source", "")),
        published_outcome=str(one.get("published_outcome") or ""),
        inputs=tuple(
            InputLine(
                title_of(str(item["name"])),
                value_words(str(item["name"]), item.get("value")),
                _effect(item),
            )
            for item in one.get("inputs") or ()
        ),
        missing=tuple(title_of(str(name)) for name in one.get("missing") or ()),
    )


def _effect(item: Mapping[str, Any]) -> str:
    points, met = item.get("points"), item.get("met")
    if isinstance(points, int):
        return f"{points} point" if points == 1 else f"{points} points"
    if met is None:
        return ""
    return "fulfilled" if met else "not fulfilled"
