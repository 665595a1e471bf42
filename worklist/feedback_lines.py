"""What readers said of the results of a study, as lines, and what they can say of the newest.

The section is the same for everybody who looks at the study, because its live updates are: nothing
in it depends on who looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from database.feedback import FeedbackFacts
from database.worklist_facts import ResultFacts
from radiology.feedback import MOST_CHARACTERS, POSSIBLE, Fault, Judgement, is_called

JUDGEMENT_WORDS = {Judgement.AGREE: "Agrees", Judgement.DISAGREE: "Disagrees"}
FAULT_WORDS = {
    Fault.FALSE_POSITIVE: "False positive: there is nothing of the kind",
    Fault.MISSED: "Missed: there is something that was not found",
    Fault.WRONG_REGION: "Wrong region: it lies elsewhere, or is outlined wrongly",
    Fault.WRONG_TYPE: "Wrong type of pneumonia",
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
class FeedbackSection:
    """The section of a study.

    Attributes
    ----------
    result_id : what new feedback is about; None where there is no answer to judge
    choices : what can be wrong with it: the value of the form and the words
    standing : opinions about that result
    others : opinions that were changed, and about earlier versions of the result
    """

    result_id: int | None
    study_version: int | None
    choices: tuple[tuple[str, str], ...]
    standing: tuple[FeedbackLine, ...]
    others: tuple[FeedbackLine, ...]
    most_characters: int = MOST_CHARACTERS


def feedback_section(
    result: ResultFacts | None, given: tuple[FeedbackFacts, ...]
) -> FeedbackSection:
    """The section, from the result in force and everything that was said."""
    judged = result if result is not None and result.urgency is not None else None
    choices: tuple[tuple[str, str], ...] = ()
    if judged is not None and judged.urgency is not None:
        possible = POSSIBLE[is_called(judged.urgency)]
        choices = tuple((fault.value, FAULT_WORDS[fault]) for fault in possible)
    now = judged.id if judged else None
    standing = [one for one in given if one.replaced_at is None and one.result_id == now]
    return FeedbackSection(
        result_id=now,
        study_version=judged.study_version if judged else None,
        choices=choices,
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
