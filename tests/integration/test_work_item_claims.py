"""A claim at another manager of work items acknowledges the flag; no manager holds one up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from database.flag_claims import Inquiry, channels_to_ask, claim_inquiry, end_inquiry
from database.flag_states import FlagState, NoticeKind
from database.flag_tables import FlagNotice
from database.flags import FlagRules, acknowledge_flag, escalate_due
from database.lease import LeaseLost
from database.schema import upgrade_schema
from database.session import Engine, open_engine, reading, transaction
from database.tables import Event
from radiology.finding import Urgency
from settings.environment import Settings
from settings.flags import AnyChannel, Channel, Flagging, WorkItemChannel, WorkItemWebChannel
from tests.builders.flags import FlaggedStudy, webhook
from tests.builders.rows import later
from tests.peers.work_item_manager import ManagerPeer, running_manager
from tests.peers.work_item_service import STATE, ServicePeer, running_service
from worker.ask_claims import ask_one
from worker.flag.channels import Channels
from worker.flag_study import tell_one

pytestmark = pytest.mark.integration


class DimseManager:
    """A UPS SCP that is not ours."""

    def __init__(self, peer: ManagerPeer, answer_s: float) -> None:
        self.peer = peer
        self.channel = WorkItemChannel(
            kind="work-item",
            name="elsewhere",
            peer="manager",
            answer_s=answer_s,
            from_urgency=Urgency.ROUTINE,
        )
        self.settings: dict[str, Any] = {"peers": (peer.as_peer,)}

    def stands(self, state: str) -> None:
        """Somebody there changes the state of every work item."""
        for item in self.peer.work_items.values():
            item.ProcedureStepState = state

    def answers(self, status: int | None) -> None:
        """Answer everything with a status, or as it is again."""
        self.peer.answer_with = status

    def before_answering(self, do: Any) -> None:
        """Do something before an answer."""
        self.peer.before_answer = lambda event: do()

    @property
    def asked(self) -> int:
        """How often it was asked how a work item stands."""
        return [operation for operation, _ in self.peer.heard].count("get")

    refuses, busy = 0x0124, 0x0110


class WebManager:
    """A UPS-RS service that is not ours."""

    def __init__(self, peer: ServicePeer, answer_s: float) -> None:
        self.peer = peer
        self.channel = WorkItemWebChannel.model_validate(
            {
                "kind": "work-item-web",
                "name": "elsewhere",
                "url": peer.url,
                "answer_s": answer_s,
                "from_urgency": "routine",
            }
        )
        self.settings: dict[str, Any] = {}

    def stands(self, state: str) -> None:
        """Somebody there changes the state of every work item."""
        for item in self.peer.work_items.values():
            item[STATE]["Value"] = [state]

    def answers(self, status: int | None) -> None:
        """Answer everything with a status, or as it is again."""
        self.peer.answer_with = status

    def before_answering(self, do: Any) -> None:
        """Do something before an answer."""
        self.peer.before_answer = lambda: bool(do() and False)

    @property
    def asked(self) -> int:
        """How often it was asked how a work item stands."""
        return [method for method, _, _ in self.peer.heard].count("GET")

    refuses, busy = 403, 503


@dataclass
class Hospital:
    """One urgent study, told to a manager of work items; somebody else is told after 300 s."""

    engine: Engine
    elsewhere: DimseManager | WebManager
    settings: Settings
    channels: Channels
    study: FlaggedStudy

    def tell(self, at: float) -> None:
        """Tell the manager what is due."""
        assert tell_one(
            self.settings, self.engine, self.channels, "elsewhere", lambda: later(at), lambda: 0.0
        )

    def ask(self, at: float) -> bool:
        """Ask the manager what is due; whether anything was."""
        return ask_one(self.settings, self.engine, self.channels, "elsewhere", lambda: later(at))

    def escalate(self, at: float) -> list[NoticeKind]:
        """The sweep: what the further channel is told now."""
        with transaction(self.engine) as session:
            escalate_due(session, self.study.rules, later(at))
        return [kind for kind, _ in self.study.notices("pager")]

    def events(self, name: str) -> list[dict[str, Any]]:
        """What stands on the study's page."""
        with reading(self.engine) as session:
            return [
                one.facts
                for one in session.scalars(select(Event).where(Event.name == name).order_by("id"))
            ]

    def ask_at(self) -> list[float | None]:
        """When each notice of the manager's is asked about, in seconds."""
        with reading(self.engine) as session:
            rows = session.scalars(
                select(FlagNotice.ask_at)
                .where(FlagNotice.channel == "elsewhere")
                .order_by(FlagNotice.id)
            ).all()
        return [None if at is None else (at - later(0)).total_seconds() for at in rows]


def _hospital(
    stack: ExitStack,
    engine: Engine,
    folder: Path,
    way: str,
    *,
    answer_s: float = 10.0,
    **flagging: Any,
) -> Hospital:
    elsewhere: DimseManager | WebManager
    if way == "dimse":
        elsewhere = DimseManager(stack.enter_context(running_manager()), answer_s)
    else:
        elsewhere = WebManager(stack.enter_context(running_service()), answer_s)
    told: tuple[AnyChannel, ...] = (elsewhere.channel, webhook(escalation=1))
    flagged = Flagging(escalation_s=(300.0,), **flagging)
    settings = Settings(data_folder=folder, flags=told, flagging=flagged, **elsewhere.settings)
    channels = Channels(settings)
    stack.callback(channels.close)
    study = FlaggedStudy(engine, FlagRules(told, flagged))
    return Hospital(engine, elsewhere, settings, channels, study)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The database of both sizes in turn."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'test.sqlite'}")
    else:
        engine = open_engine(request.getfixturevalue("postgres_url"))
    upgrade_schema(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=["dimse", "web"])
def hospital(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[Hospital]:
    """An urgent study whose work item stands at another manager, by either way in turn."""
    with ExitStack() as stack:
        made = _hospital(stack, engine, tmp_path, request.param)
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
    with reading(hospital.engine) as session:
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
        hospital = _hospital(stack, engine, tmp_path, way, answer_s=1.0)
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
    assert not tell_one(
        hospital.settings,
        hospital.engine,
        hospital.channels,
        "elsewhere",
        lambda: later(63),
        lambda: 0.0,
    )
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
        off = _hospital(stack, engine, tmp_path, "web", claims_s=0.0)
        off.study.result(Urgency.URGENT, 0)
        off.tell(1)
        assert off.ask_at() == [None]
    with ExitStack() as stack:
        routine = _hospital(stack, engine, tmp_path, "web")
        routine.study.number = 2
        routine.study.result(Urgency.ROUTINE, 0)
        routine.tell(1)
        assert routine.ask_at() == [None, None]


def _end(hospital: Hospital, inquiry: Inquiry, at: float) -> None:
    channel: Channel = hospital.elsewhere.channel
    with transaction(hospital.engine) as session:
        end_inquiry(session, inquiry, channel, hospital.settings.flagging, later(at))
