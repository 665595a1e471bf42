"""A hospital whose urgent study was told to another manager of work items, and how that behaves."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from database.flag_states import NoticeKind
from database.flags.raised import escalate_due
from database.flags.rules import FlagRules
from database.session import Engine, query, transaction
from database.tables.readers.flag import FlagNotice
from database.tables.study.analysis import Event
from radiology.urgency import Urgency
from settings.environment import Settings
from settings.flags import AnyChannel, Flagging, WorkItemChannel, WorkItemWebChannel
from tests.builders.stored.flags import FlaggedStudy, webhook
from tests.builders.stored.rows import later
from tests.peers.dicom.work_item_manager import ManagerPeer, running_manager
from tests.peers.dicom.work_item_service import STATE, ServicePeer, running_service
from worker.equipment import Equipment
from worker.flag.ask_elsewhere import ask_one
from worker.flag.channels import Channels
from worker.flag.flag_study import tell_one


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

    def equipment(self, at: float) -> Equipment:
        """What the worker works with."""
        return Equipment(
            self.settings, self.engine, "worker", lambda: later(at), jitter=lambda: 0.0
        )

    def is_told(self, at: float) -> bool:
        """Tell the manager what is due; whether anything was."""
        return tell_one(self.equipment(at), self.channels, "elsewhere")

    def tell(self, at: float) -> None:
        """Tell the manager what is due; there must be something."""
        assert self.is_told(at)

    def ask(self, at: float) -> bool:
        """Ask the manager what is due; whether anything was."""
        return ask_one(self.equipment(at), self.channels, "elsewhere")

    def escalate(self, at: float) -> list[NoticeKind]:
        """The sweep: what the further channel is told now."""
        with transaction(self.engine) as session:
            escalate_due(session, self.study.rules, later(at))
        return [kind for kind, _ in self.study.notices("pager")]

    def events(self, name: str) -> list[dict[str, Any]]:
        """What stands on the study's page."""
        with query(self.engine) as session:
            return [
                one.facts
                for one in session.scalars(select(Event).where(Event.name == name).order_by("id"))
            ]

    def ask_at(self) -> list[float | None]:
        """When each notice of the manager's is asked about, in seconds."""
        with query(self.engine) as session:
            rows = session.scalars(
                select(FlagNotice.ask_at)
                .where(FlagNotice.channel == "elsewhere")
                .order_by(FlagNotice.id)
            ).all()
        return [None if at is None else (at - later(0)).total_seconds() for at in rows]


def told_hospital(
    stack: ExitStack,
    engine: Engine,
    folder: Path,
    way: str,
    *,
    answer_s: float = 10.0,
    **flagging: Any,
) -> Hospital:
    """A hospital that tells a manager by DIMSE or by UPS-RS; no study is told yet.

    Parameters
    ----------
    way : "dimse" or "web"
    answer_s : how long it may take to answer
    flagging : other settings of `Flagging`
    """
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
