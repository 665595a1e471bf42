"""Translates English texts of rows: reasons, and the names of rules.

What is stored stays as it is, for machines and for those who search logs. A sentence is looked up
as it was stored, like every text of the page. Where the catalogue does not have it, because it
names a peer, a file or a setting, the general sentence of its kind is shown, followed by the stored
sentence: kinds are stable (`docs/errors.md`), and no sentence is taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from radiology import errors
from radiology.errors import FirstreadError
from radiology.language import Language
from radiology.words.peer_words import split_words
from worklist.words.note_texts import taken_words
from worklist.words.translations import current_language, translated, translated_row

GENERAL: Final[Mapping[str, str]] = {
    kind.__name__: (kind.__doc__ or "").splitlines()[0]
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, FirstreadError)
}
"""What each kind of error says where nothing more is known."""

_OF_RULES: Final = {
    "chosen": "This series is analysed",
    "accepted by the model": "The model does not accept it",
}
"""What is said of a series where the stored reason goes on with what was seen."""

_IS_MISSING: Final = "%(keyword)s is missing"
_FACTS: Final = re.compile(r" ?\([a-z]\w*=[^()]*\)")
_MISSING: Final = re.compile(r"([A-Z][A-Za-z]+) is missing")


def reason_words(kind: str, message: str) -> str:
    """Why something was refused, has failed, or waits.

    Parameters
    ----------
    kind, message : as stored; either may be empty
    """
    if current_language() is Language.ENGLISH:
        return message or kind
    message, said = split_words(message)
    reason = _reason(kind, message)
    return f"{reason} {peer_says(said)}" if said else reason


def brief(reason: str) -> str:
    """A reason without the facts that it ends with, ``(peer=archive, port=104)``.

    They are for administrators and searchers of logs; a reader finds them under Why and Deliveries.
    """
    return _FACTS.sub("", reason)


def peer_says(said: str) -> str:
    """What a peer said, in its own words, which are not translated."""
    return translated("The peer says: “%(said)s”", said=said)


def _reason(kind: str, message: str) -> str:
    said = taken_words(_without_keyword(translated_row(message)))
    if said != message or kind not in GENERAL:
        return said or kind
    general = translated_row(GENERAL[kind])
    return f"{general} ({message})" if message else general


def _without_keyword(message: str) -> str:
    """The sentence of an attribute that is missing, which names it by DICOM's keyword."""
    found = _MISSING.fullmatch(message)
    english = current_language() is Language.ENGLISH
    return message if found is None or english else translated(_IS_MISSING, keyword=found[1])


def decision_words(rule: str, reason: str) -> str:
    """Why a series was chosen or was not.

    Parameters
    ----------
    rule, reason : as stored
    """
    said = translated_row(reason)
    general = translated(_OF_RULES.get(rule, ""))
    if said != reason or not general or current_language() is Language.ENGLISH:
        return said
    return f"{general} ({reason})"


def rule_words(name: str) -> str:
    """The name of a rule that chose or refused a series, or of a quality gate."""
    return translated_row(name.replace("_", " "))
