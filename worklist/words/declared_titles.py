"""Titles that a bundle declares: in the reader's language where there is one, marked where not.

A bundle may say what its titles are called (`[words.zh]`); the catalogue knows those of the
program. What is left stays English, and says so to who hears the page (WCAG 2.2, 3.1.2).
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from radiology.answer.reading import ReportWords
from radiology.language import Language
from worklist.words.stored_words import rule_words
from worklist.words.translations import TAGS, current_language, translated_row

# Words with blanks and hyphens between them; three letters in a row tell them from units.
_ENGLISH = re.compile(r"[A-Za-z][A-Za-z'’]*(?:[ -][A-Za-z][A-Za-z'’]*)*")
_A_WORD = re.compile(r"[A-Za-z]{3,}")


def titled(title: str, report: ReportWords | None) -> str:
    """A title in the reader's language; as it is declared where nobody says what it is called.

    Parameters
    ----------
    report : of the bundle whose title it is; None where that is not known
    """
    said = "" if report is None else report.in_language(title, current_language())
    return said or translated_row(title)


def gate_words(name: str, report: ReportWords) -> str:
    """The name of a gate; what it looks at stands behind a colon, as the bundle names it."""
    said = report.in_language(name, current_language())
    if said:
        return said
    check, colon, about = name.partition(": ")
    known = rule_words(check)
    return rule_words(name) if not colon or known == check else f"{known}: {about}"


def marked(text: str) -> Markup:
    """A text of the page, with the English words of another language's page marked as such."""
    if current_language() is Language.ENGLISH:
        return escape(text)
    made, at = Markup(), 0
    for found in _ENGLISH.finditer(text):
        if _A_WORD.search(found[0]):
            english = Markup('<span lang="{}">{}</span>').format(TAGS[Language.ENGLISH], found[0])
            made += escape(text[at : found.start()]) + english
            at = found.end()
    return made + escape(text[at:])
