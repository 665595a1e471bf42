"""Filters pick the studies that they name, and refuse what no form sends."""

from __future__ import annotations

import re
from html import unescape

import pytest

from chest.values.case_answer import PneumoniaType
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.asked_list import DAY_S, answered, listed, typed
from tests.unit.worklist.list.ordinary_day import CLEAR, OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital


def test_each_filter_shows_what_it_says(hospital: SeededHospital, visitor: Visitor) -> None:
    """Sex, age, type, state and dates each pick their studies, and nothing else."""
    girl = answered(hospital, Urgency.ROUTINE, sex="F", age="011M")
    woman = answered(
        hospital,
        Urgency.SUSPECTED,
        reading=typed(PneumoniaType.VIRAL_SUSPECTED),
        sex="F",
        age="067Y",
    )
    man = answered(
        hospital, Urgency.URGENT, reading=typed(PneumoniaType.UNDETERMINED), sex="M", age="040Y"
    )
    hospital.later(2 * DAY_S)
    today = hospital.receive()
    assert listed(visitor, "/?sex=F") == [woman, girl]
    assert listed(visitor, "/?age=0-17") == [girl]
    assert listed(visitor, "/?age=40-64") == [man]
    assert listed(visitor, "/?age=65%2B&sex=F") == [woman]
    assert listed(visitor, "/?label=viral_suspected") == [woman]
    assert listed(visitor, "/?label=undetermined&sex=F") == []
    assert listed(visitor, "/?state=received") == [today]
    assert listed(visitor, "/?came=today") == [today]
    assert set(listed(visitor, "/?came=ever")) == {girl, woman, man, today}
    assert set(listed(visitor, "/?came=2026-11-21")) == {girl, woman, man}
    assert listed(visitor, "/?scanner=CT1&show=urgent") == [man]
    assert listed(visitor, "/?scanner=CT9") == []


def test_the_form_shows_what_is_chosen(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """The filters that are on stand in the form, and tabs keep them."""
    html = visitor.get("/?sex=F&came=2026-11-21&show=urgent").text
    assert '<option value="F" selected>female</option>' in html
    assert '<option value="2026-11-21" selected>2026-11-21</option>' in html
    assert 'name="show" value="urgent"' in html
    tab = re.search(r'href="/([^"]*)" id="tab-suspected"', html)
    assert tab is not None
    assert unescape(tab[1]) == "?show=suspected&sex=F&came=2026-11-21"


def test_studies_leave_the_list_after_some_days(hospital: SeededHospital, visitor: Visitor) -> None:
    """What came long ago is not listed by itself; filter and search still find it."""
    old = answered(hospital, Urgency.URGENT, accession_number="OLD1")
    hospital.later(8 * DAY_S)
    new = hospital.receive()
    assert listed(visitor, "/") == [new]
    assert "Urgent 0" in visitor.text("/")
    assert listed(visitor, "/?came=ever") == [old, new]
    assert listed(visitor, "/?q=OLD1") == [old]


def test_a_withdrawn_type_is_not_found(hospital: SeededHospital, visitor: Visitor) -> None:
    """The filter follows the result in force: a newer one without a type takes it away."""
    uid = answered(hospital, Urgency.SUSPECTED, reading=typed(PneumoniaType.VIRAL_SUSPECTED))
    hospital.receive(into=uid)
    hospital.queue(uid)
    hospital.answer(hospital.claim(), Urgency.ROUTINE, CLEAR, picture=False)
    assert listed(visitor, "/?label=viral_suspected") == []


@pytest.mark.parametrize(
    "address",
    [
        "/?sex=X",
        "/?age=12",
        "/?label=%00",
        "/?state=lost",
        "/?opened=maybe",
        "/?came=2026-13-01",
        "/?came=0001-01-01",
        "/?came=9999-12-31",
        "/?scanner=%00",
        f"/?q={'A' * 65}",
        "/?q=%00",
        "/?after=99999999999999999999.1",
    ],
)
def test_what_no_form_of_ours_sends_is_refused(visitor: Visitor, address: str) -> None:
    """A filter that does not exist is answered with a page that says so."""
    assert visitor.get(address).status_code == 400
