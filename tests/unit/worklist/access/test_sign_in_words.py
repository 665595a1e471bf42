"""The words of signing in are there in Chinese too."""

from __future__ import annotations

from pathlib import Path

from babel.messages.extract import extract
from babel.messages.pofile import read_po

import worklist
from worklist.access.sign_in import SignInRefusal

_FOLDER = Path(worklist.__file__).parent
_TEMPLATES = ("sign_in.html", "account.html")


def test_every_word_has_its_translation() -> None:
    """What the two templates say, and why somebody was not let in, is translated."""
    said = {refusal.value for refusal in SignInRefusal}
    for name in _TEMPLATES:
        with (_FOLDER / "access" / "templates" / name).open("rb") as template:
            said |= {str(found[1]) for found in extract("jinja2", template)}
    with (_FOLDER / "locale" / "zh" / "sign-in.po").open("rb") as file:
        catalogue = read_po(file, locale="zh")
    translated = {str(message.id) for message in catalogue if message.id and message.string}
    assert said <= translated
