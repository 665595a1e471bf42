"""Whether a record of a search matches its keys: PS3.4 Section C.2.2.2, on the DICOM JSON Model.

Names of persons match without regard to case (C.2.2.2.1), every other text with it. Several values
match when one of them does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from worklist.dicomweb.search.question import Key, uids_of

Record = Mapping[str, Any]

_MOMENTS = frozenset(("DA", "TM", "DT"))
_NUMBERS = frozenset(("DS", "IS", "FL", "FD", "SL", "SS", "UL", "US", "SV", "UV"))
_LISTS = frozenset(("UI", "CS"))
_TIME_DIGITS = 6  # of HHMMSS
_DATE_TIME_DIGITS = 14


def matches(record: Record, keys: Sequence[Key]) -> bool:
    """Whether a record has all that is asked for."""
    return all(_matches(record, key) for key in keys)


def _matches(record: Record, key: Key) -> bool:
    if not key.value:
        return True  # universal matching (C.2.2.2.3)
    return any(_one_matches(value, key) for value in _values(record, key.place))


def _values(record: Record, place: tuple[str, ...]) -> Iterator[Any]:
    """Every value at a place, through all items of sequences (C.2.2.2.6)."""
    found = record.get(place[0], {}).get("Value", [])
    if len(place) == 1:
        yield from (one for one in found if one is not None)
        return
    for item in found:
        if isinstance(item, Mapping):
            yield from _values(item, place[1:])


def _one_matches(value: Any, key: Key) -> bool:
    if isinstance(value, Mapping):  # a person's name
        names = [*value.values(), "=".join(str(one) for one in value.values())]
        return any(is_like(_name(str(one)), _name(key.value)) for one in names)
    if key.vr == "UI":
        return str(value) in uids_of(key.value)
    if key.vr in _MOMENTS:
        return _is_within(str(value), key)
    if key.vr in _NUMBERS:
        return _same_number(value, key.value)
    wanted = key.value.replace("\\", ",").split(",") if key.vr in _LISTS else [key.value]
    return any(is_like(str(value).strip(), one.strip()) for one in wanted)


def is_like(text: str, pattern: str) -> bool:
    """Wild card matching (C.2.2.2.4): * is any text, ? is any one letter.

    In time that grows with the product of both lengths, whatever the pattern.
    """
    at, in_pattern, star, behind = 0, 0, -1, 0
    while at < len(text):
        letter = pattern[in_pattern] if in_pattern < len(pattern) else ""
        if letter == "*":
            star, behind = in_pattern, at
            in_pattern += 1
        elif letter in ("?", text[at]) and letter:
            at, in_pattern = at + 1, in_pattern + 1
        elif star >= 0:
            behind += 1
            at, in_pattern = behind, star + 1
        else:
            return False
    return not pattern[in_pattern:].strip("*")


def _name(text: str) -> str:
    """Trailing empty components say nothing (PS3.5 Section 6.2.1.1)."""
    return text.casefold().rstrip("^= ")


def _is_within(value: str, key: Key) -> bool:
    """Range matching (C.2.2.2.5), or the value itself as exactly as it is given."""
    wanted = key.value
    if key.vr == "DT":  # an offset from UTC is no range
        value, wanted = value[:_DATE_TIME_DIGITS], wanted
    first, dash, last = wanted.partition("-")
    value = _digits(value)
    if not value:
        return False
    if not dash:
        return value.startswith(_digits(first)) and bool(_digits(first))
    low, high = _digits(first), _digits(last)
    width = {"DA": 8, "TM": _TIME_DIGITS, "DT": _DATE_TIME_DIGITS}[key.vr]
    at = value.ljust(width, "0")[:width]
    return (not low or at >= low.ljust(width, "0")[:width]) and (
        not high or at <= high.ljust(width, "9")[:width]
    )


def _digits(text: str) -> str:
    return "".join(one for one in text.partition(".")[0] if one.isdecimal() and one.isascii())


def _same_number(value: Any, wanted: str) -> bool:
    try:
        return math.isclose(float(value), float(wanted), rel_tol=1e-9)
    except ValueError:
        return str(value).strip() == wanted
