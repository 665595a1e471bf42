"""Colours can be read: WCAG 2.2, success criteria 1.4.3 and 1.4.11."""

from __future__ import annotations

import re

import pytest

from worklist.page.templates import STATIC_FOLDERS

_STYLE = (STATIC_FOLDERS["page"] / "worklist.css").read_text()
_COLOURS = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", _STYLE))
_GROUNDS = ("ground", "raised", "lifted")
_TEXTS = (
    *("text", "quiet", "faint", "link", "urgent", "suspected", "routine", "pending"),
    *("unanswered", "yes", "no"),
)


def _luminance(colour: tuple[float, float, float]) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _parts(name: str) -> tuple[float, float, float]:
    code = _COLOURS[name]
    red, green, blue = (int(code[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", _GROUNDS)
@pytest.mark.parametrize("name", _TEXTS)
def test_text_can_be_read(name: str, ground: str) -> None:
    """Every colour of text has a contrast of 4.5 : 1 on every ground."""
    assert _contrast(_parts(name), _parts(ground)) >= 4.5


@pytest.mark.parametrize("name", ["text", "quiet", "faint", "urgent", "no", "pending", "yes"])
def test_text_can_be_read_on_an_urgent_row(name: str) -> None:
    """The tint of an urgent row takes no text below the limit."""
    tints = re.findall(r"\.list .*var\(--urgent\) (\d+)%, var\(--ground\)", _STYLE)
    tint = max(int(share) for share in tints) / 100
    mixed = [
        tint * urgent + (1 - tint) * ground
        for urgent, ground in zip(_parts("urgent"), _parts("ground"), strict=True)
    ]
    assert _contrast(_parts(name), (mixed[0], mixed[1], mixed[2])) >= 4.5


def test_focus_can_be_seen() -> None:
    """The ring around what has the keyboard's focus has a contrast of 3 : 1 and more."""
    assert all(_contrast(_parts("focus"), _parts(ground)) >= 3 for ground in _GROUNDS)
