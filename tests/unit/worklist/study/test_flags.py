"""The flag on the page: where it stands, the buttons, and the signed call of a receiver."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from database.flag_states import FlagState, NoticeState
from database.flags.notices import claim_notice, end_notice
from database.flags.raised import flag_result
from database.flags.rules import FlagRules
from database.session import query, transaction
from database.tables.readers.flag import Flag
from database.tables.study.analysis import Result, Study
from models.judge.rules import ONE_OR_MORE
from radiology.urgency import Urgency
from settings.environment import Settings
from settings.flags import Flagging
from tests.builders.stored.flags import webhook
from tests.unit.worklist.access.visitor import OWN_ORIGIN, Visitor, readable
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.head_reading import stored_head
from webhook_node.signature import signed_headers
from worklist.app import create_app

_TOKEN = "a-token-that-nobody-guesses"
_SECRET = SecretStr("both know this")


@pytest.fixture
def flagged(hospital: SeededHospital, tmp_path: Path) -> str:
    """An urgent study with an open flag, of which one channel is to be told; gives its UID."""
    (tmp_path / "secret").write_text(_SECRET.get_secret_value())
    uid, claim = hospital.claimed(accession_number="A-1")
    result_id = hospital.answer(claim, Urgency.URGENT)
    rules = FlagRules([webhook()], Flagging())
    with transaction(hospital.engine) as session:
        result = session.get_one(Result, result_id)
        seen = {"seen": "31.5 % of the worse lung", "limit": "25 % or more"}
        flag_result(session, result, rules, hospital.now, token=_TOKEN, seen=seen)
    return uid


@pytest.fixture
def signed_visitor(
    hospital: SeededHospital, worklist_settings: Settings, tmp_path: Path
) -> Visitor:
    """A visitor of a page whose settings know the channel and its secret."""
    channel = webhook(secret_file=tmp_path / "secret")
    settings = worklist_settings.model_copy(update={"flags": (channel,)})
    return Visitor(create_app(settings, hospital.engine, clock=lambda: hospital.now))


def flag_of(hospital: SeededHospital) -> Flag:
    """The only flag."""
    with query(hospital.engine) as session:
        return session.scalars(select(Flag)).one()


def call(visitor: Visitor, address: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    """What a system sends that has been told."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(visitor.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=OWN_ORIGIN) as client:
            return await client.post(address, content=body, headers=headers)

    return asyncio.run(send())


def test_the_page_shows_an_open_flag_and_why(flagged: str, visitor: Visitor) -> None:
    """Where it stands, who is to be told, and the values that decided."""
    text = visitor.text(f"/studies/{flagged}")
    assert "open: nobody has acknowledged it" in text
    assert "pager: flag waiting to be sent" in text
    assert "seen 31.5 % of the worse lung" in text.replace("\n", " ")


def test_the_button_acknowledges(flagged: str, visitor: Visitor, hospital: SeededHospital) -> None:
    """Whoever presses it stands on the page; a second press changes nothing."""
    address = f"/flags/{flag_of(hospital).flag_uid}/acknowledge"
    for _ in range(2):
        answer = visitor.post(address)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"/studies/{flagged}")
    flag = flag_of(hospital)
    assert (flag.state, flag.acknowledged_by, flag.acknowledged_through) == (
        FlagState.ACKNOWLEDGED,
        "local",
        "page",
    )
    assert "acknowledged by local on this page" in visitor.text(f"/studies/{flagged}")
    chinese = visitor.get(f"/studies/{flagged}", {"Cookie": "firstread_language=zh"}).text
    for key in ("flag_bar", "flags"):
        start = chinese.index(f'data-part="{key}"')
        said = readable(chinese[start - 60 : chinese.index("<time", start)])
        assert "确认人 local，在本页面" in said, key
        assert "page" not in said, key


def test_another_site_cannot_acknowledge(
    flagged: str, visitor: Visitor, hospital: SeededHospital
) -> None:
    """The button is for our own page alone."""
    address = f"/flags/{flag_of(hospital).flag_uid}/acknowledge"
    assert visitor.post(address, {"Origin": "http://evil.example"}).status_code == 403
    assert flag_of(hospital).state is FlagState.OPEN


def test_an_unknown_flag(visitor: Visitor) -> None:
    """A flag that does not exist is answered with a page."""
    assert visitor.post("/flags/2.25.99/acknowledge").status_code == 404
    assert visitor.post("/flags/not-a-uid/retry").status_code == 404


def test_tell_again(flagged: str, visitor: Visitor, hospital: SeededHospital) -> None:
    """A refused notice can be sent again by a button; without one there is nothing to do."""
    address = f"/flags/{flag_of(hospital).flag_uid}/retry"
    assert visitor.post(address).status_code == 409
    with transaction(hospital.engine) as session:
        claim = claim_notice(session, "pager", lease_s=5, now=hospital.now)
        assert claim is not None
        end_notice(
            session,
            claim,
            NoticeState.REFUSED,
            hospital.now,
            error_kind="PeerRefused",
            error_message="The receiver has no such address: correct url",
        )
    assert "correct url" in visitor.text(f"/studies/{flagged}")
    assert visitor.post(address).status_code == 303
    assert "pager: flag waiting" in visitor.text(f"/studies/{flagged}")


def test_a_signed_call_acknowledges(
    flagged: str, signed_visitor: Visitor, hospital: SeededHospital
) -> None:
    """A receiver says later who has seen it, signed as our own notices are."""
    address = f"/flags/{flag_of(hospital).flag_uid}/acknowledge/{_TOKEN}"
    body = json.dumps({"acknowledged_by": "night desk"}).encode()
    headers = signed_headers(_SECRET, "m-1", body, hospital.now)
    for first in (True, False):
        answer = call(signed_visitor, address, body, headers)
        assert (answer.status_code, answer.json()["first"]) == (200, first)
    flag = flag_of(hospital)
    assert (flag.acknowledged_by, flag.acknowledged_through) == ("night desk", "pager")


def test_a_receiver_that_names_nobody_is_named_once(
    flagged: str, signed_visitor: Visitor, hospital: SeededHospital
) -> None:
    """The page says through what it was acknowledged, and not that this was the person too."""
    address = f"/flags/{flag_of(hospital).flag_uid}/acknowledge/{_TOKEN}"
    headers = signed_headers(_SECRET, "m-1", b"{}", hospital.now)
    assert call(signed_visitor, address, b"{}", headers).status_code == 200
    text = signed_visitor.text(f"/studies/{flagged}")
    assert "acknowledged through pager" in text
    assert "by pager" not in text


@pytest.mark.parametrize("wrong", ["none", "body", "secret", "old", "token", "flag", "large"])
def test_what_is_not_signed_acknowledges_nothing(
    flagged: str, signed_visitor: Visitor, hospital: SeededHospital, wrong: str
) -> None:
    """Neither the address alone nor a signature alone is enough."""
    uid, body = flag_of(hospital).flag_uid, b"{}"
    now = hospital.now - timedelta(seconds=301 if wrong == "old" else 0)
    secret = SecretStr("guessed") if wrong == "secret" else _SECRET
    headers = {} if wrong == "none" else signed_headers(secret, "m-1", body, now)
    token = "another-token-of-that-length" if wrong == "token" else _TOKEN
    sent = {"body": b"[]", "large": b" " * 20_000}.get(wrong, body)
    address = f"/flags/{'2.25.7' if wrong == 'flag' else uid}/acknowledge/{token}"
    status = {"token": 404, "flag": 404, "large": 413}.get(wrong, 403)
    assert call(signed_visitor, address, sent, headers).status_code == status
    assert flag_of(hospital).state is FlagState.OPEN


def test_the_administrator_sees_how_many_are_open(
    flagged: str, visitor: Visitor, hospital: SeededHospital
) -> None:
    """A count of urgent studies that nobody has acknowledged."""
    assert "urgent and not acknowledged 1" in visitor.text("/administration").replace("\n", " ")


def test_why_a_study_is_not_flagged(visitor: Visitor, hospital: SeededHospital) -> None:
    """A routine study says which rule decided, with the value that it saw."""
    uid, claim = hospital.claimed()
    result_id = hospital.answer(claim, Urgency.ROUTINE)
    with transaction(hospital.engine) as session:
        result = session.get_one(Result, result_id)
        seen = {"seen": "0.02, threshold 0.50", "limit": "below the threshold"}
        rules = FlagRules([], Flagging())
        assert flag_result(session, result, rules, hospital.now, token="t", seen=seen) is None
        assert session.query(Study).count() == 1
    text = visitor.text(f"/studies/{uid}").replace("\n", " ")
    assert "Why not flagged" in text
    assert "seen 0.02, threshold 0.50" in text


def test_a_chinese_page_says_what_the_rule_of_a_decision_saw(
    visitor: Visitor, hospital: SeededHospital
) -> None:
    """In the section of the flag and in the steps, a title as the bundle calls it."""
    uid, claim = hospital.claimed()
    result_id = hospital.answer(claim, Urgency.ROUTINE)
    with transaction(hospital.engine) as session:
        result = session.get_one(Result, result_id)
        facts = stored_head()
        called = {"language": "zh", "title": "Intracranial hemorrhage", "words": "颅内出血灶"}
        facts["report"]["translated"] = [called]
        result.reading = facts
        seen = {"seen": "Intracranial hemorrhage", "limit": ONE_OR_MORE}
        rules = FlagRules([], Flagging())
        flag_result(session, result, rules, hospital.now, token="t", seen=seen)
    page = visitor.get(f"/studies/{uid}", {"Cookie": "firstread_language=zh"}).text
    for key in ("flags", "steps"):
        start = page.index(f'data-part="{key}"')
        said = readable(page[start : page.index("</section>", start)]).replace("\n", " ")
        assert "所测 颅内出血灶 界值 一项或多项所见" in said, key
