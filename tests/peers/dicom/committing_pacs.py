"""A PACS that stores everything and answers storage commitment as a test wants it to.

Orthanc and dcmtk behave; this one need not. Its SOP instances are counted, not kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, cast

from pydicom.dataset import Dataset
from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AE, AllStoragePresentationContexts, build_role, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event

VERIFICATION = "1.2.840.10008.1.1"
COMMITMENT = "1.2.840.10008.1.20.1"
COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"


class Answers(Enum):
    """How it answers a request for storage commitment."""

    SAME_ASSOCIATION = auto()
    NEW_ASSOCIATION = auto()
    NEVER = auto()
    REFUSES = auto()  # N-ACTION fails
    NOT_OFFERED = auto()  # no presentation context


@dataclass
class CommittingPacs:
    """A running PACS.

    Attributes
    ----------
    answers : may be changed while it runs
    failing : SOP Instance UIDs that it says it does not hold; may be changed too
    store_statuses : what C-STORE is answered with, by SOP Instance UID, if not success
    stored : every SOP Instance UID that it got, as often as it got it
    requests : transaction UID and instances of every request
    report_statuses : what its reports were answered with
    calls : port at which it reports, when it does so on a new association
    """

    answers: Answers
    ae_title: str = "PACS"
    failing: Collection[str] = ()
    store_statuses: dict[str, int] = field(default_factory=dict)
    stored: list[str] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    report_statuses: list[int | None] = field(default_factory=list)
    calls: Callable[[], int] | None = None
    port: int = 0

    def report(
        self,
        transaction_uid: str,
        instances: dict[str, str],
        *,
        port: int,
        failing: Collection[str] = (),
        event_type: int | None = None,
        calling: str | None = None,
    ) -> int | None:
        """Report on an association of its own; gives the status of the answer, if any."""
        entity = AE(calling or self.ae_title)
        entity.add_requested_context(COMMITMENT)
        association = entity.associate(
            "127.0.0.1",
            port,
            ae_title="FIRSTREAD",
            ext_neg=[build_role(COMMITMENT, scp_role=True)],
        )
        if not association.is_established:
            return None
        status = self._report_on(association, transaction_uid, instances, failing, event_type)
        association.release()
        return status

    def _report_on(
        self,
        association: Association,
        transaction_uid: str,
        instances: dict[str, str],
        failing: Collection[str],
        event_type: int | None = None,
    ) -> int | None:
        information = Dataset()
        information.TransactionUID = transaction_uid
        kept = {uid: kind for uid, kind in instances.items() if uid not in failing}
        lost = {uid: kind for uid, kind in instances.items() if uid in failing}
        if kept:
            information.ReferencedSOPSequence = [_item(kind, uid) for uid, kind in kept.items()]
        if lost:
            information.FailedSOPSequence = [
                _item(kind, uid, FailureReason=0x0112) for uid, kind in lost.items()
            ]
        answer, _ = association.send_n_event_report(
            information, event_type or (2 if lost else 1), COMMITMENT, COMMITMENT_INSTANCE
        )
        status: int | None = answer.get("Status")
        self.report_statuses.append(status)
        return status

    def handle_store(self, event: Event) -> int:
        """Answer a C-STORE request."""
        sop_instance_uid = str(cast("C_STORE", event.request).AffectedSOPInstanceUID)
        status = self.store_statuses.get(sop_instance_uid, 0x0000)
        if status == 0x0000:
            self.stored.append(sop_instance_uid)
        return status

    def handle_action(self, event: Event) -> tuple[int, None]:
        """Answer a request for storage commitment, and report in a thread of its own."""
        if self.answers is Answers.REFUSES:
            return 0x0122, None
        asked = event.action_information
        transaction_uid = str(asked.TransactionUID)
        instances = {
            str(item.ReferencedSOPInstanceUID): str(item.ReferencedSOPClassUID)
            for item in asked.ReferencedSOPSequence
        }
        self.requests.append((transaction_uid, instances))
        if self.answers is Answers.SAME_ASSOCIATION:
            self._report_after_answer(event.assoc, transaction_uid, instances)
        elif self.answers is Answers.NEW_ASSOCIATION and self.calls is not None:
            threading.Thread(
                target=self.report,
                args=(transaction_uid, instances),
                kwargs={"port": self.calls(), "failing": self.failing},
                daemon=True,
            ).start()
        return 0x0000, None

    def _report_after_answer(
        self, association: Association, transaction_uid: str, instances: dict[str, str]
    ) -> None:
        answered = threading.Event()
        association.bind(evt.EVT_PDU_SENT, lambda _: answered.set())

        def report() -> None:
            answered.wait(10)
            self._report_on(association, transaction_uid, instances, self.failing)

        threading.Thread(target=report, daemon=True).start()


def _item(sop_class_uid: str, sop_instance_uid: str, **more: Any) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class_uid
    item.ReferencedSOPInstanceUID = sop_instance_uid
    for keyword, value in more.items():
        setattr(item, keyword, value)
    return item


@contextmanager
def running_committing_pacs(
    answers: Answers, *, refused_classes: Collection[str] = ()
) -> Iterator[CommittingPacs]:
    """Start it on a free port, and stop it at the end.

    Parameters
    ----------
    answers : how it answers requests for storage commitment
    refused_classes : SOP classes for which it offers no presentation context
    """
    pacs = CommittingPacs(answers)
    entity = AE(pacs.ae_title)
    for context in AllStoragePresentationContexts:
        sop_class_uid = str(context.abstract_syntax)
        if sop_class_uid not in refused_classes:
            entity.add_supported_context(sop_class_uid, list(AllTransferSyntaxes))
    entity.add_supported_context(VERIFICATION)
    if answers is not Answers.NOT_OFFERED:
        entity.add_supported_context(COMMITMENT)
    server = entity.start_server(
        ("127.0.0.1", 0),
        block=False,
        evt_handlers=[
            (evt.EVT_C_STORE, pacs.handle_store),
            (evt.EVT_N_ACTION, pacs.handle_action),
        ],
    )
    assert server is not None
    pacs.port = int(server.server_address[1])
    try:
        yield pacs
    finally:
        server.shutdown()
