"""Feedback on a study's results in lines, and the form for the newest result.

The section is the same for everybody who looks at the study, because its live updates are: nothing
in it depends on who looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from database.feedback.given import FeedbackFacts
from database.views.worklist.worklist_facts import ResultFacts
from radiology.feedback import MOST_CHARACTERS, POSSIBLE, Fault, Judgement, is_called

JUDGEMENT_WORDS = {Judgement.AGREE: "Agrees", Judgement.DISAGREE: "Disagrees"}
FAULT_WORDS = {
    Fault.FALSE_POSITIVE: "False positive: there is nothing of the kind",
    Fault.MISSED: "Missed: there is something that was not found",
    Fault.WRONG_REGION: "Wrong region: it lies elsewhere, or is outlined wrongly",
    Fault.WRONG_TYPE: "Wrong type of what was found",
}
SHORT_FAULT_WORDS = {
    Fault.FALSE_POSITIVE: "false positive",
    Fault.MISSED: "missed",
    Fault.WRONG_REGION: "wrong region",
    Fault.WRONG_TYPE: "wrong type",
}


@dataclass(frozen=True, slots=True)
class FeedbackLine:
    """One opinion; `changed_at` is when the reader thought again, None while it stands."""

    reader: str
    judgement: Judgement
    words: str
    faults: tuple[str, ...]
    comment: str
    given_at: datetime
    study_version: int
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class FeedbackForm:
    """What a reader can say.

    It changes with the result only, so a live update does not remove what a reader is typing.

    Attributes
    ----------
    result_id : what new feedback is about; None where there is no answer to judge
    choices : what can be wrong with it: the value of the form and the words
    shown : whether the section has anything, what was said before included
    """

    result_id: int | None
    choices: tuple[tuple[str, str], ...]
    shown: bool
    most_characters: int = MOST_CHARACTERS


@dataclass(frozen=True, slots=True)
class FeedbackSaid:
    """What readers said.

    Attributes
    ----------
    standing : opinions about the result in force
    others : opinions that were changed, and about earlier versions of the result
    """

    standing: tuple[FeedbackLine, ...]
    others: tuple[FeedbackLine, ...]


def feedback_form(result: ResultFacts | None, given: tuple[FeedbackFacts, ...]) -> FeedbackForm:
    """The form for the result in force."""
    if result is None or result.urgency is None:
        return FeedbackForm(None, (), shown=bool(given))
    possible = POSSIBLE[is_called(result.urgency)]
    choices = tuple((fault.value, FAULT_WORDS[fault]) for fault in possible)
    return FeedbackForm(result.id, choices, shown=True)


def feedback_said(result: ResultFacts | None, given: tuple[FeedbackFacts, ...]) -> FeedbackSaid:
    """Everything that was said, in two groups."""
    now = result.id if result is not None else None
    standing = [one for one in given if one.replaced_at is None and one.result_id == now]
    return FeedbackSaid(
        standing=tuple(_line(one) for one in standing),
        others=tuple(_line(one) for one in given if one not in standing),
    )


def _line(facts: FeedbackFacts) -> FeedbackLine:
    return FeedbackLine(
        reader=facts.reader,
        judgement=facts.judgement,
        words=JUDGEMENT_WORDS[facts.judgement],
        faults=tuple(SHORT_FAULT_WORDS[fault] for fault in facts.faults),
        comment=facts.comment,
        given_at=facts.given_at,
        study_version=facts.study_version,
        changed_at=facts.replaced_at,
    )
