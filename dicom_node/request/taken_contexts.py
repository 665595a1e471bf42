"""Asks a peer which objects it would take, in which transfer syntaxes; nothing is sent.

PS3.8 Section 9.3.2.2 and 9.3.3.2 (presentation contexts): the answer to an association request says
it of each.
"""

from __future__ import annotations

from collections.abc import Iterable

from dicom_node.presentation_contexts import VERIFICATION
from dicom_node.proposed_contexts import Purpose, contexts_of, proposed_contexts
from dicom_node.request.requested_association import MOST_CONTEXTS, requested_association
from settings.peers import Peer

Context = tuple[str, str]
"""SOP Class UID and Transfer Syntax UID."""


def taken_contexts(
    peer: Peer, wanted: Iterable[Context], *, calling_ae_title: str, timeout_s: float
) -> frozenset[Context]:
    """Those of the contexts that a peer accepts.

    Parameters
    ----------
    peer : with host and port
    wanted : fewer than 128
    calling_ae_title : who we say that we are
    timeout_s : for each step: connecting, the association

    Raises
    ------
    PeerUnreachable, PeerBusy, PeerRefused
        There is no association; the message says what to change.
    """
    asked = list(dict.fromkeys(wanted))
    assert len(asked) < MOST_CONTEXTS, "one association has no more"
    # Verification too: a peer that takes none of the others would not get an association at all.
    contexts = [*proposed_contexts(Purpose.VERIFY), *contexts_of(asked)]
    with requested_association(
        peer, contexts, calling_ae_title=calling_ae_title, timeout_s=timeout_s
    ) as association:
        return frozenset(
            (str(context.abstract_syntax), str(context.transfer_syntax[0]))
            for context in association.accepted_contexts
            if context.abstract_syntax != VERIFICATION
        )
