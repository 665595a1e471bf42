"""A fact of an event in the reader's language: of a decision about the flag, or of a step."""

from __future__ import annotations

from typing import Final

from radiology.answer.reading import ReportWords
from worklist.words.declared_titles import titled
from worklist.words.rule_texts import rule_text
from worklist.words.stored_words import GENERAL, reason_words

_TEXTS_OF_RULES: Final = ("seen", "limit")
_WORDS_OF_OURS: Final = ("rule", "outcome", "urgency", "reason", "judgement", "kind", "through")


def fact_words(name: str, value: str, report: ReportWords | None = None) -> str:
    """A fact of an event: what is a word of ours is translated, an identifier is not.

    Parameters
    ----------
    report : of the bundle that the event is about, which may have words for its titles
    """
    if name in _TEXTS_OF_RULES:
        return rule_text(value, report)
    if name not in _WORDS_OF_OURS:
        return value
    return reason_words(value, "") if value in GENERAL else titled(value, report)
