"""Studies on which a reader disagrees: marked in the list, found by a filter, and linked to."""

from __future__ import annotations

import asyncio
import json
from html import unescape

import pytest

from database.feedback.given import give_feedback
from database.session import query, transaction
from database.tables.study.analysis import Result, Study
from radiology.feedback import Fault, Judgement, Opinion
from radiology.urgency import Urgency
from settings.environment import Settings
from tests.unit.worklist.access.visitor import Visitor, row_text, rows_of
from tests.unit.worklist.list.ordinary_day import MILD, OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from worklist.list.query import FeedbackChoice, ListQuery
from worklist.list.screen import list_screen
from worklist.page.live import LiveScreens
from worklist.page.screens import PageContext
from worklist.page.templates import make_templates

AGREES = Opinion(Judgement.AGREE)
DISAGREED = "/?feedback=disagreed"


def _disagrees(*faults: Fault) -> Opinion:
    return Opinion(Judgement.DISAGREE, frozenset(faults))


def _results(hospital: SeededHospital, uid: str) -> list[int]:
    """The results of a study, the oldest first."""
    with query(hospital.engine) as session:
        found = session.query(Result.id).join(Study, Study.id == Result.study_id)
        return [one for (one,) in found.filter(Study.study_instance_uid == uid).order_by(Result.id)]


def _say(hospital: SeededHospital, result: int, opinion: Opinion, reader: str = "dr-a") -> None:
    hospital.later(1)
    with transaction(hospital.engine) as session:
        give_feedback(session, result, opinion, reader=reader, now=hospital.now)


def _rows(visitor: Visitor, address: str) -> list[str]:
    answer = visitor.get(address)
    assert answer.status_code == 200, answer.text
    return rows_of(answer.text)


def test_the_row_says_that_a_reader_disagrees(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """The mark is text beside a shape; who agrees leaves none, and no comment is in the list."""
    (urgent,) = _results(hospital, ordinary_day.urgent)
    (suspected,) = _results(hospital, ordinary_day.suspected)
    wrong = _disagrees(Fault.WRONG_TYPE, Fault.MISSED)
    _say(hospital, urgent, Opinion(wrong.judgement, wrong.faults, "Mrs Doe"))
    _say(hospital, suspected, AGREES)
    html = visitor.get("/").text
    assert "reader disagrees: missed, wrong type" in row_text(html, ordinary_day.urgent)
    assert html.count("reader disagree") == 1
    assert "Mrs Doe" not in html
    chinese = visitor.get("/", {"Cookie": "firstread_language=zh"}).text
    assert "阅片医生不同意：漏诊、类型错误" in row_text(chinese, ordinary_day.urgent)


def test_the_filter_finds_what_was_said(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """Disagreed, agreed and not judged share the studies among them; filters combine."""
    (urgent,) = _results(hospital, ordinary_day.urgent)
    (routine,) = _results(hospital, ordinary_day.routine)
    _say(hospital, urgent, _disagrees(Fault.FALSE_POSITIVE))
    _say(hospital, routine, AGREES)
    assert _rows(visitor, DISAGREED) == [ordinary_day.urgent]
    assert _rows(visitor, "/?feedback=agreed") == [ordinary_day.routine]
    others = _rows(visitor, "/?feedback=none")
    assert len(others) == len(_rows(visitor, "/")) - 2
    assert _rows(visitor, "/?feedback=disagreed&sex=M&show=urgent") == [ordinary_day.urgent]
    assert _rows(visitor, "/?feedback=disagreed&sex=F") == []


def test_the_filter_stands_in_the_form_and_in_addresses(
    ordinary_day: OrdinaryDay, visitor: Visitor
) -> None:
    """It is chosen in the form and kept by the tabs, as the others are."""
    html = visitor.get(DISAGREED).text
    assert '<option value="disagreed" selected>disagreed</option>' in html
    assert 'href="/?show=suspected&amp;feedback=disagreed" id="tab-suspected"' in html
    assert visitor.get("/?feedback=perhaps").status_code == 400


def test_who_thinks_again_takes_the_mark_away(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """Of one reader the newest opinion counts."""
    (urgent,) = _results(hospital, ordinary_day.urgent)
    _say(hospital, urgent, _disagrees(Fault.MISSED))
    _say(hospital, urgent, AGREES)
    assert _rows(visitor, DISAGREED) == []
    assert "reader disagree" not in visitor.get("/").text


def test_of_several_readers_the_last_one_counts(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """The list follows the rule of the figures: who answered last."""
    (urgent,) = _results(hospital, ordinary_day.urgent)
    _say(hospital, urgent, AGREES, "dr-a")
    _say(hospital, urgent, _disagrees(Fault.MISSED), "dr-b")
    assert _rows(visitor, DISAGREED) == [ordinary_day.urgent]
    _say(hospital, urgent, AGREES, "dr-a")
    assert _rows(visitor, DISAGREED) == []


def test_what_was_said_of_an_earlier_result_says_so(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """Until the newest result is judged the earlier one counts; afterwards it does no longer."""
    uid = ordinary_day.suspected
    (first,) = _results(hospital, uid)
    _say(hospital, first, _disagrees(Fault.FALSE_POSITIVE))
    hospital.receive(into=uid)
    hospital.queue(uid)
    claim = hospital.claim()
    while claim.study_version == 1:  # what was still waiting of the day
        claim = hospital.claim()
    hospital.answer(claim, Urgency.SUSPECTED, MILD)
    said = row_text(visitor.get(DISAGREED).text, uid)
    assert "reader disagreed with an earlier result: false positive" in said
    _say(hospital, _results(hospital, uid)[-1], AGREES, "dr-b")
    assert _rows(visitor, DISAGREED) == []
    _say(hospital, first, _disagrees(Fault.MISSED))  # on a page that is older than the result
    assert _rows(visitor, DISAGREED) == []


def test_the_scorecard_leads_to_the_studies(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """The link asks for the studies of all days, of the scanner that is looked at."""
    assert 'href="/?feedback=disagreed&amp;came=ever">' in visitor.get("/scorecard").text
    html = visitor.get("/scorecard?scanner=CT1").text
    assert 'href="/?scanner=CT1&amp;feedback=disagreed&amp;came=ever">' in html


def test_a_refused_download_leads_to_the_studies(
    ordinary_day: OrdinaryDay,
    visitor: Visitor,
    hospital: SeededHospital,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where there is too much to download, the list shows which studies these are."""
    monkeypatch.setattr("worklist.administration.feedback_export.MOST_STUDIES", 0)
    (urgent,) = _results(hospital, ordinary_day.urgent)
    _say(hospital, urgent, _disagrees(Fault.MISSED))
    answer = visitor.post("/feedback/export", form={})
    assert answer.status_code == 409
    link = answer.text.partition('id="disagreed" href="')[2].partition('"')[0]
    assert _rows(visitor, unescape(link)) == [ordinary_day.urgent]


def test_a_live_list_follows_feedback(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, worklist_settings: Settings
) -> None:
    """A study comes into the filtered list and leaves it while somebody looks."""
    context = PageContext(
        worklist_settings, hospital.engine, make_templates(), clock=lambda: hospital.now
    )
    (urgent,) = _results(hospital, ordinary_day.urgent)
    asked = ListQuery(feedback=FeedbackChoice.DISAGREED)

    async def watch() -> None:
        live = LiveScreens(hospital.engine)
        stream = live.stream(asked.address(), lambda: list_screen(context, asked))

        async def order() -> list[str]:
            text = await asyncio.wait_for(anext(stream), timeout=10)
            listed: list[str] = json.loads(text.partition("data: ")[2])["order"]
            return listed

        await anext(stream)
        assert await order() == []
        _say(hospital, urgent, _disagrees(Fault.MISSED))
        assert await order() == [ordinary_day.urgent]
        _say(hospital, urgent, AGREES)
        assert await order() == []
        live.close()

    asyncio.run(watch())
