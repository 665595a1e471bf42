"""Colours can be read: WCAG 2.2, success criteria 1.4.3 and 1.4.11."""

from __future__ import annotations

import re

import pytest

from worklist.page.templates import STATIC_FOLDERS

_STYLE = (STATIC_FOLDERS["page"] / "worklist.css").read_text()
_BOTH = re.findall(r"--([a-z]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", _STYLE)
_THEMES = {
    "light": {name: light for name, light, _ in _BOTH},
    "dark": {name: dark for name, _, dark in _BOTH},
}
_GROUNDS = ("ground", "raised", "lifted")
_TEXTS = (
    *("text", "quiet", "faint", "link", "urgent", "suspected", "routine", "pending"),
    *("unanswered", "yes", "no"),
)
_in_both_themes = pytest.mark.parametrize("theme", _THEMES)


def _luminance(colour: tuple[float, float, float]) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _parts(theme: str, name: str) -> tuple[float, float, float]:
    code = _THEMES[theme][name]
    red, green, blue = (int(code[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@_in_both_themes
@pytest.mark.parametrize("ground", _GROUNDS)
@pytest.mark.parametrize("name", _TEXTS)
def test_text_can_be_read(name: str, ground: str, theme: str) -> None:
    """Every colour of text has a contrast of 4.5 : 1 on every ground."""
    assert _contrast(_parts(theme, name), _parts(theme, ground)) >= 4.5


@_in_both_themes
@pytest.mark.parametrize("name", ["text", "quiet", "faint", "urgent", "no", "pending", "yes"])
def test_text_can_be_read_on_an_urgent_row(name: str, theme: str) -> None:
    """The tint of an urgent row takes no text below the limit."""
    tints = re.findall(r"\.list .*var\(--urgent\) (\d+)%, var\(--ground\)", _STYLE)
    tint = max(int(share) for share in tints) / 100
    mixed = [
        tint * urgent + (1 - tint) * ground
        for urgent, ground in zip(_parts(theme, "urgent"), _parts(theme, "ground"), strict=True)
    ]
    assert _contrast(_parts(theme, name), (mixed[0], mixed[1], mixed[2])) >= 4.5


@_in_both_themes
def test_focus_can_be_seen(theme: str) -> None:
    """The ring around what has the keyboard's focus has a contrast of 3 : 1 and more."""
    focus = _parts(theme, "focus")
    assert all(_contrast(focus, _parts(theme, ground)) >= 3 for ground in _GROUNDS)


@_in_both_themes
def test_text_on_colour_can_be_read(theme: str) -> None:
    """What stands on a coloured ground has the ground's colour: skip link, "not live"."""
    ground = _parts(theme, "ground")
    assert all(_contrast(ground, _parts(theme, name)) >= 4.5 for name in ("focus", "no", "urgent"))


def test_no_sheet_has_a_colour_of_its_own() -> None:
    """Both themes hold for what any room adds: colours are variables, but for the ground of
    images, what lies on them, and the white of a code that a camera reads."""
    under_images = "#000"
    allowed = {("upload.css", "#fff")}
    found = set()
    for folder in STATIC_FOLDERS.values():
        for sheet in folder.glob("*.css"):
            rules = re.sub(r"--[a-z]+: light-dark\([^)]*\);", "", sheet.read_text())
            found |= {(sheet.name, one) for one in re.findall(r"#[0-9a-f]{3,8}\b", rules)}
    assert {one for one in found if one[1] != under_images} <= allowed
