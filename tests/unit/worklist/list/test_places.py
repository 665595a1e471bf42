"""Age and opening change the place of a study; pages hold each study once."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor, row_text, rows_of
from tests.unit.worklist.list.asked_list import DAY_S, answered, listed, opened_by
from tests.unit.worklist.list.ordinary_day import SEVERE
from tests.unit.worklist.seeding import SeededHospital


def test_age_raises_a_routine_study(hospital: SeededHospital, visitor: Visitor) -> None:
    """After the limit a routine study stands before newer suspected ones, and says why."""
    routine = answered(hospital, Urgency.ROUTINE)
    hospital.later(DAY_S + 60)
    suspected = answered(hospital, Urgency.SUSPECTED)
    urgent = answered(hospital, Urgency.URGENT)
    html = visitor.get("/").text
    assert rows_of(html) == [urgent, routine, suspected]
    assert "raised: waiting since 2026-11-21" in row_text(html, routine)
    assert "raised" not in row_text(html, suspected)


def test_what_was_opened_waits_no_longer(hospital: SeededHospital, visitor: Visitor) -> None:
    """An opened routine study goes behind those that wait; an urgent one keeps its place."""
    opened = answered(hospital, Urgency.ROUTINE)
    waiting = answered(hospital, Urgency.ROUTINE)
    first = answered(hospital, Urgency.URGENT)
    second = answered(hospital, Urgency.URGENT)
    opened_by(hospital, opened)
    opened_by(hospital, first)
    assert listed(visitor, "/") == [first, second, waiting, opened]
    assert listed(visitor, "/?opened=no") == [second, waiting]
    assert listed(visitor, "/?opened=yes") == [first, opened]
    hospital.receive(into=opened)  # whoever has seen it has not seen these
    assert set(listed(visitor, "/?opened=no")) == {second, waiting, opened}


def test_pages_follow_each_other_over_all_lanes(hospital: SeededHospital, visitor: Visitor) -> None:
    """Every study stands on exactly one page, also where lanes interleave and moments are equal."""
    expected = set()
    for number in range(130):
        uid = hospital.receive(images=1)
        expected.add(uid)
        if number % 3 == 0:
            hospital.queue(uid)
            urgency = list(Urgency)[number // 3 % 3]
            hospital.answer(hospital.claim(), urgency, SEVERE, picture=False)
        if number % 5 == 0:
            opened_by(hospital, uid)
        hospital.now -= timedelta(seconds=5 if number % 7 else 8)
    hospital.later(3600)
    seen: list[str] = []
    address: str | None = "/"
    while address:
        html = visitor.get(address).text
        seen += rows_of(html)
        link = re.search(r'rel="next" href="([^"]+)"', html)
        address = unescape(link[1]) if link else None
    assert len(seen) == len(set(seen)) == 130
    assert set(seen) == expected
