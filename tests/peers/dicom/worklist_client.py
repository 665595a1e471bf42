"""A client of a worklist made with pynetdicom's own SCU: finds, watches, claims work items."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pynetdicom import AE
from pynetdicom.association import Association

from dicom_node.guard.turn_taking import TurnTaking

# PS3.4 Table CC.3.1-1
PUSH, WATCH, PULL, QUERY = (f"1.2.840.10008.5.1.4.34.6.{number}" for number in (1, 2, 3, 5))
EVERY_WORK_ITEM = "1.2.840.10008.5.1.4.34.5"


def data_set(**values: object) -> Dataset:
    """A data set with these elements."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """An item of a code sequence."""
    return data_set(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def performed_step() -> Dataset:
    """What a client sets before it completes a work item (PS3.4 Table CC.2.5-3)."""
    return data_set(
        PerformedStationNameCodeSequence=[code("R1", "99SITE", "Reading room 1")],
        PerformedProcedureStepStartDateTime="20260101120500+0000",
        PerformedProcedureStepEndDateTime="20260101121000+0000",
        PerformedWorkitemCodeSequence=[code("110005", "DCM", "Interpretation")],
        OutputInformationSequence=[],
    )


@dataclass
class WorklistClient:
    """One client with an association of its own."""

    association: Association
    ae_title: str

    def find(self, **keys: object) -> list[Dataset]:
        """C-FIND; every match, and the last status must be Success."""
        answers = list(self.association.send_c_find(data_set(**keys), PULL))
        assert answers[-1][0].Status == 0x0000, hex(answers[-1][0].Status)
        return [identifier for _, identifier in answers[:-1] if identifier is not None]

    def get(self, uid: str, tags: tuple[str, ...] = ()) -> tuple[int, Dataset | None]:
        """N-GET."""
        answer, attributes = self.association.send_n_get(
            [Tag(tag) for tag in tags], PUSH, uid, meta_uid=WATCH
        )
        return int(answer.Status), attributes

    def set(self, uid: str, **values: object) -> int:
        """N-SET."""
        answer, _ = self.association.send_n_set(data_set(**values), PUSH, uid, meta_uid=PULL)
        return int(answer.Status)

    def change_state(self, uid: str, state: str, transaction_uid: str | None) -> int:
        """N-ACTION, change state."""
        information = data_set(ProcedureStepState=state)
        if transaction_uid is not None:
            information.TransactionUID = transaction_uid
        return self.act(uid, 1, information, PULL)

    def request_cancel(self, uid: str, reason: str = "") -> int:
        """N-ACTION, request cancel."""
        return self.act(uid, 2, data_set(ReasonForCancellation=reason), WATCH)

    def subscribe(self, uid: str, receiver: str = "", lock: str = "FALSE") -> int:
        """N-ACTION, subscribe."""
        information = data_set(ReceivingAE=receiver or self.ae_title, DeletionLock=lock)
        return self.act(uid, 3, information, WATCH)

    def unsubscribe(self, uid: str) -> int:
        """N-ACTION, unsubscribe."""
        return self.act(uid, 4, data_set(ReceivingAE=self.ae_title), WATCH)

    def suspend(self, uid: str) -> int:
        """N-ACTION, suspend global subscription."""
        return self.act(uid, 5, data_set(ReceivingAE=self.ae_title), WATCH)

    def act(self, uid: str, kind: int, information: Dataset, context: str) -> int:
        """N-ACTION."""
        answer, _ = self.association.send_n_action(information, kind, PUSH, uid, meta_uid=context)
        return int(answer.Status)


@contextmanager
def worklist_client(
    port: int, ae_title: str = "READER", called: str = "FIRSTREAD"
) -> Iterator[WorklistClient]:
    """An association with a manager of work items, released at the end."""
    entity = AE(ae_title=ae_title)
    for sop_class in (PULL, WATCH, QUERY):
        entity.add_requested_context(sop_class)
    association = entity.associate("127.0.0.1", port, ae_title=called)
    assert association.is_established, "not let in"
    # The library's client loses an answer now and then when the machine is busy.
    paused, association._reactor_checkpoint = association._reactor_checkpoint, TurnTaking()
    association._reactor_checkpoint.set()
    paused.set()
    try:
        yield WorklistClient(association, ae_title)
    finally:
        if association.is_established:
            association.release()
