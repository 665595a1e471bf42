"""Asks destinations that are away, by C-ECHO, whether they are back, and lets their results go.

A delivery alone would find out at its next attempt, minutes later. The request costs little, so it
is made more often; what it tells stands on the administrator's page too.
"""

from __future__ import annotations

from database.deliveries.destinations import destinations_to_ask, go_on
from database.session import query, transaction
from database.views.administration_rows import echo_answers, record_echo
from dicom_node.request.ask_peer import ask_peer
from radiology.errors import PeerBusy, PeerUnreachable
from settings.log.log_events import get_logger
from worker.equipment import Equipment

_log = get_logger("delivery")
_NOT_THERE = (PeerUnreachable.__name__, PeerBusy.__name__)


def ask_one(equipment: Equipment) -> bool:
    """Ask the first destination that it is time to ask; False when there is none."""
    settings = equipment.settings
    with query(equipment.engine) as session:
        names = destinations_to_ask(session, settings.echoed, equipment.clock())
        before = echo_answers(session)
    if not names:
        return False
    peer = next(one for one in settings.destinations if one.name == names[0])
    answer = ask_peer(peer, calling_ae_title=settings.ae_title, clock=equipment.clock)
    was_away = peer.name not in before or before[peer.name].error_kind in _NOT_THERE
    with transaction(equipment.engine) as session:
        record_echo(session, peer.name, answer)
        # Only once it has come back: one that answers C-ECHO and stores nothing keeps its backoff.
        if was_away and answer.error_kind not in _NOT_THERE:
            count = go_on(session, peer.name, answer.asked_at)
            _log.info("destination_is_back", destination=peer.name, deliveries=count)
    return True
