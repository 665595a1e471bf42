"""The key picture's texts in the site's language.

A text is looked up by its English form with `{}` for each number in it, so that "seen 95 HU" is
one text whatever the figure. What no table has is shown in English: a reader is better served by
it than by nothing, and a test finds it before.
"""

from __future__ import annotations

import re

from radiology.language import Language
from worker.encode.coded_concepts import plain_text
from worker.encode.picture.texts_chinese import CHINESE

_NUMBER = re.compile(r"(?<!\w)-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_TABLES = {Language.CHINESE: CHINESE}


def message_of(text: str) -> str:
    """The entry of the tables that a text is an instance of."""
    return _NUMBER.sub("{}", text)


def worded(text: str, language: Language) -> str:
    """A text in a language, with its figures.

    Parameters
    ----------
    text : in English
    """
    table = _TABLES.get(language)
    if table is None:
        return plain_text(text)
    known = table.get(message_of(text))
    return plain_text(text) if known is None else known.format(*_NUMBER.findall(text))
