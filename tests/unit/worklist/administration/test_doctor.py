"""The doctor at the administration page: by a button, in a process of its own, its result kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from database.doctor.runs import begin_run, end_run, last_run, note_run
from database.session import query, transaction
from firstread.doctor.line import broken, fine, say, warning
from settings.page.sign_in import Role
from tests.builders.stored.readers import add_reader
from tests.peers.waiting import wait_until
from tests.unit.worklist.access.person import Person
from tests.unit.worklist.access.visitor import Visitor, readable
from tests.unit.worklist.seeding import SeededHospital


def _part(visitor: Visitor) -> str:
    html = visitor.get("/administration").text
    start = html.index('data-part="doctor"')
    return " ".join(readable(html[start - 20 : html.index("</section>", start)]).split())


def _rows() -> list[dict[str, Any]]:
    lines = [
        fine("database", say("The database can be read, but nothing can be written into it")),
        warning("room", say("It is little"), say("Plan a larger disk.")),
        broken("peer.echo", say("pacs: <b>no</b>"), say("Start it.")),
    ]
    return [{"title": "DICOM peer", "check_of": "pacs", **one.as_json()} for one in lines]


def test_before_the_first_one(visitor: Visitor) -> None:
    """There is a button, and two things to choose."""
    text = _part(visitor)
    assert "It has not run yet." in text
    assert "Run the doctor" in text


def test_one_that_is_under_way(hospital: SeededHospital, visitor: Visitor) -> None:
    """How far it is, and no second button: a second one is refused."""
    with transaction(hospital.engine) as session:
        run = begin_run(session, hospital.now, asked_by="chief", machine="ct-ai")
        assert run is not None
        note_run(
            session, run.run_id, hospital.now,
            done=4, of=16, step="DICOM peer", step_of="pacs", lines=[],
        )  # fmt: skip
    text = _part(visitor)
    assert "Under way: DICOM peer pacs (4 of 16 done)" in text
    assert "Run the doctor" not in text
    assert visitor.post("/administration/doctor").status_code == 409


def test_one_that_has_ended(hospital: SeededHospital, visitor: Visitor) -> None:
    """When, by whom, and what is broken first; nothing of it is taken for HTML."""
    with transaction(hospital.engine) as session:
        run = begin_run(session, hospital.now, asked_by="chief", machine="ct-ai")
        assert run is not None
        end_run(session, run.run_id, hospital.now, lines=_rows())
    html = visitor.get("/administration").text
    assert '<span class="reason">It is little' in html
    assert '<span class="reason">The database can be read' not in html, "fine is no trouble"
    text = _part(visitor)
    assert "Something is broken" in text
    assert "asked by chief on ct-ai" in text
    first, second = text.index("Start it."), text.index("Plan a larger disk.")
    assert first < second < text.index("Fine: 1")
    assert "<b>no</b>" in text, "as text"
    assert "Run the doctor" in text


def test_one_that_was_broken_off(hospital: SeededHospital, visitor: Visitor) -> None:
    """A minute without a sign: the last result stays, and another one may begin."""
    long_ago = hospital.now - timedelta(minutes=5)
    with transaction(hospital.engine) as session:
        run = begin_run(session, long_ago, asked_by="chief", machine="ct-ai")
        assert run is not None
        end_run(session, run.run_id, long_ago, lines=_rows())
        assert begin_run(session, long_ago, asked_by="other", machine="ct-ai") is not None
    text = _part(visitor)
    assert "was broken off" in text
    assert "Start it." in text
    assert "Run the doctor" in text
    with transaction(hospital.engine) as session:
        assert begin_run(session, hospital.now, asked_by="third", machine="ct-ai") is not None


@pytest.mark.timeout(300)
def test_the_button_runs_it(hospital: SeededHospital, visitor: Visitor) -> None:
    """In a process of its own, with the page's settings; what it found stands in the row."""
    answer = visitor.post("/administration/doctor")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/administration#h-doctor"

    def ended() -> bool:
        with query(hospital.engine) as session:
            run = last_run(session, hospital.now, ended=True)
        return run is not None

    wait_until(ended, what="the doctor's end", limit_s=240)
    with query(hospital.engine) as session:
        run = last_run(session, hospital.now)
    assert run is not None
    said = {(line["name"], line["health"]) for line in run.lines}
    assert ("database.reachable", "fine") in said
    assert ("database.schema", "broken") in said, "the tables of this test have no revision"
    assert not [one for one in said if one[0].startswith(("path", "flag"))], "nothing was ticked"
    assert "run 'firstread db upgrade'" in _part(visitor)


def test_readers_may_not(hospital: SeededHospital, browser: Callable[..., Person]) -> None:
    """It is for administrators."""
    add_reader(hospital.engine, "reader", Role.READER, hospital.now)
    reader = browser()
    reader.sign_in("reader")
    assert reader.post("/administration/doctor", {}).status_code == 403
