"""What a study or a job waits for, as a person reads it and as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from database.views.waits import Wait, WaitingStudy, WaitsFor

_IMAGES: Final = {
    "arriving": "images, which still come",
    "released": "nothing that is known: its sender often pauses before it sends more",
    "open": "the release of an association",
    "broken": "its sender, whose association broke off",
    "missing": "images that are missing between those that came",
}


def in_words(wait: Wait, now: datetime) -> str:
    """One line: what for, since when, until when."""
    words = f"{_what(wait)}, for {_span((now - wait.since).total_seconds())}"
    if wait.until is None:
        return words
    left_s = (wait.until - now).total_seconds()
    if left_s < 0:
        return f"{words}; due {_span(-left_s)} ago"
    return f"{words}; {_end(wait)} in {_span(left_s)}"


def _end(wait: Wait) -> str:
    match wait.waits_for:
        case WaitsFor.IMAGES:
            return "taken as whole"
        case WaitsFor.WORKER:
            return "taken back, unless it gives signs,"
        case _:
            return "next attempt"


def _what(wait: Wait) -> str:
    facts = wait.facts
    match wait.waits_for:
        case WaitsFor.IMAGES:
            return _IMAGES[str(facts["awaited"])]
        case WaitsFor.SWEEP:
            return "the housekeeping: 'firstread status' says whether it runs"
        case WaitsFor.TURN:
            workers = int(facts["workers"])
            who = f"{workers} at work" if workers else "no analysis worker gives signs of life"
            return f"its turn: place {facts['place']} of {facts['queue']}, {who}"
        case WaitsFor.BUNDLE:
            return "its bundle, which is not in use: 'bundles' in the settings"
        case WaitsFor.RETRY:
            return f"the next attempt: {facts['attempts']} ended in {facts['error_kind']}"
        case WaitsFor.WORKER:
            return f"its worker {facts['worker']}: attempt {facts['attempts']}, {_percent(wait)}"
        case WaitsFor.DESTINATION:
            return f"{facts['destination']} to take it{_attempts(wait)}"
        case WaitsFor.COMMITMENT:
            return f"{facts['destination']} to promise to keep it{_attempts(wait)}"


def _percent(wait: Wait) -> str:
    return f"{wait.facts['progress_percent']} % done"


def _attempts(wait: Wait) -> str:
    facts = wait.facts
    if facts["in_hand"]:
        return ": a worker has it in hand"
    kind = f", the last one {facts['error_kind']}" if "error_kind" in facts else ""
    return f": {facts['attempts']} attempts{kind}" if facts["attempts"] else ""


def _span(seconds: float) -> str:
    """A length of time, as short as it is long."""
    whole = max(int(seconds), 0)
    if whole < 120:
        return f"{whole} s"
    if whole < 2 * 3600:
        return f"{whole // 60} min"
    if whole < 48 * 3600:
        return f"{whole // 3600} h"
    return f"{whole // 86400} days"


def wait_entries(wait: Wait) -> dict[str, Any]:
    """As JSON."""
    return {
        "for": wait.waits_for.value,
        "since": wait.since.isoformat(),
        "until": wait.until.isoformat() if wait.until else None,
        **wait.facts,
    }


def study_entries(study: WaitingStudy) -> dict[str, Any]:
    """A study that no job knows yet, as JSON."""
    return {
        "study_instance_uid": study.study_instance_uid,
        "accession_number": study.accession_number,
        "sender": study.sender,
        "received_at": study.received_at.isoformat(),
        "waits": [wait_entries(study.wait)],
    }
