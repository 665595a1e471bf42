"""What axe-core finds on a page that a screen reader or a keyboard would stumble over."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_GRAVE = ("serious", "critical")
_NOTHING_MOVES = """
() => Promise.all(document.getAnimations()
    .filter(one => one.effect.getComputedTiming().endTime !== Infinity)
    .map(one => one.finished.catch(() => null)))
"""


def grave_faults(page: Page) -> list[str]:
    """The serious and critical violations of a page: rule and the first element of each.

    A row that has just come still changes its colours; they are judged when it has done so.
    """
    page.evaluate(_NOTHING_MOVES)
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in _GRAVE
    ]
