"""Decides whether two values say the same, and how a value is printed."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any

UID = re.compile(r"(?=.{17,64}$)[0-2](\.(0|[1-9]\d*)){2,}")

_VERSION = re.compile(r"Firstread \d+(\.\w+)+")
_STANDARD = "1.2.840.10008."
_SHOWN_CHARACTERS = 80


class UidPairs:
    """Which UID of the one side stands for which of the other: one to one.

    Parameters
    ----------
    before, after : every UID that stands on a side; one that stands on both is its own partner
    """

    def __init__(self, before: Set[str] = frozenset(), after: Set[str] = frozenset()) -> None:
        self._shared = before & after
        self._forwards: dict[str, str] = {}
        self._backwards: dict[str, str] = {}

    def agree(self, before: str, after: str) -> bool:
        """Whether they stand for each other; partners for good if neither had one."""
        fixed = before.startswith(_STANDARD) or bool({before, after} & self._shared)
        if before != after and fixed:
            return False
        partner = self._forwards.setdefault(before, after)
        return partner == after and self._backwards.setdefault(after, before) == before

    @property
    def changed(self) -> int:
        """How many stand for a UID of another value."""
        return sum(before != after for before, after in self._forwards.items())


def same_value(before: Any, after: Any, uids: UidPairs) -> bool:
    """Whether two single values say the same, to the last digit as it is written."""
    if isinstance(before, bytes) or isinstance(after, bytes):
        return bool(before == after)
    first, second = str(before), str(after)
    if UID.fullmatch(first) and UID.fullmatch(second):
        return uids.agree(first, second)
    return without_version(first) == without_version(second)


def without_version(text: str) -> str:
    """A text without the version of Firstread."""
    return _VERSION.sub("Firstread", text)


def shown(value: Any) -> str:
    """A value as a difference names it; of a long one the beginning."""
    text = repr(value if isinstance(value, bytes | int | float) else str(value))
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
