"""Asks peers that are away, by C-ECHO, whether they are back, and lets what waits for them go.

A delivery or a report alone would find out at its next attempt, minutes later. The request costs
little, so it is made more often; what it tells stands on the administrator's page too.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from database.deliveries.destinations import destinations_away, go_on
from database.session import Session, query, transaction
from database.views.administration_rows import echo_answers, record_echo
from database.work_items.notifications import go_on_reporting, receivers_away
from dicom_node.request.ask_peer import ask_peer
from radiology.errors import PeerBusy, PeerUnreachable
from settings.environment import Settings
from settings.log.log_events import get_logger
from settings.peers import Peer
from worker.equipment import Equipment

_log = get_logger("delivery")
_NOT_THERE = (PeerUnreachable.__name__, PeerBusy.__name__)
_ASKED_EVERY = timedelta(seconds=20)


def ask_one(equipment: Equipment) -> bool:
    """Ask the first peer that it is time to ask; False when there is none."""
    settings = equipment.settings
    with query(equipment.engine) as session:
        peers = peers_to_ask(session, settings, equipment.clock())
        before = echo_answers(session)
    if not peers:
        return False
    peer = peers[0]
    answer = ask_peer(peer, calling_ae_title=settings.ae_title, clock=equipment.clock)
    was_away = peer.name not in before or before[peer.name].error_kind in _NOT_THERE
    with transaction(equipment.engine) as session:
        record_echo(session, peer.name, answer)
        # Only once it has come back: one that answers C-ECHO and stores nothing keeps its backoff.
        if was_away and answer.error_kind not in _NOT_THERE:
            _let_go(session, peer, settings, answer.asked_at)
    return True


def peers_to_ask(session: Session, settings: Settings, now: datetime) -> list[Peer]:
    """Those that something waits for because nobody answered, and that were not asked lately."""
    receivers = {one.receiving_ae_title for one in receivers_away(session)}
    names = {
        *destinations_away(session, settings.echoed, now),
        *(one.name for one in settings.told_of_work_items if one.ae_title in receivers),
    }
    answers = echo_answers(session) if names else {}
    lately = {name for name, one in answers.items() if one.asked_at > now - _ASKED_EVERY}
    return [one for one in settings.peers if one.name in names - lately]


def _let_go(session: Session, peer: Peer, settings: Settings, now: datetime) -> None:
    if peer in settings.echoed:
        count = go_on(session, peer.name, now)
        _log.info("destination_is_back", destination=peer.name, deliveries=count)
    if peer in settings.told_of_work_items and go_on_reporting(session, peer.ae_title, now):
        _log.info("subscriber_is_back", receiving_ae_title=peer.ae_title)
