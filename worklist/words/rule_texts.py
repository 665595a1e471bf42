"""Says in the reader's language what a bundle's rules and gates saw, and what they ask for.

`models.judge.rules` and `models.judge.named_values` write such a text in one of a few forms; its
names, figures and units are the bundle's. So it is the one kind of stored text that is taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from models.judge.named_values import PHRASES
from models.judge.rules import BETWEEN_TITLES
from radiology.answer.reading import ReportWords
from radiology.language import Language
from worklist.words.declared_titles import titled
from worklist.words.translations import current_language, translated, translated_row

_DECIDED: Final = re.compile(r"(?P<says>[a-z]+): (?P<seen>.+), limit: (?P<limit>.+)")
_SEEN_AND_LIMIT: Final = re.compile(r"(?P<seen>.+), limit: (?P<limit>.+)")
_LIMIT: Final = re.compile(r"(?P<comparison>at least|at most) (?P<limit>-?[0-9].*)")
_OF_BUNDLE: Final = re.compile(r"Limit of the site; the bundle's is (?P<limit>.+)\.")
_SEEN: Final = re.compile(r"(?P<name>.+?) (?P<amount>not measured|-?[0-9][-+.0-9e]*(?: \S+)?)")
_PARTS: Final = re.compile(r"\{(\w+)(?::\w+)?\}")


def _pattern(phrase: str) -> re.Pattern[str]:
    """What a title of a measurement looks like that was made by a phrase."""
    return re.compile(_PARTS.sub(r"(?P<\1>.+)", phrase))


_TITLES: Final = {_PARTS.sub(r"%(\1)s", phrase): _pattern(phrase) for phrase in PHRASES.values()}
"""The phrases as the catalogue has them, with their patterns."""


def rule_text(text: str, report: ReportWords | None = None) -> str:
    """A text of a rule or gate in the reader's language; as it is where its form is not known.

    Parameters
    ----------
    report : of the bundle whose rule it is, which may have words for its titles; None where that
        is not known
    """
    if current_language() is Language.ENGLISH:
        return text
    if (known := titled(text, report)) != text:
        return known
    return next(_forms(text, report), text)


def _forms(text: str, report: ReportWords | None) -> Iterator[str]:
    if found := _DECIDED.fullmatch(text):
        yield translated(
            "%(says)s: %(seen)s, limit: %(limit)s",
            says=translated(found["says"]),
            seen=rule_text(found["seen"], report),
            limit=rule_text(found["limit"], report),
        )
    if found := _SEEN_AND_LIMIT.fullmatch(text):
        yield translated(
            "%(seen)s, limit: %(limit)s",
            seen=rule_text(found["seen"], report),
            limit=rule_text(found["limit"], report),
        )
    if found := _OF_BUNDLE.fullmatch(text):
        yield translated(
            "Limit of the site; the bundle's is %(limit)s.",
            limit=rule_text(found["limit"], report),
        )
    if found := _LIMIT.fullmatch(text):
        yield translated(f"{found['comparison']} %(limit)s", limit=translated_row(found["limit"]))
    if BETWEEN_TITLES in text:
        yield translated("; ").join(titled(one, report) for one in text.split(BETWEEN_TITLES))
    if found := _SEEN.fullmatch(text):
        yield f"{_title(found['name'], report)} {translated_row(found['amount'])}"


def _title(name: str, report: ReportWords | None) -> str:
    """The title of a measurement: the bundle's words, or one of the usual phrases about regions."""
    if (known := titled(name, report)) != name:
        return known
    for phrase, pattern in _TITLES.items():
        if found := pattern.fullmatch(name):
            parts = {part: _regions(value, report) for part, value in found.groupdict().items()}
            return translated(phrase, **parts)
    return name


def _regions(words: str, report: ReportWords | None) -> str:
    return translated(" and ").join(titled(one, report) for one in words.split(" and "))
