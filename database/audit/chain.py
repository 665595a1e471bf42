"""What an audit event's place in the chain is computed from; pure.

An event's hash covers the hash of the event before it, its number and all that it says. Study and
patient stand in it as a digest with a salt of the event's own: `firstread forget` takes identifiers
and salt away, the digest stays, and the chain still fits. Without the salt ten million Patient IDs
are tried in a second; with it, not one (docs/decisions, 0051).

SHA-256 (FIPS 180-4) over JSON with sorted keys and ASCII alone. The form is called by its version:
events are checked by the form in which they were written, for as long as they are kept.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

BEFORE_THE_FIRST: Final = "0" * 64
REMOVED: Final = "audit_removed"  # the event that says up to where events went by their age
FORGOTTEN: Final = "record_forgotten"  # the event that says which events name nobody any more
_FORM: Final = "firstread-audit-1"
_RANGE: Final = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True, slots=True)
class Link:
    """An audit event as the chain sees it.

    Attributes
    ----------
    number : its place: 1 for the first event of a database, without gaps from then on
    identifiers_sha256 : what `digest_of_identifiers` gave
    """

    number: int
    at: datetime
    name: str
    succeeded: bool
    reader: str
    role: str
    address: str
    facts: dict[str, Any]
    identifiers_sha256: str


def digest_of_identifiers(salt: str, study_instance_uid: str, patient_id: str) -> str:
    """Commit to whom an event is about, without saying it."""
    return _digest([salt, study_instance_uid, patient_id])


def hash_of(link: Link, previous_sha256: str) -> str:
    """The hash of an event that follows the one with that hash."""
    return _digest(
        [
            _FORM,
            previous_sha256,
            link.number,
            link.at.astimezone(UTC).isoformat(timespec="microseconds"),
            link.name,
            link.succeeded,
            link.reader,
            link.role,
            link.address,
            link.facts,
            link.identifiers_sha256,
        ]
    )


def in_ranges(numbers: Iterable[int]) -> str:
    """Numbers in ascending order, as text: "3-5,9"."""
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = ranges[-1][0], number
        else:
            ranges.append((number, number))
    return ",".join(str(one) if one == last else f"{one}-{last}" for one, last in ranges)


def of_ranges(text: str) -> tuple[range, ...]:
    """The same, read again; what is no range is left out."""
    found = (_RANGE.fullmatch(part) for part in text.split(","))
    return tuple(range(int(one[1]), int(one[2] or one[1]) + 1) for one in found if one)


def _digest(parts: list[Any]) -> str:
    said = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(said.encode("ascii")).hexdigest()
