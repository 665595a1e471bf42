"""Light and dark: by the system, or as the reader chose it; the browser keeps the choice."""

from __future__ import annotations

import re

import pytest

from tests.unit.worklist.access.visitor import OWN_FORM, OWN_ORIGIN, Visitor


def _offered(page: str) -> list[str]:
    return re.findall(r'<button name="theme" value="(\w+)"', page)


@pytest.mark.parametrize("path", ["/", "/scorecard", "/upload", "/administration", "/nowhere"])
def test_a_choice_holds_on_every_page(visitor: Visitor, path: str) -> None:
    """Without a choice the page says none, and the system decides; errors have the theme too."""
    plain = visitor.get(path).text
    assert "data-theme" not in plain
    assert _offered(plain) == ["light", "dark"]
    light = visitor.get(path, {"Cookie": "firstread_theme=light"}).text
    assert '<html lang="en-GB" data-theme="light">' in light
    assert '<meta name="color-scheme" content="light">' in light
    assert _offered(light) == ["dark", "system"]


def test_a_choice_is_kept_and_leads_back(visitor: Visitor) -> None:
    """The button keeps it in a cookie that comes along from a link in PACS, and shows the page."""
    headers = {**OWN_FORM, "Referer": f"{OWN_ORIGIN}/?show=urgent"}
    answer = visitor.post("/theme", headers, {"theme": "dark"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?show=urgent")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("firstread_theme=dark;")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_a_theme_that_there_is_not(visitor: Visitor) -> None:
    """It is refused in the form, and not listened to in the cookie."""
    assert visitor.post("/theme", OWN_FORM, {"theme": "pink"}).status_code == 400
    assert "data-theme" not in visitor.get("/", {"Cookie": 'firstread_theme="><b>'}).text
