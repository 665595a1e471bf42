"""Asks a peer by C-ECHO whether it is there, for whoever keeps the answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from database.views.administration_rows import EchoFacts
from dicom_node.request.verification import verify_peer
from radiology.errors import FirstreadError
from radiology.identity import AETitle
from settings.peers import Peer

_TIMEOUT_S = 5.0  # for each step: neither a button nor the next destination waits longer


def ask_peer(peer: Peer, *, calling_ae_title: AETitle, clock: Callable[[], datetime]) -> EchoFacts:
    """What it answers, and after how long. One that refuses has answered too: it is there."""
    asked_at, begun = clock(), time.monotonic()
    kind = message = ""
    try:
        verify_peer(peer, calling_ae_title=calling_ae_title, timeout_s=_TIMEOUT_S)
    except FirstreadError as error:
        kind, message = error.kind, error.message
    return EchoFacts(asked_at, round(1000 * (time.monotonic() - begun)), kind, message)
