"""`firstread audit`: who did what at the worklist page, as JSON lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from database.accounts.audit import AUDIT_EVENTS, AuditRow, audit_events
from database.session import query
from firstread.data_folder import open_database
from radiology.errors import SettingsRefused
from settings.environment import Settings

_SUCCESS, _MINOR_FAILURE = "0", "4"  # PS3.15 Table A.5.2-1, Event Outcome Indicator


def print_audit(
    settings: Settings,
    *,
    since: str | None,
    until: str | None,
    reader: str | None,
    event: str | None,
    study: str | None,
    after: int,
) -> None:
    """Print the events that fit, one JSON object a line, the oldest first.

    Parameters
    ----------
    since, until : ISO 8601; without an offset in the time of this machine

    Raises
    ------
    SettingsRefused
        A moment or the name of an event cannot be read.
    """
    if event is not None and event not in AUDIT_EVENTS:
        raise SettingsRefused(f"There is no such event; there are: {', '.join(AUDIT_EVENTS)}")
    engine = open_database(settings)
    with query(engine) as session:
        for row in audit_events(
            session,
            since=_moment(since),
            until=_moment(until),
            reader=reader,
            name=event,
            study_instance_uid=study,
            after=after,
        ):
            print(json.dumps(audit_record(row), ensure_ascii=False))


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
        "outcome": _SUCCESS if row.succeeded else _MINOR_FAILURE,
        "reader": row.actor.reader,
        "role": row.actor.role,
        "address": row.actor.address,
    }
    if row.study is not None:
        record["study_instance_uid"] = row.study.study_instance_uid
        record["patient_id"] = row.study.patient_id
    return record | {"facts": row.facts}


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
