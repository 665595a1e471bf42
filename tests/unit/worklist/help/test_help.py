"""Words that explain themselves: one sentence each, the glossary's; and a page with them all."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from markupsafe import escape

from tests.peers.programs import REPOSITORY
from tests.unit.worklist.access.person import Person
from tests.unit.worklist.access.visitor import Visitor, readable
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.words.page_texts import TEMPLATES, WORKLIST
from worklist.words.explained import EXPLAINED

_ROW = re.compile(r"^\| ([^|]+) \| (.+) \|$", re.MULTILINE)
_CALLED = re.compile(r"words\.word\(\"([\w-]+)\"")
_LINK = re.compile(r'<a class="word" href="/help#([\w-]+)"[^>]*aria-describedby="([\w-]+)"')


def test_the_glossary_says_the_same() -> None:
    """There is one place of truth: a row begins with the sentence that the page shows."""
    rows = dict(_ROW.findall((REPOSITORY / "docs" / "glossary.md").read_text()))
    differ = {
        one.word: (one.sentence, rows.get(one.word, ""))
        for one in EXPLAINED.values()
        if not rows.get(one.word, "").startswith(one.sentence)
    }
    assert differ == {}
    assert len(EXPLAINED) > 45


def test_every_word_that_a_template_explains_is_known() -> None:
    """A key that is misspelt would break the page only where its branch is rendered."""
    called = {
        key
        for name in TEMPLATES
        for key in _CALLED.findall((WORKLIST / name.replace("/", "/templates/", 1)).read_text())
    }
    assert len(called) > 18
    assert called <= set(EXPLAINED)


def test_the_help_page_has_every_word_and_the_keys(visitor: Visitor) -> None:
    html = visitor.get("/help").text
    text = readable(html).replace("\n", " ")
    for key, one in EXPLAINED.items():
        assert f'id="{key}"' in html, key
        assert one.sentence in text, key
    assert "next and previous slice" in text
    assert "study before" in text
    assert "<dialog" not in html
    assert len(re.findall(r'id="([^"]+)"', html)) == len(set(re.findall(r'id="([^"]+)"', html)))


def test_a_word_points_to_what_is_said_of_it(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """Each refers to an explanation that stands on the same page, and leads to the help page."""
    for address in ("/", f"/studies/{ordinary_day.superseding}", "/administration"):
        html = visitor.get(address).text
        words = _LINK.findall(html)
        assert words, address
        for key, about in words:
            said = escape(EXPLAINED[key].sentence)
            assert html.count(f'<span id="{about}">{said}</span>') == 1, key
        ids = re.findall(r' id="([^"]+)"', html)
        assert sorted({one for one in ids if ids.count(one) > 1}) == []


@pytest.mark.parametrize("address", ["/", "/scorecard", "/upload", "/nowhere", "/help", "/account"])
def test_every_screen_leads_to_the_help_page(visitor: Visitor, address: str) -> None:
    assert 'class="to-help" href="/help"' in visitor.get(address).text


def test_nobody_is_asked_to_sign_in_for_help(
    browser: Callable[..., Person], person: Person
) -> None:
    """The sign-in page leads to it too; a study still asks."""
    stranger = browser()
    assert 'href="/help"' in stranger.get("/sign-in").text
    answer = stranger.get("/help")
    assert answer.status_code == 200
    assert "/sign-out" not in answer.text
    assert stranger.get("/help/x").status_code == 303
    assert stranger.get("/").status_code == 303
