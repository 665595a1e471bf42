"""Flags as work items of a UPS SCP: created, kept up to date, taken back.

PS3.4 Annex CC; IHE AI Workflow for Imaging (AIW-I). What each notice leads to:

    raised, raised again    the work item is created, or updated if it exists
    acknowledged            it is marked so; whoever holds it is not disturbed
    withdrawn               its cancelation is requested; a work item that is done stays as it is

A work item that is final is not opened again: what is said then is said in the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from dicom_node.work_items.scu import WorkItemAnswer, WorkItemManager
from radiology.errors import PeerRefused, SettingsRefused
from radiology.work_item import WorkItem, WorkItemState
from settings.environment import Settings
from settings.flags import WorkItemChannel
from worker.flag.channel import Notice, NoticeKind, Receipt
from worker.flag.flagged_work_item import WITHDRAWN_REASON, flagged_work_item

_MOST_WORK_ITEMS: Final = 20  # of one flag: it is raised and withdrawn a few times at most
_RAISING: Final = (NoticeKind.RAISED, NoticeKind.RAISED_AGAIN)


class ManagesWorkItems(Protocol):
    """What keeps work items, by DIMSE or over HTTP."""

    def put(self, item: WorkItem) -> WorkItemAnswer:
        """Create one, or bring it up to date."""
        ...

    def change(self, item: WorkItem) -> WorkItemAnswer:
        """Bring one up to date."""
        ...

    def request_cancel(self, sop_instance_uid: str, reason: str) -> WorkItemAnswer:
        """Ask for one to be canceled."""
        ...


class UnifiedProcedureStep:
    """The channel of one UPS SCP.

    Parameters
    ----------
    channel : names the peer and how long its answers are awaited
    settings : the peers, and our AE title

    Raises
    ------
    SettingsRefused
        The channel names no peer that can be called.
    """

    def __init__(self, channel: WorkItemChannel, settings: Settings) -> None:
        peer = next((one for one in settings.peers if one.name == channel.peer), None)
        if peer is None or not peer.has_address:
            raise SettingsRefused(
                "A work-item channel names no peer with host and port", channel=channel.name
            )
        self._name = channel.name
        self._retrieve_ae_title = retrieve_ae_title(settings)
        self._manager = WorkItemManager(
            peer, calling_ae_title=settings.ae_title, timeout_s=channel.answer_s
        )

    def send(self, notice: Notice, now: datetime) -> Receipt:
        """Tell the peer.

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            It was not told.
        """
        return tell(
            self._manager,
            notice,
            lambda number: flagged_work_item(
                notice, now, number=number, retrieve_ae_title=self._retrieve_ae_title
            ),
            seen_by=self._name,
            code_of=lambda status: f"0x{status:04X}",
        )

    def state_of(self, reference: str) -> WorkItemState | None:
        """Where a work item stands there; see `KeepsWorkItems.state_of`."""
        return self._manager.state_of(reference).state

    def close(self) -> None:
        """Nothing is kept open: each notice is an association of its own."""


def tell(
    manager: ManagesWorkItems,
    notice: Notice,
    work_item: Callable[[int], WorkItem],
    *,
    seen_by: str,
    code_of: Callable[[int], str],
) -> Receipt:
    """Tell a manager of work items about a flag, and what its answer means.

    The notice is about the first work item of the flag that is not final: a flag may be withdrawn
    and raised again, and what is said after a work item was completed was not known to whoever
    completed it.

    Parameters
    ----------
    work_item : the work item of the flag with a number, counted from 1
    seen_by : who has seen a work item that is claimed or completed there
    code_of : the status in the words of the way that it came
    """
    item = work_item(1)
    answer = _tell_of(manager, notice, item)
    for number in range(2, _MOST_WORK_ITEMS + 1):
        if not answer.was_final:
            break
        following = work_item(number)
        answer_of_next = _tell_of(manager, notice, following)
        if not answer_of_next.exists:
            break  # the one before was the last
        item, answer = following, answer_of_next
    if notice.kind in _RAISING and answer.was_final:
        raise PeerRefused("Every work item of this flag is completed or canceled at the peer")
    return Receipt(
        code=code_of(answer.status),
        reference=item.sop_instance_uid,
        acknowledged_by=seen_by if answer.is_taken else "",
    )


def _tell_of(manager: ManagesWorkItems, notice: Notice, item: WorkItem) -> WorkItemAnswer:
    if notice.kind is NoticeKind.WITHDRAWN:
        return manager.request_cancel(item.sop_instance_uid, WITHDRAWN_REASON)
    if notice.kind is NoticeKind.ACKNOWLEDGED:
        return manager.change(item)
    return manager.put(item)


def retrieve_ae_title(settings: Settings) -> str:
    """Where our results and their images can be had from: the first destination with an AE title.

    A destination that is reached by STOW-RS has one too, but may speak no DIMSE.
    """
    reached = (one.ae_title for one in settings.destinations if one.has_address)
    return next(reached, "")
