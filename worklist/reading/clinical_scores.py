"""The scores that need clinical values, computed with the values in force.

Only their makers can apply them again (`models.schema_2.rows`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from database.studies.clinical_values import RecordedValues
from models.schema_2.rows import given_in, notice_of_rules, statements_again
from radiology import codes
from radiology.answer.reading import Reading
from radiology.answer.statement import Statement
from radiology.clinical import ClinicalValues, titles
from radiology.errors import ClinicalValuesRefused
from worklist.reading.score_lines import TopicLines, topic_lines
from worklist.words.translations import translated_row

_NOT_OF_THESE_RULES = (ValueError, TypeError)
_NOT_AGAIN = "An older version wrote this result: it cannot be computed again."
_COMPUTED_ANEW = codes.SEVERITY
"""The concept of every statement that these rules make."""


@dataclass(frozen=True, slots=True)
class EnteredLine:
    """One clinical value that is in force, and where it came from."""

    title: str
    value: str
    by: str
    through: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ScoresOfStudy:
    """All rules of a study.

    Attributes
    ----------
    entered : what they were computed from beside images and headers
    trouble : why what was entered could not be used; empty where it was
    entry_id : of the newest entry of clinical values
    clinical : whether clinical values may be asked for
    """

    topics: tuple[TopicLines, ...]
    entered: tuple[EnteredLine, ...]
    notice: str
    trouble: str
    entry_id: int
    clinical: bool

    @property
    def any(self) -> bool:
        """Whether there is something to show."""
        return bool(self.topics or self.entered)

    @property
    def answered(self) -> bool:
        """Whether a rule has an answer."""
        return any(topic.scores for topic in self.topics)


def scores_of_study(
    reading: Reading | None,
    recorded: RecordedValues | None = None,
    *,
    unreadable: bool = False,
) -> ScoresOfStudy:
    """The rules as they were stored, or computed again with what was entered since.

    Parameters
    ----------
    reading : of the result in force; None where there is none
    recorded : what is in force now; None to show what the reading was made with
    unreadable : whether there is none because what was stored cannot be read
    """
    statements, trouble = () if reading is None else reading.statements, ""
    # Some that the reading was made with may have been taken back since.
    again = recorded is not None and bool(
        recorded.values or (reading is not None and given_in(reading))
    )
    recorded = recorded or RecordedValues()
    if again and unreadable:
        trouble = _NOT_AGAIN
    elif again and may_use_clinical_values(reading):
        try:
            values = ClinicalValues.from_facts(recorded.values)
            statements = _replaced(statements, statements_again(reading, values))
        except ClinicalValuesRefused as error:
            trouble = str(error)
        except _NOT_OF_THESE_RULES:
            trouble = _NOT_AGAIN
    computed = any(one.concept == _COMPUTED_ANEW for one in statements)
    return ScoresOfStudy(
        topics=topic_lines(statements, None if reading is None else reading.report),
        entered=tuple(
            EnteredLine(
                titles.TITLES[name][0] if name in titles.TITLES else name.replace("_", " "),
                _value_words(name, value),
                source.by,
                source.through,
                source.at,
            )
            for name, value in recorded.values.items()
            for source in (recorded.sources[name],)
        ),
        notice=translated_row(notice_of_rules()) if computed else "",
        trouble=trouble,
        entry_id=recorded.entry_id,
        clinical=may_use_clinical_values(reading),
    )


def may_use_clinical_values(reading: Reading | None) -> bool:
    """Whether a reading asks for them; before there is an answer nobody knows, and they may."""
    if reading is None or not reading.statements:
        return True
    return any(one.concept == _COMPUTED_ANEW for one in reading.statements)


def _replaced(
    statements: tuple[Statement, ...], again: tuple[Statement, ...]
) -> tuple[Statement, ...]:
    """Statements with those that were made again, in the place of the first of them."""
    kept = [one for one in statements if one.concept != _COMPUTED_ANEW]
    places = [at for at, one in enumerate(statements) if one.concept == _COMPUTED_ANEW]
    place = places[0] if places else len(kept)
    return (*kept[:place], *again, *kept[place:])


def _value_words(name: str, value: object) -> str:
    if isinstance(value, int | float):
        return translated_row(titles.value_words(name, value)).replace("-", "−")
    return translated_row(titles.value_words(name, None if value is None else str(value)))
