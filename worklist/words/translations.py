"""The page's words in the reader's language: gettext catalogues, compiled in memory at the start.

English texts are the keys. A template says `{{ _("…") }}` or `{% trans %}`, Python says
`translated("…")`, and `translated_row("…")` for a sentence that the worker wrote into a row.
Catalogues are all the files `locale/<language>/*.po`, merged: one for each part of the page.

The language is that of the request (`language_choice`), so whatever is written while a request is
answered speaks it without being told; a thread that a request starts takes it along.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po
from jinja2 import Environment
from markupsafe import Markup

from radiology.language import Language

LOCALE_FOLDER = Path(__file__).resolve().parents[1] / "locale"
TAGS = {Language.ENGLISH: "en-GB", Language.CHINESE: "zh-CN"}  # RFC 5646, for the page's `lang`
OWN_NAMES = {Language.ENGLISH: "English", Language.CHINESE: "中文"}

_NUMBER = re.compile(r"(?<!\w)-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_WITH_FACTS = re.compile(r"([^()]+)( \([^()=]+=[^()]*\))")  # FirstreadError.__str__
_current: ContextVar[Language] = ContextVar("language of the request", default=Language.ENGLISH)


def use_language(language: Language) -> None:
    """Speak a language until the end of the request."""
    _current.set(language)


def current_language() -> Language:
    """The language of the request that is being answered."""
    return _current.get()


def language_tag() -> str:
    """The language as it stands in the page's `lang`."""
    return TAGS[current_language()]


def translated(text: str, **values: object) -> str:
    """A text in the reader's language, as written where no catalogue has it.

    Parameters
    ----------
    text : in English, a literal; with `%(name)s` where values are given, and a plain % otherwise
    """
    said = catalogue(current_language()).get(text, text)
    return said % values if values else said


def translated_row(text: str) -> str:
    """A sentence that a row holds in English, with its figures; as it is where nobody knows it.

    Its entry in the catalogue has `{}` for each number, so "at least 40 HU" is one entry whatever
    the figure. The facts that an error carries in brackets stay as they are.
    """
    sentence, facts = text, ""
    if (match := _WITH_FACTS.fullmatch(text)) is not None:
        sentence, facts = match[1], match[2]
    texts = catalogue(current_language())
    if (whole := texts.get(text)) is not None and "{}" not in whole:
        return whole  # a title with a figure in it: "MosMed CT grade (0 to 4)"
    known = texts.get(_NUMBER.sub("{}", sentence))
    if known is None or known.count("{}") != len(numbers := _NUMBER.findall(sentence)):
        return text
    return known.format(*numbers) + facts


@functools.cache
def catalogue(language: Language) -> Mapping[str, str]:
    """Every text of a language by its English form.

    Raises
    ------
    ValueError
        Two files translate one text differently: a reader would see either, by chance.
    """
    texts: dict[str, str] = {}
    for path in sorted((LOCALE_FOLDER / language.value).glob("*.po")):
        with path.open("rb") as file:
            messages = read_po(file, locale=language.value, abort_invalid=True)
        for message in messages:
            if not message.id or not message.string or message.fuzzy:
                continue
            if texts.setdefault(str(message.id), str(message.string)) != message.string:
                raise ValueError(f"{path.name} translates differently: {message.id}")
    return texts


def install_translations(templates: Environment) -> None:
    """Let templates say `_`, `{% trans %}`, and which languages there are.

    `_` differs from the one of `jinja2.ext.i18n`, which takes every text for safe HTML and for a
    format string: a text that came from a row may be handed to ours, and stays a text.
    """
    templates.install_gettext_callables(  # type: ignore[attr-defined]
        translated,
        lambda one, many, count: translated(one if count == 1 else many),
        newstyle=True,
    )
    templates.globals.update(
        _=_in_template,
        language_tag=language_tag,
        current_language=current_language,
        languages=OWN_NAMES,
        language_tags=TAGS,
    )


def _in_template(text: str, **values: Any) -> str:
    if not values:
        return translated(text)
    return Markup(translated(text)) % values  # noqa: S704 a literal; its values are escaped
