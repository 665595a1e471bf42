"""For the administrator: queues, workers, what failed or waits, peers, disk, settings in force."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from database.deliveries.destinations import unfinished_destinations
from database.flags.unacknowledged import open_urgent_flags
from database.process_signs import SILENT_AFTER_S, ProcessFacts, process_signs
from database.session import Session, query
from database.views.administration_rows import (
    EchoFacts,
    HeldJob,
    disk_use,
    echo_answers,
    held_jobs,
    last_algorithm,
    last_seen,
    queue_depths,
)
from database.views.last_traffic import last_stored
from database.views.unfinished_rows import (
    defects,
    failed_jobs,
    latest_quarantine,
    open_deliveries,
)
from database.views.worklist.worklist_facts import StudyFacts
from database.views.worklist.worklist_rows import state_counts
from settings.environment import Settings
from settings.peers import Peer
from worklist.administration.bundle_lines import bundle_lines
from worklist.administration.doctor_lines import doctor_lines
from worklist.administration.retention_lines import retention_lines
from worklist.administration.security_lines import (
    MOST_TURNED_AWAY,
    certificate_lines,
    turned_away_lines,
)
from worklist.administration.settings_lines import settings_lines
from worklist.administration.traffic_lines import channel_lines, listener_line
from worklist.list.query import state_address
from worklist.page.screens import PageContext, Screen, make_part
from worklist.words.next_steps import next_step_of_job
from worklist.words.stored_words import reason_words
from worklist.words.study_words import DeliveryLine, delivery_line
from worklist.words.translations import translated

_LENGTH = 50  # of each table
_ROUNDED_BYTES = 100_000_000
_BYTES_PER_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class FailedLine:
    """A job that ended with a fault."""

    study: StudyFacts
    job_id: int
    bundle: str
    attempts: int
    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class OpenDelivery:
    """A delivery that has not ended well."""

    study: StudyFacts
    job_id: int
    delivery: DeliveryLine


@dataclass(frozen=True, slots=True)
class PeerLine:
    """What may be shown of a peer, when it was last here, and what it last took and answered."""

    name: str
    ae_title: str
    address: str
    roles: str
    priority: str
    last_seen: datetime | None
    is_destination: bool
    last_stored: datetime | None
    can_be_asked: bool
    echo: EchoFacts | None


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """A process, whether it is silent, and what it holds."""

    process: ProcessFacts
    silent: bool
    held: tuple[HeldJob, ...]


@dataclass(frozen=True, slots=True)
class VersionLine:
    """What runs, and which bundle gave the newest reading."""

    software: str
    last_name: str
    last_version: str
    last_digest: str
    last_at: datetime | None


def administration_screen(context: PageContext) -> Screen:
    """Everything that the administrator is asked about, as it is now."""
    now, settings = context.clock(), context.settings
    with query(context.engine) as session:
        parts: dict[str, dict[str, object]] = {
            "states": {
                "states": tuple(
                    (one.value, count, state_address(one))
                    for one, count in state_counts(session).items()
                ),
                "open_flags": open_urgent_flags(session),
            },
            "doctor": {"doctor": doctor_lines(session, now)},
            "queues": {"queues": queue_depths(session, now)},
            "bundles": {
                "bundles": bundle_lines(session, settings, now),
                "limit_bytes": settings.bundles_memory_mb * _BYTES_PER_MB,
            },
            "failed": {"failed": _failed(session), "limit": _LENGTH},
            "deliveries": {
                "destinations": unfinished_destinations(session),
                "deliveries": _deliveries(session),
                "limit": _LENGTH,
            },
            "defects": {"defects": defects(session, limit=_LENGTH)},
            "peers": {
                "peers": _peers(session, settings),
                "accept_any_peer": settings.accept_any_peer,
                "node": _node(settings),
            },
            "channels": {"channels": channel_lines(session, settings)},
            "hl7": {"listener": listener_line(session, settings, now)},
            "security": {
                "certificates": certificate_lines(settings, now),
                "turned_away": turned_away_lines(session),
                "encrypted": settings.dicom_tls is not None,
                "limit": MOST_TURNED_AWAY,
            },
            "workers": {"workers": _workers(session, now)},
            "disk": {
                "free": (free := _free(settings)),
                "folders": disk_use(session),
                "retention": retention_lines(session, settings, now, total_bytes=free[1]),
            },
            "quarantine": {
                "quarantine": latest_quarantine(session, limit=_LENGTH),
                "limit": _LENGTH,
            },
            "version": {"version": _version(session)},
        }
    parts["settings"] = {"settings": settings_lines(settings)}
    return Screen(
        title=translated("Administration"),
        parts=tuple(
            make_part(context.templates, f"administration/{key}.html", key, **values)
            for key, values in parts.items()
        ),
    )


def _failed(session: Session) -> tuple[FailedLine, ...]:
    return tuple(
        FailedLine(
            study,
            job.id,
            job.bundle,
            job.attempts,
            reason_words(job.error_kind, job.error_message),
            next_step_of_job(job.state, job.error_kind),
        )
        for study, job in failed_jobs(session, limit=_LENGTH)
    )


def _deliveries(session: Session) -> tuple[OpenDelivery, ...]:
    return tuple(
        OpenDelivery(study, job_id, delivery_line(delivery))
        for study, job_id, delivery in open_deliveries(session, limit=_LENGTH)
    )


def _peers(session: Session, settings: Settings) -> tuple[PeerLine, ...]:
    seen = last_seen(session, [peer.ae_title for peer in settings.peers])
    answers = echo_answers(session)
    destinations = [peer.name for peer in settings.destinations]
    stored = last_stored(session, destinations)
    return tuple(
        PeerLine(
            name=peer.name,
            ae_title=peer.ae_title,
            address=_address(peer),
            roles=translated(", ").join(translated(one) for one in sorted(peer.roles)),
            priority=peer.priority.value,
            last_seen=seen.get(peer.ae_title),
            is_destination=peer.name in destinations,
            last_stored=stored.get(peer.name),
            can_be_asked=peer.has_address,
            echo=answers.get(peer.name),
        )
        for peer in settings.peers
    )


def _workers(session: Session, now: datetime) -> tuple[WorkerLine, ...]:
    held = held_jobs(session, now)
    known = process_signs(session)
    lines = [
        WorkerLine(
            process,
            silent=(now - process.seen_at).total_seconds() > SILENT_AFTER_S,
            held=tuple(job for job in held if job.worker == process.name),
        )
        for process in known
    ]
    return tuple(lines)


def _node(settings: Settings) -> str:
    tls = settings.dicom_tls
    port = translated("port %(port)s", port=settings.dicom_port)
    if tls is None:
        return f"{settings.ae_title} · {port}"
    plain = translated("port %(port)s", port=tls.plain_port)
    beside = f" · {plain}" if tls.plain_port is not None else ""
    return f"{settings.ae_title} · {port} (TLS){beside}"


def _address(peer: Peer) -> str:
    encrypted = " (TLS)" if peer.tls is not None else ""
    return f"{peer.address or translated('any address')}{encrypted}"


def _free(settings: Settings) -> tuple[int, int, bool]:
    """Bytes free, in all, and whether that is less than studies are taken with."""
    try:
        usage = shutil.disk_usage(settings.data_folder)
    except FileNotFoundError:  # nothing was received yet
        return 0, 0, False
    # Rounded: the page would change with every byte that anybody writes.
    free = usage.free // _ROUNDED_BYTES * _ROUNDED_BYTES
    return free, usage.total, usage.free < settings.min_free_bytes


def _version(session: Session) -> VersionLine:
    last = last_algorithm(session)
    algorithm, at = last if last is not None else ({}, None)
    return VersionLine(
        software=version("firstread"),
        last_name=str(algorithm.get("name", "")),
        last_version=str(algorithm.get("version", "")),
        last_digest=str(algorithm.get("bundle_digest", ""))[:16],
        last_at=at,
    )
