"""The row of a study says whether its flag is acknowledged, and what readers say of its result."""

from __future__ import annotations

from sqlalchemy import select

from database.feedback.given import give_feedback
from database.flags.raised import flag_result
from database.flags.rules import FlagRules
from database.session import query, transaction
from database.tables.readers.flag import Flag
from database.tables.study.analysis import Result, Study
from radiology.feedback import Fault, Judgement, Opinion
from radiology.urgency import Urgency
from settings.flags import Flagging
from tests.builders.stored.flags import webhook
from tests.unit.worklist.access.visitor import Visitor, row_text
from tests.unit.worklist.seeding import SeededHospital

_AGREES = Opinion(Judgement.AGREE, frozenset(), "")
_DISAGREES = Opinion(Judgement.DISAGREE, frozenset({Fault.WRONG_REGION}), "")


def _flagged(hospital: SeededHospital, token: str) -> str:
    uid, claim = hospital.claimed()
    result_id = hospital.answer(claim, Urgency.URGENT, picture=False)
    with transaction(hospital.engine) as session:
        result = session.get_one(Result, result_id)
        rules = FlagRules([webhook()], Flagging())
        flag_result(session, result, rules, hospital.now, token=token, seen={})
    return uid


def _acknowledge(hospital: SeededHospital, visitor: Visitor, uid: str) -> None:
    with query(hospital.engine) as session:
        flag_uid = session.scalars(
            select(Flag.flag_uid)
            .join(Study, Study.id == Flag.study_id)
            .where(Study.study_instance_uid == uid)
        ).one()
    assert visitor.post(f"/flags/{flag_uid}/acknowledge").status_code == 303


def _say(hospital: SeededHospital, uid: str, opinion: Opinion, reader: str) -> None:
    with transaction(hospital.engine) as session:
        result_id = session.scalars(
            select(Result.id)
            .join(Study, Study.id == Result.study_id)
            .where(Study.study_instance_uid == uid)
            .order_by(Result.id.desc())
            .limit(1)
        ).one()
        give_feedback(session, result_id, opinion, reader=reader, now=hospital.now)


def test_the_row_says_whose_flag_is_open(hospital: SeededHospital, visitor: Visitor) -> None:
    """Of two urgent studies, one is acknowledged by a reader, and the other by nobody; a study
    that was never flagged has neither word."""
    seen, unseen = _flagged(hospital, "one"), _flagged(hospital, "two")
    plain, claim = hospital.claimed()
    hospital.answer(claim, Urgency.SUSPECTED, picture=False)
    _acknowledge(hospital, visitor, seen)
    page = visitor.get("/").text
    assert "acknowledged by local" in row_text(page, seen)
    assert "flag open" not in row_text(page, seen)
    assert "flag open" in row_text(page, unseen)
    assert "acknowledged" not in row_text(page, unseen)
    assert "flag open" not in row_text(page, plain)
    assert "acknowledged" not in row_text(page, plain)


def test_a_withdrawn_flag_is_not_in_the_row(hospital: SeededHospital, visitor: Visitor) -> None:
    """What is no longer in force is not what a reader has to look at."""
    uid = _flagged(hospital, "one")
    assert "flag open" in row_text(visitor.get("/").text, uid)
    claim = hospital.claimed(into=uid)[1]
    result_id = hospital.answer(claim, Urgency.ROUTINE, picture=False)
    with transaction(hospital.engine) as session:
        result = session.get_one(Result, result_id)
        rules = FlagRules([webhook()], Flagging())
        flag_result(session, result, rules, hospital.now, token="two", seen={})
    assert "flag open" not in row_text(visitor.get("/").text, uid)


def test_the_row_says_that_a_reader_agrees(hospital: SeededHospital, visitor: Visitor) -> None:
    """Agreement is a word of the row as disagreement is, until a newer result stands unjudged."""
    uid = _flagged(hospital, "one")
    assert "reader agree" not in row_text(visitor.get("/").text, uid)
    _say(hospital, uid, _AGREES, "dr-a")
    assert "reader agrees" in row_text(visitor.get("/").text, uid)
    hospital.answer(hospital.claimed(into=uid)[1], Urgency.URGENT, picture=False)
    assert "reader agreed with an earlier result" in row_text(visitor.get("/").text, uid)
    _say(hospital, uid, _DISAGREES, "dr-b")
    text = row_text(visitor.get("/").text, uid)
    assert "reader disagrees: wrong region" in text
    assert "agreed" not in text
