"""What a schema 3 bundle's titles are called in other languages: `[words.zh]`, optional."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from models.declared.section import DeclarationTable, nearest
from radiology.answer.reading import TranslatedTitle
from radiology.language import Language

_MOST_WORDS: Final = 200  # as many as a gate's reason has
_TRANSLATED: Final = tuple(one.value for one in Language if one is not Language.ENGLISH)


def read_words(section: DeclarationTable, titles: Collection[str]) -> tuple[TranslatedTitle, ...]:
    """Read `words`: a table for each language, from a title to what it is called there.

    Parameters
    ----------
    titles : all that the bundle declares; any other is refused, since it would never be shown
    """
    section.expect(*_TRANSLATED)
    found = []
    for language in section.names():
        table = section.section(language)
        for title in table.names():
            if title not in titles:
                cure = nearest(title, titles) or "Write a title as it stands in the declaration."
                raise table.problem(title, f'no title of the bundle is "{title}"', cure.strip())
            words = table.text(title, most=_MOST_WORDS)
            found.append(TranslatedTitle(Language(language), title, words))
    return tuple(found)
