"""C-FIND for work items: which match an identifier, and which attributes are returned.

PS3.4 Section CC.2.8, Table CC.2.5-3 (match keys) and C.2.2.2 (single value, list of UID, universal,
wildcard, range and sequence matching). Pure: the database has sorted out most by then, see
`keys_of`.
"""

from __future__ import annotations

from datetime import UTC
from typing import Final, TypeVar

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from database.work_items.content import WorkItemKeys
from dicom_node.work_items.moments import Zone, bounds_of, offset_of, span_of
from radiology.errors import InvalidUid
from radiology.identity import checked_uid
from radiology.work_item import WorkItemPriority, WorkItemState

_NO_WILDCARDS: Final = frozenset({"AT", "DA", "DT", "FD", "FL", "SL", "SS", "TM", "UI", "UL", "US"})
_ZONE: Final = Tag("TimezoneOffsetFromUTC")
_NOT_MATCHED: Final = frozenset({"SpecificCharacterSet", "TimezoneOffsetFromUTC"})
# Required match keys (Table CC.2.5-3) that no work item of ours has a value of: who asks for one
# finds nothing.
_ALWAYS_EMPTY: Final = frozenset(
    {
        "ScheduledHumanPerformersSequence",
        "ExpectedCompletionDateTime",
        "ReplacedProcedureStepSequence",
        "RequestingService",
    }
)

Word = TypeVar("Word", WorkItemState, WorkItemPriority)


def zone_of(identifier: Dataset, site: Zone) -> Zone:
    """The time zone of an identifier's moments without an offset (PS3.4 Section CC.2.8.1.3).

    Parameters
    ----------
    site : of an identifier that does not say: client and site are taken to go by one clock

    Raises
    ------
    ValueError
        Timezone Offset From UTC is none; a moment must not be looked for at another time.
    """
    stated = _texts(identifier["TimezoneOffsetFromUTC"]) if _ZONE in identifier else []
    return offset_of(stated[0]) if stated else site


def keys_of(identifier: Dataset, site: Zone = UTC) -> WorkItemKeys:
    """The keys of an identifier that the database can look for: plain single values.

    Raises
    ------
    ValueError
        As for `zone_of`.
    """
    zone = zone_of(identifier, site)
    request = _first_item(identifier, "ReferencedRequestSequence")
    scheduled = _plain(identifier, "ScheduledProcedureStepStartDateTime")
    span = span_of(scheduled, zone) if scheduled else None
    return WorkItemKeys(
        state=_word(WorkItemState, _plain(identifier, "ProcedureStepState")),
        priority=_word(WorkItemPriority, _plain(identifier, "ScheduledProcedureStepPriority")),
        patient_id=_plain(identifier, "PatientID"),
        accession_number=_plain(request, "AccessionNumber"),
        study_instance_uid=_uid(_plain(request, "StudyInstanceUID"))
        or _uid(_plain(identifier, "StudyInstanceUID")),
        sop_instance_uid=_uid(_plain(identifier, "SOPInstanceUID")),
        scheduled_from=span[0] if span else None,
        scheduled_until=span[1] if span else None,
    )


def matches(work_item: Dataset, identifier: Dataset, site: Zone = UTC) -> bool:
    """Whether a work item has what an identifier asks for.

    An optional key that none of our work items has is ignored: see `answer_of`.

    Parameters
    ----------
    site : time zone of moments without an offset, where the identifier does not say
    """
    return _matches(work_item, identifier, zone_of(identifier, site))


def _matches(work_item: Dataset, identifier: Dataset, zone: Zone) -> bool:
    return all(
        _is_universal(key)
        if key.keyword in _ALWAYS_EMPTY
        else key.tag not in work_item or _element_matches(work_item[key.tag], key, zone)
        for key in identifier
        if key.keyword not in _NOT_MATCHED
    )


def answer_of(work_item: Dataset, identifier: Dataset) -> tuple[Dataset, bool]:
    """What is returned of a work item, and whether every key is one that we know."""
    answer, all_known = Dataset(), True
    for keyword in ("SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID"):
        answer[keyword] = work_item[keyword]
    for key in identifier:
        if key.tag in work_item:
            answer[key.tag] = work_item[key.tag]
        elif key.keyword not in _NOT_MATCHED:
            answer.add(DataElement(key.tag, key.VR, [] if key.VR == "SQ" else ""))
            all_known = all_known and key.keyword in _ALWAYS_EMPTY
    return answer, all_known


def wildcard_matches(text: str, pattern: str) -> bool:
    """Match `*` and `?` (PS3.4 Section C.2.2.2.4), in time that no pattern can blow up."""
    place = star = mark = 0
    seen_star = False
    for_pattern = 0
    while place < len(text):
        here = pattern[for_pattern] if for_pattern < len(pattern) else ""
        if here == "*":
            seen_star, star, mark = True, for_pattern, place
            for_pattern += 1
        elif here and here in ("?", text[place]):
            place, for_pattern = place + 1, for_pattern + 1
        elif seen_star:
            mark += 1
            place, for_pattern = mark, star + 1
        else:
            return False
    return set(pattern[for_pattern:]) <= {"*"}


def _element_matches(value: DataElement, key: DataElement, zone: Zone) -> bool:
    if key.VR == "SQ":
        return value.VR == "SQ" and _sequence_matches(value, key, zone)
    wanted = _texts(key)
    if not wanted:
        return True  # universal matching
    present = _texts(value)
    if value.VR == "DT":
        return any(_moment_matches(one, wanted[0], zone) for one in present)
    if value.VR in _NO_WILDCARDS:
        return bool(set(present) & set(wanted))
    return any(wildcard_matches(one, pattern) for one in present for pattern in wanted)


def _is_universal(key: DataElement) -> bool:
    """Whether a key asks for the attribute, whatever its value (PS3.4 Section C.2.2.2.3)."""
    if key.VR != "SQ":
        return set("".join(_texts(key))) <= {"*"}
    return all(_is_universal(element) for item in key.value for element in item)


def _sequence_matches(value: DataElement, key: DataElement, zone: Zone) -> bool:
    """One item of the key, of which any item of the value must match every attribute."""
    if not key.value or not len(key.value[0]):
        return True
    return any(_matches(item, key.value[0], zone) for item in value.value)


def _moment_matches(value: str, wanted: str, zone: Zone) -> bool:
    span, moment = span_of(wanted, zone), bounds_of(value, zone)
    if span is None or moment is None:
        return value == wanted
    first, last = span
    return (first is None or moment[1] >= first) and (last is None or moment[0] <= last)


def _texts(element: DataElement) -> list[str]:
    value = element.value
    values = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)
    texts = (str(one).strip("\0 ") for one in values if one is not None)
    return [text for text in texts if text]


def _plain(data_set: Dataset | None, keyword: str) -> str | None:
    """A single value without wildcards; None where matching must look closer."""
    if data_set is None or keyword not in data_set:
        return None
    texts = _texts(data_set[keyword])
    if len(texts) != 1 or set(texts[0]) & set("*?\0"):
        return None
    return texts[0]


def _first_item(data_set: Dataset, keyword: str) -> Dataset | None:
    sequence = data_set.get(keyword)
    return sequence[0] if sequence else None


def _uid(text: str | None) -> str | None:
    try:
        return None if text is None else checked_uid(text, "key")
    except InvalidUid:
        return None


def _word(words: type[Word], text: str | None) -> Word | None:
    return next((one for one in words if one.value == text), None)
