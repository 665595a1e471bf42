"""N-EVENT-REPORT to a subscriber: what happened to a work item, as its SCP.

PS3.4 Section CC.2.4, PS3.7 Section 10.1.1. We request the association and are the SCP all the same,
so the role is negotiated (PS3.7 Section D.3.3.4).
"""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import build_role

from database.work_items.subscriptions import WorkItemEvent
from dicom_node.presentation_contexts import UPS_EVENT, UPS_PUSH
from dicom_node.proposed_contexts import Purpose, proposed_contexts
from dicom_node.request.requested_association import requested_association
from dicom_node.status import comment_of
from dicom_node.work_items.data_set import PROGRESS, performed_data_set
from dicom_node.work_items.status import error_of_work_item
from radiology.errors import PeerRefused, PeerUnreachable
from settings.peers import Peer

_PROGRESS_TAG = "00741002"


def report_event(
    peer: Peer,
    sop_instance_uid: str,
    event: WorkItemEvent,
    information: dict[str, Any],
    *,
    calling_ae_title: str,
    timeout_s: float,
) -> None:
    """Tell a subscriber about a work item.

    Parameters
    ----------
    peer : with host and port
    information : as it stands in the row of the report
    calling_ae_title : who we say that we are
    timeout_s : for each step: connecting, the association, the answer

    Raises
    ------
    PeerUnreachable, PeerBusy, PeerRefused
        It was not told; the message says what to change where that can be told.
    """
    with requested_association(
        peer,
        proposed_contexts(Purpose.REPORT),
        calling_ae_title=calling_ae_title,
        timeout_s=timeout_s,
        roles=[build_role(UPS_EVENT, scu_role=False, scp_role=True)],
    ) as association:
        if not association.accepted_contexts:
            raise PeerRefused("The peer does not take UPS events: enable them there")
        try:
            answer, _ = association.send_n_event_report(
                event_data_set(event, information),
                int(event),
                UPS_PUSH,
                sop_instance_uid,
                meta_uid=UPS_EVENT,
            )
        except RuntimeError as error:
            raise PeerUnreachable("The association broke off") from error
    refusal = error_of_work_item(answer.get("Status"), comment_of(answer))
    if refusal is not None:
        raise refusal


def event_data_set(event: WorkItemEvent, information: dict[str, Any]) -> Dataset:
    """The event information (PS3.4 Table CC.2.4-1)."""
    data_set = Dataset()
    data_set.SpecificCharacterSet = "ISO_IR 192"
    if event is WorkItemEvent.STATE:
        data_set.ProcedureStepState = information["state"]
        data_set.InputReadinessState = information["readiness"]
    elif event is WorkItemEvent.CANCEL_REQUESTED:
        data_set.RequestingAE = information["requesting_ae_title"]
        data_set.update(performed_data_set(information.get("asked", {})))
    elif event is WorkItemEvent.PROGRESS:
        progress = performed_data_set({_PROGRESS_TAG: information["progress"]})
        data_set[PROGRESS] = progress[PROGRESS]
    if information.get("reason"):
        data_set.ReasonForCancellation = information["reason"]
    return data_set
