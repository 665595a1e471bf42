"""What is wrong with a running Firstread, as far as its rows and its disk tell."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from database.audit.sending import sending_facts
from database.deliveries.destinations import unfinished_destinations
from database.flags.untold import untold_channels
from database.forget.named import unfinished_forgettings
from database.process_signs import last_sweep
from database.session import Session
from database.views.worklist.worklist_rows import failed_studies, refused_studies
from database.work_items.notifications import receivers_away
from settings.certificates.in_use import certificate_terms, unusable
from settings.environment import Settings
from storage.kept_files import kept_files
from worklist.administration.parts import part_signs

_SWEEPS_LATE_S = 60.0  # a sweep may take so long before it is broken off
_GIGABYTE = 1_000_000_000
_DICOM = ("dicom_tls.", "peers.")  # without these studies do not come, or results do not go


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes
    ----------
    name : stable, for a monitoring system: `disk_full`, `part_silent`, `no_sweep`, …
    failing : studies are not taken, not read or not sent because of it; otherwise a person or a
        peer is waited for
    message : what it is, and what to do
    """

    name: str
    failing: bool
    message: str


def find_problems(session: Session, settings: Settings, now: datetime) -> tuple[Problem, ...]:
    """Everything that is wrong, what stops work first."""
    return (
        *_disk(settings),
        *_object_storage(settings),
        *_parts(session, settings, now),
        *_certificates(settings, now),
        *_flags(session),
        *_destinations(session),
        *_subscribers(session),
        *_failed_studies(session),
        *_forgettings(session),
        *_audit(session, now),
    )


@dataclass(frozen=True, slots=True)
class RefusedLately:
    """Studies that got no answer as they came: no problem of Firstread, but not to be overlooked.

    Attributes
    ----------
    days : the studies of so many days are counted: those that the list shows by itself
    """

    count: int
    days: int


def refused_lately(session: Session, settings: Settings, now: datetime) -> RefusedLately:
    """How many studies were refused in the days that the list shows."""
    days = settings.worklist_order.listed_days
    return RefusedLately(refused_studies(session, now - timedelta(days=days)), days)


def disk_problem(folder: Path, min_free_bytes: int) -> str:
    """Why no study is taken for lack of room; "" where there is room, or no folder yet."""
    try:
        free = shutil.disk_usage(folder).free
    except FileNotFoundError:
        return ""
    if free >= min_free_bytes:
        return ""
    return (
        f"{free / _GIGABYTE:.1f} GB are free where the data folder is, and studies are refused "
        f"below {min_free_bytes / _GIGABYTE:.1f} GB (min_free_bytes): make room, or lower it"
    )


def _disk(settings: Settings) -> list[Problem]:
    message = disk_problem(settings.data_folder, settings.min_free_bytes)
    return [Problem("disk_full", True, message)] if message else []


def _object_storage(settings: Settings) -> list[Problem]:
    """As this process found it last; it asks every few seconds."""
    fault = kept_files(settings).fault
    if not fault:
        return []
    message = f"{fault}: no study is taken or read meanwhile; 'firstread doctor' says what to do"
    return [Problem("object_storage_away", True, message)]


def _parts(session: Session, settings: Settings, now: datetime) -> list[Problem]:
    """Each part that is silent, and whether sweeps come; one line where nothing runs at all."""
    signs = part_signs(session, settings, now)
    if not any(one.processes for one in signs):
        message = "Firstread does not run here: 'firstread serve' or 'systemctl start firstread'"
        return [Problem("part_silent", True, message)]
    silent = [
        Problem(
            "part_silent",
            True,
            f"No process of part {one.part} gives a sign: does "
            f"'firstread serve --only {one.part}' run, and what does its log say?",
        )
        for one in signs
        if one.is_silent
    ]
    return [*silent, *_sweeps(session, settings, now)]


def _sweeps(session: Session, settings: Settings, now: datetime) -> list[Problem]:
    last = last_sweep(session)
    late_s = _SWEEPS_LATE_S + 3 * settings.sweep_s
    if last is not None and (now - last).total_seconds() <= late_s:
        return []
    since = f"since {last:%Y-%m-%d %H:%M:%S} UTC" if last else "yet"
    return [
        Problem(
            "no_sweep",
            True,
            f"No sweep has come to its end {since}: nothing is assembled, and nothing is tried "
            "again. Do beat, the broker and the housekeeping worker run?",
        )
    ]


def _certificates(settings: Settings, now: datetime) -> list[Problem]:
    """What ends, has ended, or cannot be used."""
    problems = []
    for term in certificate_terms(settings):
        complaint = term.complaint(now)
        if complaint:
            ended = not term.fault and term.over(now)
            name = "certificate_unreadable" if term.fault else "certificate_expires"
            failing = ended and term.named.of.startswith(_DICOM)
            if term.named.lists and not term.fault:
                name = "revocation_list_expired" if ended else "revocation_list_expires"
            elif ended:
                name = "certificate_expired"
            problems.append(Problem(name, failing, complaint))
    if not problems:  # or it has been said
        problems = [Problem("certificate_unusable", False, said) for said in unusable(settings)]
    return problems


def _destinations(session: Session) -> list[Problem]:
    problems = []
    for one in unfinished_destinations(session):
        if one.away:
            message = f"{one.destination} does not answer; {one.away} results wait for it"
            problems.append(Problem("destination_away", False, message))
        if one.ended:
            problems.append(
                Problem(
                    "deliveries_given_up",
                    False,
                    f"{one.ended} results were refused by {one.destination}, given up, or stored "
                    f"in part: mend the cause, then 'firstread results resend {one.destination}'",
                )
            )
    return problems


def _subscribers(session: Session) -> list[Problem]:
    return [
        Problem(
            "subscriber_away",
            False,
            f"{one.receiving_ae_title} does not answer, or takes nothing for now; reports on work "
            f"items that wait for it: {one.waiting}, the oldest since "
            f"{one.oldest:%Y-%m-%d %H:%M} UTC",
        )
        for one in receivers_away(session)
    ]


def _flags(session: Session) -> list[Problem]:
    """Channels by their names alone: what a receiver says may quote a patient."""
    problems = []
    for one in untold_channels(session):
        if one.waiting:
            since = f", the oldest since {one.oldest:%Y-%m-%d %H:%M} UTC" if one.oldest else ""
            message = (
                f"Channel {one.channel} does not take notices about flags. Waiting: "
                f"{one.waiting}{since}; they go by themselves when it takes them. Tell the "
                "readers by telephone meanwhile, and see to its receiver"
            )
            problems.append(Problem("flag_not_told", False, message))
        if one.given_up:
            message = (
                f"Channel {one.channel}: notices about open flags that were refused or given up: "
                f"{one.given_up}. Mend the cause, then 'firstread flags retry FLAG'"
            )
            problems.append(Problem("flag_refused", False, message))
    return problems


def _failed_studies(session: Session) -> list[Problem]:
    failed = failed_studies(session)
    if not failed:
        return []
    message = f"{failed} studies ended with a fault: 'firstread jobs --failed'"
    return [Problem("studies_failed", False, message)]


def _audit(session: Session, now: datetime) -> list[Problem]:
    facts = sending_facts(session, now)
    if facts is None or not facts.error_kind or not facts.waiting:
        return []
    since = f", the oldest since {facts.oldest:%Y-%m-%d %H:%M} UTC" if facts.oldest else ""
    message = (
        f"{facts.waiting} audit events wait for the audit repository{since}: {facts.error_message}"
    )
    return [Problem("audit_repository_away", False, message)]


def _forgettings(session: Session) -> list[Problem]:
    begun = unfinished_forgettings(session)
    if not begun:
        return []
    message = (
        f"{begun} times 'firstread forget' did not come to its end: call it again for the same name"
    )
    return [Problem("forgetting_unfinished", False, message)]
