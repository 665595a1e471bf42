"""Who reads what older versions of Firstread stored: by version, as "module:function".

Named and not imported: only the folder of an organ knows what it stored, and it stands above this
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pkgutil import resolve_name
from typing import Any

from radiology.answer.reading import Reading
from radiology.answer.stored_reading import UNVERSIONED, OlderReader, from_facts

_READERS: Mapping[int, str] = {UNVERSIONED: "chest.answer.stored:reading_of_0_1_0"}


def stored_reading(facts: Mapping[str, Any]) -> Reading:
    """The reading that was stored, by whatever version.

    Raises
    ------
    ReadingUnreadable
        It is of a version that is not known here, or damaged.
    """
    return from_facts(facts, _readers())


@cache
def _readers() -> dict[int, OlderReader]:
    return {version: resolve_name(name) for version, name in _READERS.items()}
