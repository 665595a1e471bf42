"""Work items as SCU: creates, updates, queries and cancels work items at a peer.

PS3.4 Annex CC (Unified Procedure Step Service), PS3.7 Section 10.1 (N-CREATE, N-SET, N-GET,
N-ACTION). IHE AI Workflow for Imaging (AIW-I) calls these transactions Create UPS Workitem
(RAD-80), Update UPS Workitem (RAD-84), Get UPS Workitem Contents (RAD-83) and Request UPS Workitem
Cancelation (RAD-88). The SOP Instance UID is the caller's and follows from what the work item is
about, so whatever is sent twice meets the same work item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import UID
from pynetdicom.association import Association

from dicom_node.presentation_contexts import UPS_PULL, UPS_PUSH, UPS_WATCH
from dicom_node.proposed_contexts import Purpose, proposed_contexts
from dicom_node.request.requested_association import requested_association
from dicom_node.status import DUPLICATE_SOP_INSTANCE, NO_SUCH_SOP_INSTANCE, comment_of
from dicom_node.work_items.attributes import (
    cancel_data_set,
    change_data_set,
    creation_data_set,
    state_data_set,
)
from dicom_node.work_items.status import (
    ALREADY_CANCELED,
    ALREADY_COMPLETED,
    NO_LONGER_UPDATED,
    NO_SUCH_WORK_ITEM,
    NOT_YET_IN_PROGRESS,
    PERFORMER_DOES_NOT_CANCEL,
    PERFORMER_NOT_CONTACTED,
    WRONG_TRANSACTION_UID,
    error_of_work_item,
)
from radiology.errors import PeerRefused, PeerUnreachable
from radiology.work_item import FINAL_STATES, WorkItem, WorkItemState
from settings.peers import Peer

CHANGE_STATE: Final = 1  # PS3.4 Table CC.2.1-1
REQUEST_CANCEL: Final = 2  # Table CC.2.2-1

_NAMES: Final = {UPS_PUSH: "UPS Push", UPS_PULL: "UPS Pull", UPS_WATCH: "UPS Watch"}
_STATE: Final = Tag("ProcedureStepState")
_GONE: Final = (NO_SUCH_WORK_ITEM, NO_SUCH_SOP_INSTANCE)
# The work item is in somebody's hands, or done: what we wanted to change does not matter any more.
_OUT_OF_OUR_HANDS: Final = (NO_LONGER_UPDATED, WRONG_TRANSACTION_UID, NOT_YET_IN_PROGRESS)
_FOUND_FINAL: Final = {
    ALREADY_CANCELED: WorkItemState.CANCELED,
    ALREADY_COMPLETED: WorkItemState.COMPLETED,
}
_NOT_TO_CANCEL: Final = (
    ALREADY_CANCELED,
    ALREADY_COMPLETED,
    PERFORMER_DOES_NOT_CANCEL,
    PERFORMER_NOT_CONTACTED,
    *_GONE,
)


@dataclass(frozen=True, slots=True)
class WorkItemAnswer:
    """What a peer said about a work item.

    Attributes
    ----------
    status : the DIMSE status
    state : where the work item stands there; None where the peer did not say
    exists : False where the peer does not have it
    was_final : it was completed or canceled before: nothing was changed
    """

    status: int
    state: WorkItemState | None = None
    exists: bool = True
    was_final: bool = False

    @property
    def is_taken(self) -> bool:
        """Whether somebody works on it or has done so: it has been seen."""
        return self.state in (WorkItemState.IN_PROGRESS, WorkItemState.COMPLETED)


class WorkItemManager:
    """A peer that keeps work items; each call is an association of its own.

    Parameters
    ----------
    peer : with host and port
    calling_ae_title : who we say that we are
    timeout_s : for each step: connecting, the association, every answer
    """

    def __init__(self, peer: Peer, *, calling_ae_title: str, timeout_s: float) -> None:
        self._peer = peer
        self._calling_ae_title = calling_ae_title
        self._timeout_s = timeout_s

    def put(self, item: WorkItem) -> WorkItemAnswer:
        """Create a work item, or update an existing one.

        Returns
        -------
        The state too where it is there already: somebody may have taken it since.

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            The peer does not have it; the message says what to change where that can be told.
        """
        uid = item.sop_instance_uid
        with self._association() as association:
            _context(association, UPS_PUSH)
            told = _told(
                lambda: association.send_n_create(
                    creation_data_set(item), UPS_PUSH, uid, meta_uid=UPS_PUSH
                )
            )
            if told.status != DUPLICATE_SOP_INSTANCE:
                _require(told)
                return WorkItemAnswer(told.status, WorkItemState.SCHEDULED)
            answer = self._change(association, item)
        if not answer.exists:
            _require(_Told(answer.status))
        return answer

    def change(self, item: WorkItem) -> WorkItemAnswer:
        """Bring a work item up to date that is there, unless it is in somebody's hands.

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            It is not up to date; the message says what to change where that can be told.
        """
        with self._association() as association:
            return self._change(association, item)

    def request_cancel(self, sop_instance_uid: str, reason: str) -> WorkItemAnswer:
        """Ask for a work item to be canceled; a work item that is absent or done needs no request.

        Parameters
        ----------
        reason : words of ours, at most 1024 characters (LT)

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            The peer may still hold it.
        """
        with self._association() as association:
            context = _context(association, UPS_WATCH, UPS_PUSH)
            told = _told(
                lambda: association.send_n_action(
                    cancel_data_set(reason),
                    REQUEST_CANCEL,
                    UPS_PUSH,
                    sop_instance_uid,
                    meta_uid=context,
                )
            )
        status = told.status
        if status not in _NOT_TO_CANCEL:
            _require(told)
        return WorkItemAnswer(
            status,
            _FOUND_FINAL.get(status),
            exists=status not in _GONE,
            was_final=status in _FOUND_FINAL,
        )

    def change_state(
        self, sop_instance_uid: str, state: WorkItemState, transaction_uid: str
    ) -> WorkItemAnswer:
        """Take a work item, or complete or cancel a work item that we have taken.

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            Its state did not change.
        """
        with self._association() as association:
            _context(association, UPS_PULL)
            told = _told(
                lambda: association.send_n_action(
                    state_data_set(state, transaction_uid),
                    CHANGE_STATE,
                    UPS_PUSH,
                    sop_instance_uid,
                    meta_uid=UPS_PULL,
                )
            )
        _require(told)
        return WorkItemAnswer(told.status, state)

    def state_of(self, sop_instance_uid: str) -> WorkItemAnswer:
        """Where a work item stands.

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            The peer does not say.
        """
        with self._association() as association:
            return _state(association, sop_instance_uid)

    def _change(self, association: Association, item: WorkItem) -> WorkItemAnswer:
        _context(association, UPS_PULL)
        uid = item.sop_instance_uid
        told = _told(
            lambda: association.send_n_set(change_data_set(item), UPS_PUSH, uid, meta_uid=UPS_PULL)
        )
        if told.status in _GONE:
            return WorkItemAnswer(told.status, exists=False)
        if told.status not in _OUT_OF_OUR_HANDS:
            _require(told)
        state = _state(association, uid).state
        return WorkItemAnswer(told.status, state, was_final=state in FINAL_STATES)

    @contextmanager
    def _association(self) -> Iterator[Association]:
        contexts = proposed_contexts(Purpose.WORK_ITEM)
        with requested_association(
            self._peer,
            contexts,
            calling_ae_title=self._calling_ae_title,
            timeout_s=self._timeout_s,
        ) as association:
            yield association


def _context(association: Association, *sop_classes: UID) -> UID:
    """The first of the SOP classes that the peer offers us.

    Raises
    ------
    PeerRefused
        It offers none of them.
    """
    accepted = {str(context.abstract_syntax) for context in association.accepted_contexts}
    for sop_class in sop_classes:
        if sop_class in accepted:
            return sop_class
    wanted = " or ".join(_NAMES[sop_class] for sop_class in sop_classes)
    raise PeerRefused(f"The peer does not offer {wanted} to us: enable it there")


def _state(association: Association, sop_instance_uid: str) -> WorkItemAnswer:
    """N-GET of the state; a peer that does not say it leaves it open."""
    context = _context(association, UPS_WATCH, UPS_PULL, UPS_PUSH)
    answer, attributes = _answer(
        lambda: association.send_n_get([_STATE], UPS_PUSH, sop_instance_uid, meta_uid=context)
    )
    told = _read(answer)
    _require(told)
    word = "" if attributes is None else str(attributes.get("ProcedureStepState", ""))
    known = {one.value: one for one in WorkItemState}
    return WorkItemAnswer(told.status, known.get(word.strip()))


@dataclass(frozen=True, slots=True)
class _Told:
    """A status, and the peer's own words to it."""

    status: int
    said: str = ""


def _told(send: Callable[[], tuple[Dataset, Any]]) -> _Told:
    return _read(_answer(send)[0])


def _answer(send: Callable[[], tuple[Dataset, Any]]) -> tuple[Dataset, Any]:
    try:
        return send()
    except RuntimeError as error:  # the library's word for an association that has ended
        raise PeerUnreachable("The association broke off") from error


def _read(answer: Dataset) -> _Told:
    code = answer.get("Status")
    if code is None:
        raise PeerUnreachable("The peer did not answer about a work item")
    return _Told(int(code), comment_of(answer))


def _require(told: _Told) -> None:
    error = error_of_work_item(told.status, told.said)
    if error is not None:
        raise error
