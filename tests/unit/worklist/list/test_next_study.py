"""From a study to the next one to read: the first unread one of the list as it was filtered."""

from __future__ import annotations

import pytest

from database.states import JobState
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import OWN_FORM, OWN_ORIGIN, Visitor
from tests.unit.worklist.list.asked_list import answered, listed, opened_by
from tests.unit.worklist.seeding import SeededHospital


def _next(visitor: Visitor, uid: str, asked: str = "") -> str:
    """Where the page leads on to."""
    answer = visitor.get(f"/studies/{uid}/next{asked}")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def _read(visitor: Visitor, uid: str) -> None:
    assert visitor.get(f"/studies/{uid}").status_code == 200


def test_a_list_is_read_to_its_end(hospital: SeededHospital, visitor: Visitor) -> None:
    """Each study once, in the order of the list; then the page says that none is left."""
    for urgency in (Urgency.ROUTINE, Urgency.SUSPECTED, Urgency.URGENT, Urgency.ROUTINE):
        answered(hospital, urgency)
        hospital.later(60)
    there = listed(visitor, "/")
    read, here = [there[0]], there[0]
    while True:
        _read(visitor, here)
        led_to = _next(visitor, here)
        if led_to.endswith("#none-left"):
            break
        here = led_to.removeprefix("/studies/")
        read.append(here)
    assert read == there
    assert led_to == f"/studies/{there[-1]}#none-left"
    assert "No unread study is left in this list." in visitor.text(f"/studies/{there[-1]}")


def test_what_became_urgent_meanwhile_comes_next(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """Whoever reads the tenth routine study is led to the urgent one above, not to the eleventh."""
    first, second = answered(hospital, Urgency.ROUTINE), answered(hospital, Urgency.ROUTINE)
    _read(visitor, first)
    urgent = answered(hospital, Urgency.URGENT)
    assert _next(visitor, first) == f"/studies/{urgent}"
    _read(visitor, urgent)
    assert _next(visitor, urgent) == f"/studies/{second}"


def test_the_filter_is_kept_from_the_list_to_the_next_study(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """Links of a filtered list take the filter along, and so do those that lead on and back."""
    woman = answered(hospital, Urgency.URGENT, sex="F")
    answered(hospital, Urgency.URGENT, sex="M")
    other = answered(hospital, Urgency.ROUTINE, sex="F")
    kept = "?list=sex%3DF%26came%3Dever"
    assert f'href="/studies/{woman}{kept}"' in visitor.get("/?sex=F&came=ever").text
    assert f'href="/studies/{woman}"' in visitor.get("/").text
    page = visitor.get(f"/studies/{woman}{kept}").text
    assert 'href="/?sex=F&amp;came=ever" id="to-list"' in page
    assert f'href="/studies/{woman}/next?sex=F&amp;came=ever"' in page
    assert f'data-live="/live/studies/{woman}{kept}"' in page
    assert _next(visitor, woman, "?sex=F&came=ever") == f"/studies/{other}{kept}"
    _read(visitor, other)
    assert _next(visitor, woman, "?sex=F&came=ever") == f"/studies/{woman}{kept}#none-left"


def test_a_verdict_leads_back_with_the_list(hospital: SeededHospital, visitor: Visitor) -> None:
    """Also where no script sends the form: the list is not forgotten on the way."""
    uid = answered(hospital, Urgency.URGENT)
    kept = "?list=show%3Durgent"
    action = f"/results/1/feedback{kept}"
    assert f'action="{action}"' in visitor.get(f"/studies/{uid}{kept}").text
    answer = visitor.post(action, form={"judgement": "agree"})
    assert answer.headers["location"] == f"/studies/{uid}{kept}#h-feedback"


def test_other_buttons_lead_back_to_the_page_as_it_was(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """ "Try again" keeps list and bundle, and never leads to another page than the study's."""
    failed = []
    for _ in range(2):
        uid, claim = hospital.claimed()
        hospital.fail(claim, "WorkerLost", "The worker stopped 3 times while it had this job")
        failed.append((uid, f"/jobs/{claim.job_id}/retry"))
    (here, again), (other, other_again) = failed
    kept = f"/studies/{here}?list=show%3Dunanswered"
    headers = {**OWN_FORM, "Referer": OWN_ORIGIN + kept}
    assert visitor.post(again, headers).headers["location"] == kept
    assert visitor.post(other_again, headers).headers["location"] == f"/studies/{other}"


def test_what_somebody_else_reads_is_not_offered(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """A study that a colleague has opened is not unread."""
    here, theirs, free = (answered(hospital, Urgency.URGENT) for _ in range(3))
    opened_by(hospital, theirs, "colleague")
    _read(visitor, here)
    assert _next(visitor, here) == f"/studies/{free}"


@pytest.mark.parametrize("asked", ["", "?q=A"])
def test_a_study_in_progress_is_not_offered(
    hospital: SeededHospital, visitor: Visitor, asked: str
) -> None:
    """There is nothing to judge yet, and opening it would take it from among the unread ones."""
    here = answered(hospital, Urgency.URGENT, accession_number="A1")
    hospital.receive(accession_number="A2")
    _read(visitor, here)
    assert _next(visitor, here, asked).endswith("#none-left")
    done = answered(hospital, Urgency.ROUTINE, accession_number="A3")
    assert _next(visitor, here, asked).startswith(f"/studies/{done}")


def test_those_in_progress_are_gone_through_where_they_are_asked_for(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """The tab "In progress" leads from one to the one that follows, opened or not."""
    for _ in range(3):
        _, claim = hospital.claimed()
        hospital.progress(claim, 30, JobState.DECODED)
    first, second, third = listed(visitor, "/?show=pending")
    opened_by(hospital, second)
    hospital.later(3600)
    following = [_next(visitor, one, "?show=pending") for one in (first, third)]
    assert following[0].startswith(f"/studies/{third}?")  # `second` stands last, being opened
    assert following[1].startswith(f"/studies/{second}?")


def test_judged_studies_are_gone_through_in_their_order(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """A list of what readers disagree with has nothing unread, and is gone through all the same."""
    for number in range(1, 4):
        uid = answered(hospital, Urgency.URGENT)
        _read(visitor, uid)
        wrong = {"judgement": "disagree", "fault": ["wrong-region"]}
        visitor.post(f"/results/{number}/feedback", form=wrong)
    asked = "?feedback=disagreed"
    first, second, third = listed(visitor, f"/{asked}")
    assert _next(visitor, first, asked).startswith(f"/studies/{second}?")
    assert _next(visitor, second, asked).startswith(f"/studies/{third}?")
    assert _next(visitor, third, asked).endswith("#none-left")


def test_another_order_is_followed(hospital: SeededHospital, visitor: Visitor) -> None:
    """A list that is sorted by a value goes on by that value, and past what is in progress."""
    third, first = (
        answered(hospital, urgency, accession_number=number)
        for urgency, number in ((Urgency.URGENT, "A3"), (Urgency.ROUTINE, "A1"))
    )
    hospital.receive(accession_number="A2")
    asked = "?sort=accession"
    assert listed(visitor, f"/{asked}")[::2] == [first, third]
    _read(visitor, first)
    assert _next(visitor, first, asked) == f"/studies/{third}?list=sort%3Daccession"
    _read(visitor, third)
    assert _next(visitor, third, asked).endswith("#none-left")


def test_what_leads_nowhere(hospital: SeededHospital, visitor: Visitor) -> None:
    """An unknown study, a filter that there is not, and a list that would be another site."""
    uid = answered(hospital, Urgency.URGENT)
    assert visitor.get("/studies/1.2.3/next").status_code == 404
    assert visitor.get(f"/studies/{uid}/next?show=everything").status_code == 400
    page = visitor.get(f"/studies/{uid}?list=%2F%2Felsewhere.example%22%3E").text
    assert 'href="/?//elsewhere.example&#34;&gt;"' in page
