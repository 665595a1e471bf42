"""Every screen of a rich day in English: one thing is said as one, and sentences stand apart."""

from __future__ import annotations

import re

import pytest

from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.words.rich_day import seed_rich_day

_ONE_OF_MANY = re.compile(r"(?<![\d.,:/–-])1 (?:[a-z]+ )?[a-z]{2,}s\b")
_RUN_TOGETHER = re.compile(r"[a-z]{2}[.!?][A-Z][a-z]+ ")
_SCREENS = ("/", "/help", "/administration", "/scorecard", "/upload", "/account")


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [(_ONE_OF_MANY, "waits: 1 results wait"), (_RUN_TOGETHER, "not known yet.Below it goes")],
    ids=["one-of-many", "run-together"],
)
def test_it_is_seen(pattern: re.Pattern[str], wrong: str) -> None:
    """Each of the two patterns finds what was on the page."""
    assert pattern.search(wrong)


def test_every_screen(hospital: SeededHospital, visitor: Visitor) -> None:
    """Of the list, every kind of study, and the pages beside them."""
    studies = seed_rich_day(hospital)
    addresses = [*_SCREENS, *(f"/studies/{uid}" for uid in studies.values())]
    found = {}
    for address in addresses:
        answer = visitor.get(address)
        assert answer.status_code == 200, address
        text = re.sub(r"<(style|script).*?</\1>|<[^>]+>", "|", answer.text, flags=re.DOTALL)
        if said := [*_ONE_OF_MANY.findall(text), *_RUN_TOGETHER.findall(text)]:
            found[address] = said
    assert found == {}
    assert len(addresses) > 20
