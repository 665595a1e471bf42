"""Certificates with their ends, and callers that were turned away, for the administrator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from database.events import latest_events
from database.session import Session
from dicom_node.turned_away import ASSOCIATION_REJECTED, CONNECTION_NOT_SECURED
from settings.certificates.in_use import certificate_terms
from settings.environment import Settings
from worklist.words.translations import translated_row

MOST_TURNED_AWAY: Final = 20


@dataclass(frozen=True, slots=True)
class CertificateLine:
    """One file of certificates.

    Attributes
    ----------
    of : the setting that names it
    ends_at : None where it cannot be read, or is not watched
    fault : why it cannot be read
    soon : whether it is to be renewed now
    """

    of: str
    subject: str
    ends_at: datetime | None
    days_left: int | None
    fault: str
    soon: bool


@dataclass(frozen=True, slots=True)
class TurnedAwayLine:
    """One caller that was not let in. A hint that names peers or certificates is in English."""

    at: datetime
    calling_ae_title: str
    address: str
    reason: str
    hint: str


def certificate_lines(settings: Settings, now: datetime) -> tuple[CertificateLine, ...]:
    """Every certificate that the settings name, the one that ends first on top."""
    lines = [
        CertificateLine(
            of=term.named.of,
            subject=term.subject,
            ends_at=term.ends_at,
            days_left=term.days_left(now),
            fault=term.fault,
            soon=bool(term.fault)
            or (term.ends_at is not None and term.ends_at - now <= term.named.warned_before),
        )
        for term in certificate_terms(settings)
    ]
    return tuple(sorted(lines, key=lambda one: (one.ends_at is None, one.ends_at or now)))


def turned_away_lines(session: Session) -> tuple[TurnedAwayLine, ...]:
    """The latest callers that were turned away, the newest first."""
    return tuple(
        TurnedAwayLine(
            at=one.at,
            calling_ae_title=str(one.facts.get("calling_ae_title", "")),
            address=str(one.facts.get("address", "")),
            reason=translated_row(str(one.facts.get("reason", "")).replace("_", " ")),
            hint=translated_row(str(one.facts.get("hint", ""))),
        )
        for one in latest_events(
            session, (ASSOCIATION_REJECTED, CONNECTION_NOT_SECURED), limit=MOST_TURNED_AWAY
        )
    )
