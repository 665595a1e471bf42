"""The state table of work items (PS3.4 Annex CC), as a function of values.

PS3.4 Table CC.1.1-2 (state transitions), Sections CC.2.1.3, CC.2.2.3 and CC.2.6.3 (behaviour of the
SCP), Tables CC.2.5-1 and CC.2.5-3 (what a final state requires).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset

from dicom_node.status import SUCCESS
from dicom_node.work_items.status import (
    ALREADY_CANCELED,
    ALREADY_COMPLETED,
    ALREADY_COMPLETED_WARNING,
    ALREADY_IN_PROGRESS,
    FINAL_STATE_REQUIREMENTS,
    NO_LONGER_UPDATED,
    NO_SUCH_WORK_ITEM,
    NOT_YET_IN_PROGRESS,
    ONLY_CREATED_SCHEDULED,
    PERFORMER_NOT_CONTACTED,
    WRONG_TRANSACTION_UID,
)
from radiology.work_item import FINAL_STATES, WorkItemState

_SCHEDULED, _IN_PROGRESS = WorkItemState.SCHEDULED, WorkItemState.IN_PROGRESS
_COMPLETED, _CANCELED = WorkItemState.COMPLETED, WorkItemState.CANCELED

# The columns of the table for requests with the correct Transaction UID: wanted, then present state
_CHANGE: Final = {
    _IN_PROGRESS: {
        _SCHEDULED: SUCCESS,
        _IN_PROGRESS: ALREADY_IN_PROGRESS,
        _COMPLETED: NO_LONGER_UPDATED,
        _CANCELED: NO_LONGER_UPDATED,
    },
    _COMPLETED: {
        _SCHEDULED: NOT_YET_IN_PROGRESS,
        _IN_PROGRESS: SUCCESS,
        _COMPLETED: ALREADY_COMPLETED_WARNING,
        _CANCELED: NO_LONGER_UPDATED,
    },
    _CANCELED: {
        _SCHEDULED: NOT_YET_IN_PROGRESS,
        _IN_PROGRESS: SUCCESS,
        _COMPLETED: NO_LONGER_UPDATED,
        _CANCELED: ALREADY_CANCELED,
    },
}

# PS3.4 Table CC.2.5-3, final state "P": what a completed step says of itself
_PERFORMED_VALUES: Final = (
    "PerformedStationNameCodeSequence",
    "PerformedProcedureStepStartDateTime",
    "PerformedProcedureStepEndDateTime",
    "PerformedWorkitemCodeSequence",
)
_PERFORMED_PRESENT: Final = ("OutputInformationSequence",)  # "may have no items"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a work item stands. `transaction_uid` is "" while nobody has ever taken it."""

    state: WorkItemState
    transaction_uid: str

    def is_correct(self, transaction_uid: str) -> bool:
        """Whether a request carries the correct Transaction UID.

        Of a work item that nobody has taken any UID is: the client that takes it chooses it.
        """
        return bool(transaction_uid) and self.transaction_uid in ("", transaction_uid)


def change_state_status(
    standing: Standing | None,
    wanted: WorkItemState,
    transaction_uid: str,
    *,
    meets_final_state: bool,
) -> int:
    """The answer to N-ACTION "change state"; Success means that it is to be changed.

    Parameters
    ----------
    standing : None where there is no such work item
    transaction_uid : of the request; "" where it has none, or no valid one
    meets_final_state : whether what was set so far suffices for `wanted`
    """
    if standing is None:
        return NO_SUCH_WORK_ITEM
    if wanted is _SCHEDULED:
        return ONLY_CREATED_SCHEDULED
    if not standing.is_correct(transaction_uid):
        return WRONG_TRANSACTION_UID
    status = _CHANGE[wanted][standing.state]
    if status == SUCCESS and wanted in FINAL_STATES and not meets_final_state:
        return FINAL_STATE_REQUIREMENTS
    return status


def request_cancel_status(standing: Standing | None, *, performer_watches: bool) -> int:
    """The answer to N-ACTION "request cancel".

    Success means: canceled where it was scheduled, the performer told where it is in progress.
    """
    if standing is None:
        return NO_SUCH_WORK_ITEM
    if standing.state is _COMPLETED:
        return ALREADY_COMPLETED
    if standing.state is _CANCELED:
        return ALREADY_CANCELED
    if standing.state is _IN_PROGRESS and not performer_watches:
        return PERFORMER_NOT_CONTACTED
    return SUCCESS


def set_status(standing: Standing | None, transaction_uid: str) -> int:
    """The answer to N-SET; Success means that what it says is to be kept."""
    if standing is None:
        return NO_SUCH_WORK_ITEM
    if standing.state in FINAL_STATES:
        return NO_LONGER_UPDATED
    if standing.state is _SCHEDULED:
        return NOT_YET_IN_PROGRESS if transaction_uid else SUCCESS
    return SUCCESS if standing.is_correct(transaction_uid) else WRONG_TRANSACTION_UID


def meets_final_state(performed: Dataset, wanted: WorkItemState) -> bool:
    """Whether what was set suffices for a final state.

    A canceled step must say when and why; where the client did not, we do.

    Parameters
    ----------
    performed : what clients have set so far
    """
    if wanted is not _COMPLETED:
        return True
    steps = performed.get("UnifiedProcedureStepPerformedProcedureSequence") or ()
    return bool(steps) and all(
        all(step.get(keyword) for keyword in _PERFORMED_VALUES)
        and all(keyword in step for keyword in _PERFORMED_PRESENT)
        for step in steps
    )
