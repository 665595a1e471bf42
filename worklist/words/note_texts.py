"""Says texts that are made of parts in the reader's language: notes of scores, and what was taken.

`chest/values/severity` and `database/deliveries/ends.py` write titles and reasons into one of a few
sentences. Each sentence is a text of the catalogue with a place for them, and so are the parts.
"""

from __future__ import annotations

import re
from typing import Final

from radiology.language import Language
from worklist.words.translations import current_language, translated, translated_row

_SENTENCES: Final = re.compile(r"(?<=\.) (?=[A-Z])")
_PLACE: Final = re.compile(r"%\\?\((\w+)\\?\)s")


def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(_PLACE.sub(r"(?P<\1>.+)", re.escape(form)))


_FORMS: Final = {
    form: _pattern(form)
    for form in (
        "Not computed: share missing of %(listed)s; zones do not stand in for lobes.",
        "Not computed: %(listed)s missing.",
        "Not computed: %(reason)s.",
        "Missing: %(listed)s.",
        "Criteria met: %(listed)s.",
        "Not given: %(listed)s.",
        "Clinical value, %(title)s: %(value)s, entered on the page %(at)s UTC",
        "Clinical value, %(title)s: %(value)s, received by HL7 %(at)s UTC",
        "Clinical value, %(title)s: %(value)s",
    )
}
"""The more exact form stands first: the first that fits is taken."""
_TOOK: Final = "Took %(taken)s; refused %(refused)s"
_TAKEN: Final = re.compile(r"Took (?P<taken>[A-Z]+(?: and [A-Z]+)*); refused (?P<refused>.+)")
_OF_OBJECT: Final = re.compile(r"(?P<kind>[A-Z]{2,4}): (?P<reason>.+)")


def note_words(text: str) -> str:
    """A note in the reader's language, sentence by sentence; as it is where none is known."""
    if current_language() is Language.ENGLISH or not text:
        return text
    if (known := translated_row(text)) != text:
        return known
    said = [_sentence(one) for one in _SENTENCES.split(text)]
    return "".join(said) if said != _SENTENCES.split(text) else text


def taken_words(text: str) -> str:
    """What a destination took and what it refused of a result; any other text as it is."""
    found = _TAKEN.fullmatch(text)
    if found is None or current_language() is Language.ENGLISH:
        return text
    refused = translated("; ").join(_of_object(one) for one in found["refused"].split("; "))
    taken = found["taken"].replace(" and ", translated(" and "))
    return translated(_TOOK, taken=taken, refused=refused)


def _of_object(text: str) -> str:
    found = _OF_OBJECT.fullmatch(text)
    return text if found is None else f"{found['kind']}: {translated_row(found['reason'])}"


def _sentence(text: str) -> str:
    if (known := translated_row(text)) != text:
        return known
    for form, pattern in _FORMS.items():
        if found := pattern.fullmatch(text):
            parts = {name: _parts(name, value) for name, value in found.groupdict().items()}
            return translated(form, **parts)
    return _list_under_title(text)


def _list_under_title(text: str) -> str:
    """ "Change since 2026-11-18: 1 new, 2 grown": where title and every part are known."""
    title, colon, rest = text.partition(": ")
    parts = (title, *rest.split(", "))
    said = [translated_row(one) for one in parts]
    if not colon or any(one == other for one, other in zip(parts, said, strict=True)):
        return text
    return translated(
        "%(title)s: %(listed)s", title=said[0], listed=translated(", ").join(said[1:])
    )


def _parts(name: str, text: str) -> str:
    """A list of titles, or one reason."""
    if name == "listed":
        return translated(", ").join(translated_row(one) for one in text.split(", "))
    return translated_row(text)
