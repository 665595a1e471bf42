"""Names of persons as DICOM writes them: for a reader, and for a search.

PS3.5 Section 6.2.1 (Person Name): up to three groups with an equals sign between them, alphabetic,
ideographic and phonetic; in each up to five components with a caret between them: family name,
given name, middle name, prefix, suffix. Annexes H, I and J have Japanese, Korean and Chinese ones.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

_COMPONENTS = 5
_GROUPS = 3
_WORD = re.compile(r"\w+")
# Names in these scripts are written family name first, without a comma.
_IDEOGRAPHIC = re.compile(r"CJK|HIRAGANA|KATAKANA|HANGUL|BOPOMOFO|IDEOGRAPHIC")


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name in the forms that its sender gave; "" where it gave none.

    Attributes
    ----------
    alphabetic : "Family, Given Middle", and behind further commas prefix and suffix
    ideographic : family name and given name with a blank between them
    """

    alphabetic: str = field(default="", repr=False)
    ideographic: str = field(default="", repr=False)


def person_name(value: str) -> PersonName:
    """Read a Person Name.

    Parameters
    ----------
    value : all groups, decoded; senders write Chinese names into the first group too
    """
    groups = value.split("=")[:_GROUPS]
    first = _components(groups[0])
    second = _components(groups[1]) if len(groups) > 1 else []
    if _is_ideographic(groups[0]) and not any(second):
        first, second = [], first
    return PersonName(_with_commas(first), " ".join(one for one in second if one))


def folded(text: str) -> str:
    """The words of a text as searches compare them: without case, accents and signs."""
    plain = unicodedata.normalize("NFKD", text)
    bare = "".join(one for one in plain if not unicodedata.combining(one))
    return " ".join(_WORD.findall(unicodedata.normalize("NFC", bare.casefold())))


def folded_name(value: str) -> str:
    """The words of a Person Name as searches compare them; ideographic ones together too."""
    together = [
        group.replace("^", "").replace(" ", "")
        for group in value.split("=")[:_GROUPS]
        if _is_ideographic(group)
    ]
    return folded(" ".join((value, *together)))


def _components(group: str) -> list[str]:
    return [" ".join(one.split()) for one in group.split("^")[:_COMPONENTS]]


def _with_commas(components: list[str]) -> str:
    family, given, middle, prefix, suffix = (*components, *[""] * _COMPONENTS)[:_COMPONENTS]
    names = " ".join(one for one in (given, middle) if one)
    return ", ".join(one for one in (family, names, prefix, suffix) if one)


def _is_ideographic(group: str) -> bool:
    letters = [one for one in group if one.isalpha()]
    return bool(letters) and all(_IDEOGRAPHIC.match(unicodedata.name(one, "")) for one in letters)
