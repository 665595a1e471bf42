"""N-ACTION on our work items: change state, request cancel, subscribe, unsubscribe, suspend.

PS3.4 Sections CC.2.1 to CC.2.3. Each is one transaction that begins by locking the work item, so
that of two clients that take one at once exactly one gets Success.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from pydicom.dataset import Dataset

from database.session import Session
from database.tables.readers.work_item import WorkItemRow
from database.work_items.kept import (
    begin_canceling,
    end_work_item,
    locked_work_item,
    set_performed,
    take_work_item,
)
from database.work_items.subscriptions import (
    EVERY_WORK_ITEM,
    WorkItemEvent,
    notify,
    subscribe,
    suspend,
    unsubscribe,
    watchers,
)
from dicom_node.status import INVALID_ARGUMENT_VALUE, SUCCESS
from dicom_node.work_items.data_set import canceled_progress, performed_data_set
from dicom_node.work_items.request import (
    RequestFault,
    asked_of,
    reason_of,
    state_of,
    text_of,
    transaction_uid_of,
)
from dicom_node.work_items.status import (
    ACTION_NOT_APPROPRIATE,
    NO_SUCH_ACTION,
    NO_SUCH_WORK_ITEM,
    UNKNOWN_RECEIVING_AE,
)
from dicom_node.work_items.transitions import (
    Standing,
    change_state_status,
    meets_final_state,
    request_cancel_status,
)
from radiology.work_item import WorkItemState

Apply = Callable[[Session], int]

# Action Type ID: PS3.4 Tables CC.2.1-1, CC.2.2-1 and CC.2.3-1
CHANGE_STATE: Final = 1
REQUEST_CANCEL: Final = 2
SUBSCRIBE: Final = 3
UNSUBSCRIBE: Final = 4
SUSPEND: Final = 5


class WorkItemActions:
    """Reads actions and applies them.

    Parameters
    ----------
    receivers : AE titles that can be told of events: clients with host and port
    """

    def __init__(self, receivers: frozenset[str]) -> None:
        self._receivers = receivers

    def read(
        self, kind: object, uid: str, information: Dataset, *, caller: str, now: datetime
    ) -> Apply:
        """What is to be done in a transaction; it gives the status.

        Parameters
        ----------
        kind : Action Type ID
        uid : SOP Instance UID of the work item, or the well-known one for all of them
        caller : AE title of the client

        Raises
        ------
        RequestFault
            The request cannot be read as one.
        """
        if kind == CHANGE_STATE:
            wanted, transaction_uid = state_of(information), transaction_uid_of(information)
            return lambda session: _change_state(
                session, uid, wanted, transaction_uid, caller=caller, now=now
            )
        if kind == REQUEST_CANCEL:
            reason, asked = reason_of(information), asked_of(information)
            return lambda session: _request_cancel(
                session, uid, reason, asked, caller=caller, now=now
            )
        if kind in (SUBSCRIBE, UNSUBSCRIBE, SUSPEND):
            return self._read_subscription(int(str(kind)), uid, information, now)
        raise RequestFault(NO_SUCH_ACTION)

    def _read_subscription(self, kind: int, uid: str, information: Dataset, now: datetime) -> Apply:
        receiver = text_of(information, "ReceivingAE")
        lock = text_of(information, "DeletionLock")
        if receiver not in self._receivers:
            raise RequestFault(UNKNOWN_RECEIVING_AE)
        if kind == SUBSCRIBE and lock not in ("TRUE", "FALSE"):
            raise RequestFault(INVALID_ARGUMENT_VALUE)
        if kind == SUSPEND and uid != EVERY_WORK_ITEM:
            raise RequestFault(ACTION_NOT_APPROPRIATE)

        def apply(session: Session) -> int:
            if uid != EVERY_WORK_ITEM and locked_work_item(session, uid) is None:
                return NO_SUCH_WORK_ITEM
            if kind == SUBSCRIBE:
                subscribe(session, receiver, uid, deletion_lock=lock == "TRUE", now=now)
            elif kind == UNSUBSCRIBE:
                unsubscribe(session, receiver, uid, now=now)
            else:
                suspend(session, receiver, now)
            return SUCCESS

        return apply


def standing_of(item: WorkItemRow | None) -> Standing | None:
    """Where a work item stands, for the state table."""
    return None if item is None else Standing(item.state, item.transaction_uid)


def _change_state(
    session: Session,
    uid: str,
    wanted: WorkItemState,
    transaction_uid: str,
    *,
    caller: str,
    now: datetime,
) -> int:
    item = locked_work_item(session, uid)
    suffices = item is not None and meets_final_state(performed_data_set(item.performed), wanted)
    status = change_state_status(
        standing_of(item), wanted, transaction_uid, meets_final_state=suffices
    )
    if item is None or status != SUCCESS:
        return status
    if wanted is WorkItemState.IN_PROGRESS:
        take_work_item(session, item, transaction_uid, claimed_by=caller, now=now)
        return status
    if wanted is WorkItemState.CANCELED:
        set_performed(session, item, canceled_progress(item.performed, now), now)
    end_work_item(session, item, wanted, now)
    return status


def _request_cancel(
    session: Session, uid: str, reason: str, asked: dict[str, Any], *, caller: str, now: datetime
) -> int:
    item = locked_work_item(session, uid)
    performer_watches = item is not None and item.claimed_by in watchers(session, item)
    status = request_cancel_status(standing_of(item), performer_watches=performer_watches)
    if item is None or status != SUCCESS:
        return status
    facts = {"requesting_ae_title": caller, "asked": asked}
    notify(session, item, WorkItemEvent.CANCEL_REQUESTED, facts, now)
    if item.state is WorkItemState.SCHEDULED:
        begin_canceling(session, item, now)
        set_performed(session, item, canceled_progress(item.performed, now), now)
        end_work_item(session, item, WorkItemState.CANCELED, now, reason=reason)
    return status
