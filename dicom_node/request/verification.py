"""C-ECHO in both roles: checks that a peer answers, speaks DICOM and accepts us.

PS3.4 Annex A (Verification Service Class), PS3.7 Section 9.1.5.
"""

from __future__ import annotations

from typing import cast

from pynetdicom.events import Event

from dicom_node.guard.accepted_association import AcceptedAssociation
from dicom_node.proposed_contexts import Purpose, proposed_contexts
from dicom_node.request.requested_association import requested_association
from dicom_node.status import SUCCESS, comment_of
from radiology.errors import PeerRefused, PeerUnreachable
from settings.log.log_events import get_logger
from settings.peers import Peer

_log = get_logger("node")


def answer_echo(event: Event) -> int:
    """Answer a C-ECHO request."""
    association = cast("AcceptedAssociation", event.assoc)
    _log.debug("verified", **association.facts())
    return SUCCESS


def verify_peer(peer: Peer, *, calling_ae_title: str, timeout_s: float) -> None:
    """Send a C-ECHO request.

    Parameters
    ----------
    peer : with host and port
    calling_ae_title : who we say that we are
    timeout_s : for each step: connecting, the association, the answer

    Raises
    ------
    PeerUnreachable
        The peer does not answer, or not in time.
    PeerBusy
        The peer takes no association just now.
    PeerRefused
        The peer does not let us in; the message says what to change.
    """
    contexts = proposed_contexts(Purpose.VERIFY)
    with requested_association(
        peer, contexts, calling_ae_title=calling_ae_title, timeout_s=timeout_s
    ) as association:
        if not association.accepted_contexts:
            raise PeerRefused("The peer does not offer the Verification SOP class")
        answer = association.send_c_echo()
    status = answer.get("Status")
    if status is None:
        raise PeerUnreachable("The peer did not answer a C-ECHO request")
    if status != SUCCESS:
        raise PeerRefused(
            "The peer refused a C-ECHO request",
            comment_of(answer),
            status=f"0x{status:04X}",
        )
