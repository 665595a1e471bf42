"""A small manager of work items made with pynetdicom: an SCP of UPS Push, Pull, Watch and Event.

It keeps data sets in memory and follows the state table of PS3.4 Section CC.1.1 by itself, so that
our SCU is not tried against code of ours. It can refuse, hang and break off on demand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, evt

from settings.peers import Peer

# PS3.4 Table CC.3.1-1
PUSH, WATCH, PULL, EVENT = (f"1.2.840.10008.5.1.4.34.6.{number}" for number in (1, 2, 3, 4))
EVERY_CLASS = (PUSH, WATCH, PULL)


@dataclass
class ManagerPeer:
    """What the manager holds and has heard.

    Attributes
    ----------
    work_items : by SOP Instance UID
    heard : operation and SOP Instance UID, in the order of arrival
    answer_with : a status for every operation instead of doing it
    before_answer : called after an operation is done and before it is answered
    reports : event type, SOP Instance UID and information of each N-EVENT-REPORT
    """

    port: int = 0
    work_items: dict[str, Dataset] = field(default_factory=dict)
    heard: list[tuple[str, str]] = field(default_factory=list)
    answer_with: int | None = None
    before_answer: Callable[[Any], None] = lambda event: None
    reports: list[tuple[int, str, Dataset]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def as_peer(self) -> Peer:
        """The manager as the settings name it."""
        return Peer(
            name="manager",
            ae_title="MANAGER",  # type: ignore[arg-type]
            host="127.0.0.1",
            port=self.port,
            roles=frozenset(),
        )

    def state(self, uid: str) -> str:
        """Where a work item stands."""
        return str(self.work_items[uid].ProcedureStepState)

    def _answer(
        self, event: Any, operation: str, uid: str, do: Callable[[], int]
    ) -> tuple[int, None]:
        with self.lock:
            self.heard.append((operation, uid))
            status = do() if self.answer_with is None else self.answer_with
        self.before_answer(event)
        return status, None

    def create(self, event: Any) -> tuple[int, None]:
        """N-CREATE."""
        uid = str(event.request.AffectedSOPInstanceUID)

        def do() -> int:
            if uid in self.work_items:
                return 0x0111
            attributes = event.attribute_list
            if attributes.ProcedureStepState != "SCHEDULED":
                return 0xC309
            self.work_items[uid] = attributes
            return 0x0000

        return self._answer(event, "create", uid, do)

    def set(self, event: Any) -> tuple[int, None]:
        """N-SET."""
        uid = str(event.request.RequestedSOPInstanceUID)

        def do() -> int:
            item = self.work_items.get(uid)
            if item is None:
                return 0xC307
            changes = event.modification_list
            if item.ProcedureStepState in ("COMPLETED", "CANCELED"):
                return 0xC300
            if item.ProcedureStepState == "IN PROGRESS" and changes.get(
                "TransactionUID"
            ) != item.get("TransactionUID"):
                return 0xC301
            item.update(changes)
            return 0x0000

        return self._answer(event, "set", uid, do)

    def get(self, event: Any) -> tuple[int, Dataset | None]:
        """N-GET."""
        uid = str(event.request.RequestedSOPInstanceUID)
        with self.lock:
            self.heard.append(("get", uid))
            item = self.work_items.get(uid)
        self.before_answer(event)
        if self.answer_with is not None:
            return self.answer_with, None
        if item is None:
            return 0xC307, None
        wanted = event.request.AttributeIdentifierList or []
        wanted = wanted if isinstance(wanted, list) else [wanted]  # the library unpacks one
        answer = Dataset()
        for element in item:
            if not wanted or element.tag in wanted:
                answer.add(element)
        return 0x0000, answer

    def act(self, event: Any) -> tuple[int, None]:
        """N-ACTION: change state and request cancel."""
        uid = str(event.request.RequestedSOPInstanceUID)
        information = event.action_information
        kind = event.request.ActionTypeID

        def do() -> int:
            item = self.work_items.get(uid)
            if item is None:
                return 0xC307
            if kind == 2:
                return self._cancel(item)
            item.ProcedureStepState = information.ProcedureStepState
            item.TransactionUID = information.TransactionUID
            return 0x0000

        return self._answer(event, f"action {kind}", uid, do)

    def take_report(self, event: Any) -> tuple[int, None]:
        """N-EVENT-REPORT."""
        uid = str(event.request.AffectedSOPInstanceUID)
        with self.lock:
            self.reports.append((event.request.EventTypeID, uid, event.event_information))
        return (0x0000 if self.answer_with is None else self.answer_with), None

    def _cancel(self, item: Dataset) -> int:
        if item.ProcedureStepState == "CANCELED":
            return 0xB304
        if item.ProcedureStepState == "COMPLETED":
            return 0xC311
        if item.ProcedureStepState == "IN PROGRESS":
            return 0xC313
        item.ProcedureStepState = "CANCELED"
        return 0x0000


@contextmanager
def running_manager(
    offers: tuple[str, ...] = EVERY_CLASS,
    *,
    ae_title: str = "MANAGER",
    again: ManagerPeer | None = None,
) -> Iterator[ManagerPeer]:
    """Start a manager on a free port, and stop it at the end.

    Parameters
    ----------
    offers : the SOP classes that it takes
    again : the one that was stopped before, which comes back on its port
    """
    peer = again or ManagerPeer()
    entity = AE(ae_title=ae_title)
    entity.require_called_aet = True
    for sop_class in offers:
        entity.add_supported_context(sop_class)
    entity.add_supported_context(EVENT, scu_role=True, scp_role=True)
    server = entity.start_server(
        ("127.0.0.1", peer.port),
        block=False,
        evt_handlers=[
            (evt.EVT_N_CREATE, peer.create),
            (evt.EVT_N_SET, peer.set),
            (evt.EVT_N_GET, peer.get),
            (evt.EVT_N_ACTION, peer.act),
            (evt.EVT_N_EVENT_REPORT, peer.take_report),
        ],
    )
    assert server is not None
    assert server.socket is not None
    peer.port = server.socket.getsockname()[1]
    try:
        yield peer
    finally:
        server.shutdown()
        entity.shutdown()
