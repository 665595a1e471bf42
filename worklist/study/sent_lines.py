"""The deliveries of a result, each with the answer for every object."""

from __future__ import annotations

from dataclasses import dataclass

from database.states import DeliveryState
from database.views.worklist.worklist_facts import DeliveryFacts, ObjectFacts, ResultFacts
from worklist.words.study_words import DeliveryLine, delivery_line

_MAY_BE_SENT_AGAIN = (DeliveryState.WAITING, DeliveryState.REFUSED, DeliveryState.FAILED)


@dataclass(frozen=True, slots=True)
class SentLine:
    """One delivery; `may_be_retried` when a person may send it again."""

    delivery: DeliveryLine
    attempts: int
    objects: tuple[ObjectFacts, ...]
    may_be_retried: bool


def sent_lines(result: ResultFacts | None) -> tuple[SentLine, ...]:
    """The deliveries of a result, by destination."""
    if result is None:
        return ()
    return tuple(
        SentLine(
            delivery_line(delivery),
            delivery.attempts,
            delivery.objects,
            may_be_sent_again(delivery),
        )
        for delivery in result.deliveries
    )


def may_be_sent_again(delivery: DeliveryFacts) -> bool:
    """Whether something of it has not arrived, and it was tried."""
    if delivery.state is DeliveryState.WITHDRAWN:
        return False
    tried = delivery.state in _MAY_BE_SENT_AGAIN and delivery.attempts > 0
    return tried or bool(delivery.error_kind)
