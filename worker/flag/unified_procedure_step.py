"""Flags as work items of a UPS SCP: created, kept up to date, taken back.

PS3.4 Annex CC; IHE AI Workflow for Imaging (AIW-I). What each notice leads to:

    raised, raised again    the work item is created, or brought up to date if it is there
    acknowledged            it is marked so; whoever holds it is not disturbed
    withdrawn               its cancelation is requested; one that is done stays as it is
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from dicom_node.workitem import WorkItemAnswer, WorkItemManager
from radiology.errors import PeerRefused, SettingsRefused
from radiology.work_item import WorkItem
from settings.environment import Settings
from settings.flags import WorkItemChannel
from worker.flag.channel import Answer, Notice, NoticeKind
from worker.flag.flagged_work_item import WITHDRAWN_REASON, flagged_work_item


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

    def send(self, notice: Notice, now: datetime) -> Answer:
        """Tell the peer.

        Raises
        ------
        PeerUnreachable, PeerBusy, PeerRefused
            It was not told.
        """
        item = flagged_work_item(notice, now, retrieve_ae_title=self._retrieve_ae_title)
        return tell(self._manager, notice, item, self._name, lambda status: f"0x{status:04X}")

    def close(self) -> None:
        """Nothing is kept open: each notice is an association of its own."""


def tell(
    manager: ManagesWorkItems,
    notice: Notice,
    item: WorkItem,
    seen_by: str,
    code_of: Callable[[int], str],
) -> Answer:
    """Tell a manager of work items about a flag, and what its answer means.

    Parameters
    ----------
    seen_by : who has seen a work item that is claimed or completed there
    code_of : the status in the words of the way that it came
    """
    if notice.kind is NoticeKind.WITHDRAWN:
        answer = manager.request_cancel(item.sop_instance_uid, WITHDRAWN_REASON)
    elif notice.kind is NoticeKind.ACKNOWLEDGED:
        answer = _mark_acknowledged(manager, item)
    else:
        answer = manager.put(item)
    return Answer(
        code=code_of(answer.status),
        reference=item.sop_instance_uid,
        acknowledged_by=seen_by if answer.is_taken else "",
    )


def _mark_acknowledged(manager: ManagesWorkItems, item: WorkItem) -> WorkItemAnswer:
    """Somebody has seen it: a manager that cannot note that is no fault to be repeated."""
    try:
        return manager.change(item)
    except PeerRefused as error:
        status = str(error.facts.get("status", ""))
        if not status:
            raise
        return WorkItemAnswer(int(status, 16))


def retrieve_ae_title(settings: Settings) -> str:
    """Where our results and their images can be had from: the first destination with an AE title.

    A destination that is reached by STOW-RS has one too, but may speak no DIMSE.
    """
    reached = (one.ae_title for one in settings.destinations if one.has_address)
    return next(reached, "")
