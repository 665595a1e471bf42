"""The stored form of a reading, with a version: the only code that writes or reads it.

Version 2 is a `Reading`, all but voxels and heat maps. What version 0.1.0 of Firstread stored had
no number and is version 1 here; only what made it knows what it means, so its reader is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from radiology.answer.brief import ReadingInBrief, in_brief
from radiology.answer.plain_values import from_plain, to_plain
from radiology.answer.reading import Reading
from radiology.errors import ReadingUnreadable

VERSION = 2
VERSION_KEY = "version"
UNVERSIONED = 1
"""The version of what has none."""

OlderReader = Callable[[Mapping[str, Any]], Reading]
"""Makes a reading of what an older version stored."""

Read = TypeVar("Read", Reading, ReadingInBrief)


def to_facts(reading: Reading) -> dict[str, Any]:
    """A reading as plain values for the result's row and JSON."""
    return {VERSION_KEY: VERSION, **to_plain(reading)}


def from_facts(facts: Mapping[str, Any], older: Mapping[int, OlderReader] | None = None) -> Reading:
    """The reading that was stored.

    Parameters
    ----------
    older : by version, how what was stored before `VERSION` is read

    Raises
    ------
    ReadingUnreadable
        It is of a version that is not known here, or not what that version stored.
    """
    return _read(Reading, facts, older or {}, lambda reading: reading)


def brief_from_facts(
    facts: Mapping[str, Any], older: Mapping[int, OlderReader] | None = None
) -> ReadingInBrief:
    """What a list shows of the reading that was stored; the rest of it is not looked at.

    Parameters and errors are those of `from_facts`.
    """
    return _read(ReadingInBrief, facts, older or {}, in_brief)


def _read(
    kind: type[Read],
    facts: Mapping[str, Any],
    older: Mapping[int, OlderReader],
    of_older: Callable[[Reading], Read],
) -> Read:
    version = version_of(facts)
    try:
        if version == VERSION:
            return from_plain(kind, facts)
        reader = older.get(version)
        if reader is not None:
            return of_older(reader(facts))
    except (ValueError, KeyError, TypeError) as error:
        raise ReadingUnreadable("The stored reading is damaged", version=version) from error
    raise ReadingUnreadable("The stored reading is of another version", version=version)


def version_of(facts: Mapping[str, Any]) -> int:
    """The version of a stored reading."""
    found = facts.get(VERSION_KEY, UNVERSIONED)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
