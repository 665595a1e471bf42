"""For the administrator: what failed, what waits, what was put aside, and whom we talk to."""

from __future__ import annotations

from dataclasses import dataclass

from database.flags import open_urgent_flags
from database.session import reading
from database.worklist_facts import StudyFacts
from database.worklist_rows import (
    failed_jobs,
    latest_quarantine,
    open_deliveries,
    state_counts,
)
from settings.peers import Peer
from worklist.next_steps import next_step
from worklist.screens import PageContext, Screen, make_part
from worklist.study_words import DeliveryLine, delivery_line

_LENGTH = 50  # of each table


@dataclass(frozen=True, slots=True)
class FailedLine:
    """A job that ended with a fault."""

    study: StudyFacts
    job_id: int
    attempts: int
    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class OpenDelivery:
    """A delivery that has not ended well."""

    study: StudyFacts
    job_id: int
    delivery: DeliveryLine


def administration_screen(context: PageContext) -> Screen:
    """Jobs, deliveries, quarantine and peers as they are now."""
    with reading(context.engine) as session:
        open_flags = open_urgent_flags(session)
        states = tuple((state.value, count) for state, count in state_counts(session).items())
        failed = failed_jobs(session, limit=_LENGTH)
        deliveries = open_deliveries(session, limit=_LENGTH)
        quarantine = latest_quarantine(session, limit=_LENGTH)
    parts: dict[str, dict[str, object]] = {
        "states": {"states": states, "open_flags": open_flags},
        "failed": {
            "failed": tuple(
                FailedLine(
                    study,
                    job.id,
                    job.attempts,
                    job.error_message or job.error_kind,
                    next_step(job.error_kind),
                )
                for study, job in failed
            ),
            "limit": _LENGTH,
        },
        "deliveries": {
            "deliveries": tuple(
                OpenDelivery(study, job_id, delivery_line(delivery))
                for study, job_id, delivery in deliveries
            ),
            "limit": _LENGTH,
        },
        "quarantine": {"quarantine": quarantine, "limit": _LENGTH},
        "peers": {
            "peers": tuple(_peer_line(peer) for peer in context.settings.peers),
            "accept_any_peer": context.settings.accept_any_peer,
            "node": f"{context.settings.ae_title} · port {context.settings.dicom_port}",
        },
    }
    return Screen(
        title="Administration",
        parts=tuple(
            make_part(context.templates, f"administration_{key}.html", key, **values)
            for key, values in parts.items()
        ),
    )


def _peer_line(peer: Peer) -> tuple[str, str, str, str, str]:
    """Name, AE title, address, roles and priority: what may be shown of a peer."""
    roles = ", ".join(sorted(role.value for role in peer.roles))
    return (peer.name, peer.ae_title, peer.address or "any address", roles, peer.priority.value)
