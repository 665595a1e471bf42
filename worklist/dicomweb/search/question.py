"""What a search asks for, read from its query parameters.

PS3.18 Section 8.3.4 (query parameters of searches) and 10.6.1.2. A parameter that is neither one of
those nor an attribute is refused: a search that ignores it would find what nobody asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from pydicom.datadict import dictionary_VR, tag_for_keyword
from starlette.datastructures import QueryParams

from worklist.dicomweb.holdings import Asked
from worklist.dicomweb.refusal import uid_of, wrong

MOST_RESULTS: Final = 1000
_MOST_OFFSET: Final = 10_000_000
_MOST_KEYS, _MOST_CHARACTERS, _MOST_WILDCARDS = 50, 1024, 10
_MOST_UIDS: Final = 1000
_NUMBER = re.compile(r"[0-9]{1,9}")
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_MOMENT = re.compile(r"[0-9.+:-]*")
_OF_SEARCH = frozenset(("limit", "offset", "fuzzymatching", "includefield", "accept"))
_ALL: Final = "all"


class Level(Enum):
    """What is searched for."""

    STUDY = auto()
    SERIES = auto()
    INSTANCE = auto()


@dataclass(frozen=True, slots=True)
class Key:
    """An attribute that has to match.

    Attributes
    ----------
    place : tags from the data set down through sequences, as 8 hexadecimal digits
    vr : of the last one
    value : as it was given; "" matches everything
    """

    place: tuple[str, ...]
    vr: str
    value: str


@dataclass(frozen=True, slots=True)
class Question:
    """A search.

    Attributes
    ----------
    within : the study or series that it stays in
    include : tags that are asked for besides those that are always given
    include_all : everything that the headers have
    limit : at most `MOST_RESULTS`
    is_limited : by the request, not by us
    """

    level: Level
    within: Asked
    keys: tuple[Key, ...] = ()
    include: frozenset[str] = frozenset()
    include_all: bool = False
    limit: int = MOST_RESULTS
    is_limited: bool = False
    offset: int = 0
    fuzzy: bool = False

    @property
    def study_instance_uids(self) -> tuple[str, ...] | None:
        """The only studies that it may be about; None: any."""
        if self.within.study:
            return (self.within.study,)
        key = self.key("0020000D")
        return None if key is None or not key.value else tuple(uids_of(key.value))

    def key(self, tag: str) -> Key | None:
        """What an attribute of the data set itself has to match."""
        return next((one for one in self.keys if one.place == (tag,)), None)


def read_question(level: Level, within: Asked, parameters: QueryParams) -> Question:
    """Read a search.

    Raises
    ------
    RequestRefused
        400: a parameter is unknown or wrong.
    """
    if within.study:
        within.checked()
    given = parameters.multi_items()
    if len(given) > _MOST_KEYS:
        raise wrong(f"A search has at most {_MOST_KEYS} parameters.")
    names = [name for name, _ in given if name != "includefield"]
    if len(names) != len(set(names)):
        raise wrong("A parameter stands in the search twice.")
    keys = tuple(_key(name, value) for name, value in given if name not in _OF_SEARCH)
    fields = [
        field.strip()
        for value in parameters.getlist("includefield")
        for field in value.split(",")
        if field.strip()
    ]
    asked_limit = _number(parameters, "limit", MOST_RESULTS)
    return Question(
        level,
        within,
        keys,
        frozenset(_place(field)[0] for field in fields if field.lower() != _ALL),
        any(field.lower() == _ALL for field in fields),
        limit=min(asked_limit, MOST_RESULTS),
        is_limited="limit" in parameters and asked_limit <= MOST_RESULTS,
        offset=_number(parameters, "offset", 0),
        fuzzy=parameters.get("fuzzymatching", "false").lower() == "true",
    )


def uids_of(value: str) -> list[str]:
    """The UIDs of a list (PS3.18 Section 8.3.4.1: with commas; PS3.4 has backslashes)."""
    uids = [one.strip() for one in re.split(r"[,\\]", value) if one.strip()]
    if len(uids) > _MOST_UIDS:
        raise wrong(f"A list has at most {_MOST_UIDS} UIDs.")
    return [uid_of(one, "A UID of the search") for one in uids]


def _key(name: str, value: str) -> Key:
    place = _place(name)
    vr = dictionary_VR(int(place[-1], 16))
    if vr == "SQ" and value:
        raise wrong("A sequence is matched by an attribute in it: Sequence.Attribute=value")
    if len(value) > _MOST_CHARACTERS and vr != "UI":
        raise wrong(f"A value of a search has at most {_MOST_CHARACTERS} characters.")
    if vr != "UI" and sum(value.count(one) for one in "*?") > _MOST_WILDCARDS:
        raise wrong(f"A value of a search has at most {_MOST_WILDCARDS} wildcards.")
    if vr in ("DA", "TM", "DT") and not _MOMENT.fullmatch(value.strip()):
        raise wrong("A date or time is 20260102 or 101530, a range 20260102-20260103, or open.")
    if vr == "UI":
        uids_of(value)
    return Key(place, vr, value.strip())


def _place(name: str) -> tuple[str, ...]:
    """Tags of an attribute's name: a keyword or a tag, or several with dots between."""
    return tuple(_tag(one) for one in name.split("."))


def _tag(name: str) -> str:
    tag = int(name, 16) if _TAG.fullmatch(name) else tag_for_keyword(name)
    try:
        if tag is not None:
            dictionary_VR(tag)
            return f"{tag:08X}"
    except KeyError:
        pass
    raise wrong(
        "A parameter is neither limit, offset, fuzzymatching, includefield or accept nor an "
        "attribute by keyword or tag, such as PatientID or 00100020."
    )


def _number(parameters: QueryParams, name: str, default: int) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or int(text) > _MOST_OFFSET:
        raise wrong(f"{name} is a number from 0 to {_MOST_OFFSET}.")
    return int(text)
