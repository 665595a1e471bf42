"""Moments of work items: what a DT of any precision spans, and on which clock it is meant.

PS3.5 Table 6.2-1 (DT), PS3.3 C.12.1.1.8 (Timezone Offset From UTC), PS3.4 Section C.2.2.2.5 (range
matching).
"""

from __future__ import annotations

import re
from datetime import MAXYEAR, UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

Zone = tzinfo | None
"""A time zone; None is the machine's, with its summer time."""

_MOMENT: Final = r"\d{4,14}(?:\.\d{1,6})?(?:[+-](?:0\d|1[0-4])[0-5]\d)?"  # PS3.5 Table 6.2-1, DT
_SINGLE: Final = re.compile(_MOMENT)
_RANGE: Final = re.compile(f"({_MOMENT})?-({_MOMENT})?")
_OFFSET: Final = re.compile(r"[+-](?:0\d|1[0-4])[0-5]\d$")
_ZONE: Final = re.compile(r"[+-](?:0\d|1[0-4])[0-5]\d")
_FORMS: Final = {
    4: "%Y",
    6: "%Y%m",
    8: "%Y%m%d",
    10: "%Y%m%d%H",
    12: "%Y%m%d%H%M",
}
_LENGTHS: Final = {8: timedelta(days=1), 10: timedelta(hours=1), 12: timedelta(minutes=1)}


def offset_of(text: str) -> tzinfo:
    """Timezone Offset From UTC (0008,0201) as a time zone.

    Raises
    ------
    ValueError
        It is none.
    """
    if not _ZONE.fullmatch(text):
        raise ValueError("Timezone Offset From UTC is not of the form +0100")
    away = timedelta(hours=int(text[1:3]), minutes=int(text[3:]))
    return timezone(-away if text[0] == "-" else away)


def has_offset(text: str) -> bool:
    """Whether a DT says its own offset from UTC."""
    return bool(_OFFSET.search(text))


def span_of(text: str, zone: Zone) -> tuple[datetime | None, datetime | None] | None:
    """The first and the last moment of a DT or a range of them; None for what is neither."""
    if _SINGLE.fullmatch(text):
        return bounds_of(text, zone)
    found = _RANGE.fullmatch(text)
    if found is None or found.group(0) == "-":
        return None
    first = bounds_of(found.group(1), zone) if found.group(1) else None
    last = bounds_of(found.group(2), zone) if found.group(2) else None
    if (found.group(1) and first is None) or (found.group(2) and last is None):
        return None
    return (first[0] if first else None, last[1] if last else None)


def bounds_of(text: str, zone: Zone) -> tuple[datetime, datetime] | None:
    """The moments that a DT of any precision spans, in UTC; without an offset it is of `zone`."""
    offset = _OFFSET.search(text)
    own_zone = offset_of(offset.group()) if offset else zone
    whole = (text[: offset.start()] if offset else text).partition(".")[0]
    try:
        first = datetime.strptime(whole, _FORMS.get(len(whole), "%Y%m%d%H%M%S"))  # noqa: DTZ007
        return _in_utc(first, own_zone), _in_utc(_last(first, len(whole)), own_zone)
    except (ValueError, OverflowError):
        return None


def _in_utc(local: datetime, zone: Zone) -> datetime:
    try:
        aware = local.replace(tzinfo=zone) if zone else local.astimezone()
        return aware.astimezone(UTC)
    except (OverflowError, ValueError, OSError):  # in the first or the last year that there is
        return local.replace(tzinfo=UTC)


def _last(first: datetime, digits: int) -> datetime:
    """The last moment of a year, month, day, hour, minute or second that begins at `first`."""
    if first.year == MAXYEAR:
        return datetime.max.replace(tzinfo=first.tzinfo)
    if digits == 4:
        after = first.replace(year=first.year + 1)
    elif digits == 6:
        after = (first + timedelta(days=31)).replace(day=1)
    else:
        after = first + _LENGTHS.get(digits, timedelta(seconds=1))
    return after - timedelta(microseconds=1)
