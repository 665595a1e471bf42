"""A reader's judgement of a result: right or wrong in which way, and what then holds of the study.

The call of a result is whether a study is suspected (urgent or suspected) or not (routine). Only
"false positive" and "missed" can make the call wrong; a region or a type that is wrong leaves it
right.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from radiology.errors import FeedbackRefused
from radiology.urgency import Urgency

MOST_CHARACTERS = 2000
"""Of a comment."""


class Judgement(StrEnum):
    """Whether the reader finds the result right."""

    AGREE = "agree"
    DISAGREE = "disagree"


class Fault(StrEnum):
    """What is wrong with a result; several may hold."""

    FALSE_POSITIVE = "false-positive"  # suspected, and there is nothing of the kind
    MISSED = "missed"  # there is something that was not found
    WRONG_REGION = "wrong-region"
    WRONG_TYPE = "wrong-type"  # of the pneumonia


POSSIBLE: dict[bool, tuple[Fault, ...]] = {
    True: tuple(Fault),
    False: (Fault.MISSED, Fault.WRONG_REGION),
}
"""What can be wrong with a suspected result, and with one that is not."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one reader says of one result. The comment may hold patient data."""

    judgement: Judgement
    faults: frozenset[Fault] = frozenset()
    comment: str = ""


def is_called(urgency: Urgency) -> bool:
    """Whether a result calls its study suspected."""
    return urgency is not Urgency.ROUTINE


def is_present(urgency: Urgency, faults: Collection[Fault]) -> bool:
    """Whether the study has what was looked for, as the reader sees it."""
    if is_called(urgency):
        return Fault.FALSE_POSITIVE not in faults
    return Fault.MISSED in faults


def checked_opinion(urgency: Urgency | None, opinion: Opinion) -> Opinion:
    """An opinion that can be held of a result, its comment without control characters.

    Parameters
    ----------
    urgency : of the result; None: not assessable

    Raises
    ------
    FeedbackRefused
        It contradicts itself or the result. The message does not repeat the comment.
    """
    if urgency is None:
        raise FeedbackRefused("A result without an answer can be neither right nor wrong")
    faults = opinion.faults
    if opinion.judgement is Judgement.AGREE and faults:
        raise FeedbackRefused("Who agrees names nothing that is wrong")
    if opinion.judgement is Judgement.DISAGREE and not faults:
        raise FeedbackRefused("Who disagrees names what is wrong")
    if not faults <= set(POSSIBLE[is_called(urgency)]):
        raise FeedbackRefused("What was not suspected is no false positive, and has no type")
    if Fault.FALSE_POSITIVE in faults and len(faults) > 1:
        raise FeedbackRefused("Where there is nothing, nothing was missed or misplaced")
    if len(opinion.comment) > MOST_CHARACTERS:
        raise FeedbackRefused(f"A comment has at most {MOST_CHARACTERS} characters")
    return Opinion(opinion.judgement, faults, _printable(opinion.comment))


def _printable(text: str) -> str:
    kept = (sign if sign.isprintable() or sign == "\n" else " " for sign in text)
    return "".join(kept).strip()
