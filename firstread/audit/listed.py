"""Prints who did what, as JSON lines or as audit messages; whoever reads it is recorded too."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from typing import Any

from database.accounts.audit import AUDIT_EVENTS, Actor, AuditRow, audit_events, record_audit
from database.session import Engine, query, transaction
from firstread.data_folder import open_database
from firstread.name_of import study_of
from radiology.errors import SettingsRefused
from settings.environment import Settings
from worker.audit.message import MINOR_FAILURE, SUCCESS, audit_message
from worker.audit.send_audit import source_of

_AT_THIS_MACHINE = "command line"
_READ = "audit_read"


def print_audit(
    settings: Settings,
    *,
    since: str | None,
    until: str | None,
    reader: str | None,
    event: str | None,
    study: str | None,
    after: int,
    as_xml: bool,
) -> None:
    """Print the events that fit, one a line, the oldest first.

    That they were read is an event too (PS3.15 A.5.3.2), written before the first is printed. Who
    finds nothing but such events has read nothing: a collector that asks every minute would
    otherwise find its own question each time.

    Parameters
    ----------
    since, until : ISO 8601; without an offset in the time of this machine
    study : its UID or accession number
    as_xml : as audit messages

    Raises
    ------
    SettingsRefused
        A moment or the name of an event cannot be read, or several studies go by this name.
    """
    if event is not None and event not in AUDIT_EVENTS:
        raise SettingsRefused(f"There is no such event; there are: {', '.join(AUDIT_EVENTS)}")
    engine = open_database(settings)
    source, recorded = source_of(settings), False
    with query(engine) as session:
        for row in audit_events(
            session,
            since=_moment(since),
            until=_moment(until),
            reader=reader,
            name=event,
            study_instance_uid=study and study_of(session, study),
            after=after,
        ):
            if not recorded and row.name != _READ:
                _record_reading(engine)
                recorded = True
            if as_xml:
                print(audit_message(row, source).decode())
            else:
                print(json.dumps(audit_record(row), ensure_ascii=False))


def _record_reading(engine: Engine) -> None:
    actor = Actor(getpass.getuser(), "administrator", _AT_THIS_MACHINE)
    with transaction(engine) as session:
        record_audit(session, _READ, datetime.now(UTC), actor)


def audit_record(row: AuditRow) -> dict[str, Any]:
    """One event for a system that collects them, with the codes of DICOM PS3.15 Section A.5."""
    code = AUDIT_EVENTS[row.name]
    record: dict[str, Any] = {
        "id": row.event_id,
        "at": row.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "event": row.name,
        "event_id": _coded(code.event_id, code.scheme),
        "event_type": _coded(code.event_type) if code.event_type else None,
        "action": code.action,
        "outcome": SUCCESS if row.succeeded else MINOR_FAILURE,
        "reader": row.actor.reader,
        "role": row.actor.role,
        "address": row.actor.address,
    }
    if row.study is not None:
        record["study_instance_uid"] = row.study.study_instance_uid
        record["patient_id"] = row.study.patient_id
    return record | {"facts": row.facts, "sha256": row.sha256}


def _coded(code: tuple[str, str], scheme: str = "DCM") -> dict[str, str]:
    value, meaning = code
    return {"code": value, "scheme": scheme, "meaning": meaning}


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise SettingsRefused(
            "A moment is written like 2026-11-21 or 2026-11-21T14:00+01:00"
        ) from error
