"""Who reads what older versions of Firstread stored: by version, as "module:function".

Named and not imported: only the folder of an organ knows what it stored, and it stands above this
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pkgutil import resolve_name
from typing import Any

from radiology.answer.brief import ReadingInBrief
from radiology.answer.reading import Reading
from radiology.answer.stored_reading import (
    UNVERSIONED,
    OlderReader,
    brief_from_facts,
    from_facts,
)
from radiology.errors import ReadingUnreadable

_READERS: Mapping[int, str] = {UNVERSIONED: "chest.answer.stored:reading_of_0_1_0"}


def stored_reading(facts: Mapping[str, Any]) -> Reading:
    """The reading that was stored, by whatever version.

    Raises
    ------
    ReadingUnreadable
        It is of a version that is not known here, or damaged.
    """
    return from_facts(facts, _readers())


def stored_brief(facts: Mapping[str, Any]) -> ReadingInBrief:
    """What a list shows of the reading that was stored.

    Raises
    ------
    ReadingUnreadable
        As for `stored_reading`.
    """
    return brief_from_facts(facts, _readers())


def reading_if_readable(facts: Mapping[str, Any]) -> Reading | None:
    """The reading that was stored; None where it cannot be read.

    What a study that was refused leaves has no reading in it.
    """
    try:
        return stored_reading(facts)
    except ReadingUnreadable:
        return None


def brief_if_readable(facts: Mapping[str, Any]) -> ReadingInBrief | None:
    """What a list shows of the reading that was stored; None where it cannot be read."""
    try:
        return stored_brief(facts)
    except ReadingUnreadable:
        return None


@cache
def _readers() -> dict[int, OlderReader]:
    return {version: resolve_name(name) for version, name in _READERS.items()}
