"""A claim at another manager of work items acknowledges the flag; no manager holds one up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from database.flag_states import FlagState, NoticeKind
from database.flags.inquiries import Inquiry, channels_to_ask, claim_inquiry, end_inquiry
from database.flags.raised import acknowledge_flag
from database.lease import LeaseLost
from database.session import Engine, query, transaction
from database.views.unfinished_rows import defects
from radiology.urgency import Urgency
from settings.flags import Channel
from tests.builders.stored.other_manager import Hospital, told_hospital
from tests.builders.stored.rows import later

pytestmark = pytest.mark.integration


@pytest.fixture(params=["dimse", "web"])
def hospital(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[Hospital]:
    """An urgent study whose work item stands at another manager, by either way in turn."""
    with ExitStack() as stack:
        made = told_hospital(stack, engine, tmp_path, request.param)
        made.study.result(Urgency.URGENT, 0)
        made.tell(1)
        yield made


@pytest.mark.parametrize("state", ["IN PROGRESS", "COMPLETED"])
def test_claimed_elsewhere(hospital: Hospital, state: str) -> None:
    """Somebody there works on it or has done so: acknowledged, and nobody else is told."""
    assert not hospital.ask(60)  # not yet
    assert hospital.ask(61)
    assert hospital.study.flag().state is FlagState.OPEN
    hospital.elsewhere.stands(state)
    with query(hospital.engine) as session:
        assert channels_to_ask(session, later(121)) == ["elsewhere"]
    assert hospital.ask(121)
    flag = hospital.study.flag()
    assert flag.state is FlagState.ACKNOWLEDGED
    assert (flag.acknowledged_by, flag.acknowledged_through) == ("elsewhere", "elsewhere")
    (claimed,) = hospital.events("work_item_claimed")
    assert (claimed["channel"], claimed["state"]) == ("elsewhere", state)
    assert not hospital.ask(9999)
    assert hospital.escalate(9999) == []
    assert hospital.elsewhere.asked == 2


def test_nobody_has_claimed_it(hospital: Hospital) -> None:
    """It is asked every minute and shortly before the next step, which comes in time."""
    asked = [at for at in range(1, 299) if hospital.ask(at)]
    assert asked == [61, 121, 181, 241, 287]  # answer_s and a few sweeps before 300
    assert hospital.escalate(299) == []
    assert hospital.escalate(300) == [NoticeKind.RAISED]
    hospital.elsewhere.stands("IN PROGRESS")
    assert hospital.ask(400)
    assert hospital.study.flag().state is FlagState.ACKNOWLEDGED


@pytest.mark.parametrize("way", ["dimse", "web"])
def test_a_manager_that_is_silent(engine: Engine, tmp_path: Path, way: str) -> None:
    """It holds nothing up: the next step is told in time, and it is asked again later."""
    with ExitStack() as stack:
        hospital = told_hospital(stack, engine, tmp_path, way, answer_s=1.0)
        hospital.study.result(Urgency.URGENT, 0)
        hospital.tell(1)
        go_on = threading.Event()
        stack.callback(go_on.set)
        hospital.elsewhere.before_answering(lambda: go_on.wait(20))
        for at in (61, 121):
            assert hospital.ask(at)
        assert hospital.escalate(300) == [NoticeKind.RAISED]
        (unknown,) = hospital.events("claim_not_known")  # once for each outage
        assert unknown == {"channel": "elsewhere", "error_kind": "PeerUnreachable"}
        go_on.set()
        hospital.elsewhere.before_answering(lambda: None)
        assert hospital.ask_at() == [181.0]


def test_a_manager_that_is_busy(hospital: Hospital) -> None:
    """It is asked again, as often as one that answers."""
    hospital.elsewhere.answers(hospital.elsewhere.busy)
    assert hospital.ask(61)
    assert hospital.ask_at() == [121.0]


def test_a_manager_that_refuses(hospital: Hospital) -> None:
    """It is not asked again, the page says why, and the next step is told in time."""
    hospital.elsewhere.answers(hospital.elsewhere.refuses)
    assert hospital.ask(61)
    assert hospital.ask_at() == [None]
    assert hospital.events("claim_not_known")[0]["error_kind"] == "PeerRefused"
    assert hospital.study.flag().state is FlagState.OPEN
    assert hospital.escalate(300) == [NoticeKind.RAISED]


def test_an_answer_that_nobody_foresaw(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours frees the channel, is asked once more and then no more; it is told once."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    sender = hospital.channels.sender(hospital.elsewhere.channel)
    monkeypatch.setattr(type(sender), "state_of", fail)
    assert hospital.ask(61)
    assert hospital.ask_at() == [121.0]
    assert hospital.ask(121)
    assert hospital.ask_at() == [None]
    (unknown,) = hospital.events("claim_not_known")
    assert unknown["error_kind"] == "ZeroDivisionError"
    assert not hospital.ask(10_000)
    with query(hospital.engine) as session:
        (shown,) = defects(session, limit=5)
    assert (shown.queue, shown.error_kind) == ("inquiries", "ZeroDivisionError")
    assert "in fail" in shown.trace
    assert hospital.escalate(301) == [NoticeKind.RAISED]


def test_canceled_elsewhere(hospital: Hospital) -> None:
    """Nobody has seen it, and nothing leads out of that state: no need to ask again."""
    hospital.elsewhere.stands("CANCELED")
    assert hospital.ask(61)
    assert hospital.ask_at() == [None]
    assert hospital.study.flag().state is FlagState.OPEN


def test_a_worker_that_dies_while_it_asks(hospital: Hospital) -> None:
    """Its question is asked again, it cannot write any more, and one acknowledgement counts."""
    hospital.elsewhere.stands("IN PROGRESS")
    with transaction(hospital.engine) as session:
        dead = claim_inquiry(session, "elsewhere", lease_s=8.0, now=later(61))
    assert dead is not None
    assert not hospital.ask(68)
    assert hospital.ask(70)
    assert hospital.study.flag().state is FlagState.ACKNOWLEDGED
    with pytest.raises(LeaseLost):
        _end(hospital, dead, 71)
    assert len(hospital.events("work_item_claimed")) == 1
    assert len(hospital.events("flag_acknowledged")) == 1


def test_one_question_at_a_time(hospital: Hospital) -> None:
    """While a channel is asked nobody else asks it; and a notice waits for its turn."""
    with transaction(hospital.engine) as session:
        held = claim_inquiry(session, "elsewhere", lease_s=8.0, now=later(61))
        assert held is not None
        assert claim_inquiry(session, "elsewhere", lease_s=8.0, now=later(61)) is None
    hospital.study.result(Urgency.URGENT, 62)
    assert not hospital.is_told(63)
    _end(hospital, held, 64)
    hospital.tell(65)
    assert hospital.ask_at() == [None, 125.0]  # only what was told last is asked about


def test_acknowledged_while_it_is_asked(hospital: Hospital) -> None:
    """No transaction is open meanwhile: whoever acknowledges at the page need not wait."""
    hospital.elsewhere.stands("IN PROGRESS")

    def at_the_page() -> None:
        with transaction(hospital.engine) as session:
            uid = hospital.study.flag().flag_uid
            assert acknowledge_flag(session, uid, by="reader", through="page", now=later(61))

    hospital.elsewhere.before_answering(at_the_page)
    assert hospital.ask(61)
    assert hospital.study.flag().acknowledged_by == "reader"
    assert hospital.events("work_item_claimed") == []
    assert hospital.ask_at() == [None, None]  # it was told, and that it is acknowledged


def test_a_newer_result_while_it_is_asked(hospital: Hospital) -> None:
    """Whoever claimed the older result's work item is found when the newer one is told."""
    hospital.elsewhere.stands("IN PROGRESS")
    hospital.elsewhere.before_answering(lambda: hospital.study.result(Urgency.URGENT, 61))
    assert hospital.ask(61)
    hospital.elsewhere.before_answering(lambda: None)
    assert hospital.study.flag().state is FlagState.OPEN
    hospital.tell(62)
    assert hospital.study.flag().state is FlagState.ACKNOWLEDGED


def test_who_is_never_asked(engine: Engine, tmp_path: Path) -> None:
    """With claims_s 0 nobody is; without a further step only about urgent studies."""
    with ExitStack() as stack:
        off = told_hospital(stack, engine, tmp_path, "web", claims_s=0.0)
        off.study.result(Urgency.URGENT, 0)
        off.tell(1)
        assert off.ask_at() == [None]
    with ExitStack() as stack:
        routine = told_hospital(stack, engine, tmp_path, "web")
        routine.study.number = 2
        routine.study.result(Urgency.ROUTINE, 0)
        routine.tell(1)
        assert routine.ask_at() == [None, None]


def _end(hospital: Hospital, inquiry: Inquiry, at: float) -> None:
    channel: Channel = hospital.elsewhere.channel
    with transaction(hospital.engine) as session:
        end_inquiry(session, inquiry, channel, hospital.settings.flagging, later(at))
