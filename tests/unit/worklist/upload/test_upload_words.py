"""What the upload page and the administration page say can be said in Chinese too."""

from __future__ import annotations

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from tests.peers.programs import REPOSITORY
from worklist.upload.screen import ADVICE

_WORKLIST = REPOSITORY / "worklist"
_OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true"}


@pytest.mark.parametrize("part", ["upload", "administration"])
def test_every_text_has_its_chinese(part: str) -> None:
    """No text of the templates is without a translation in one of the files of the language."""
    known = set()
    for path in (_WORKLIST / "locale" / "zh").glob("*.po"):
        with path.open("rb") as file:
            known |= {str(one.id) for one in read_po(file, locale="zh") if one.string}
    said = {
        message[1]
        for path in (_WORKLIST / part / "templates").glob("*.html")
        for message in extract_from_file("jinja2.ext:babel_extract", str(path), options=_OPTIONS)
    }
    if part == "upload":
        said |= set(ADVICE.values())
    # What every page says has its Chinese where the page's own words have theirs.
    of_every_page = {"AI result – not for primary diagnosis", "Key picture"}
    assert said - known <= of_every_page
