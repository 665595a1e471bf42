"""Proves patient and study of an object: equal to those of the source (PS3.3 C.7.1 and C.7.2).

Both are read from their bytes, by nothing that the object was made with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final

from radiology.errors import ResultMismatch
from worker.encode.proof.encoded_elements import Content, Encoded, encoded_elements
from worker.encode.proof.encoded_text import text_of
from worker.encode.proof.standard_elements import (
    ACCESSION_NUMBER,
    DEIDENTIFICATION_METHOD,
    DEIDENTIFICATION_METHOD_CODES,
    FILED_BY,
    IDENTIFIERS,
    LAST,
    MEDIA_STORAGE_SOP_INSTANCE_UID,
    OF_ONE_PATIENT,
    PATIENT_AND_STUDY,
    PATIENT_IDENTITY_REMOVED,
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    SPECIFIC_CHARACTER_SET,
)

Elements = Mapping[int, Encoded]

_NUMBERS: Final = frozenset(
    ("AT", "FD", "FL", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UL", "US", "UV")
)
_UNREADABLE: Final = "\ufffd"  # what stands for bytes that the character set does not have
_LAST: Final = max(LAST, SERIES_INSTANCE_UID)


@dataclass(frozen=True)
class Original:
    """Who the source says that the patient is, and what the study.

    Attributes
    ----------
    elements : of the instance that the objects take them from
    series : Series Instance UIDs of all instances
    """

    elements: Elements
    series: frozenset[str]

    @classmethod
    def of(cls, files: Iterable[Path], first_instance: str) -> Original:
        """Read the files that the volume was decoded from.

        Parameters
        ----------
        first_instance : SOP Instance UID of the one that the objects take patient and study from

        Raises
        ------
        ResultMismatch
            They name two patients or two studies, or the first instance is not among them.
        """
        read = [_of_file(path) for path in dict.fromkeys(files)]
        first = next((one for one in read if _said(one, SOP_INSTANCE_UID) == first_instance), None)
        if first is None:
            raise ResultMismatch("The source instances are not those of the volume")
        for other in read:
            for tag in OF_ONE_PATIENT:
                if _said(other, tag) != _said(first, tag):
                    keyword = PATIENT_AND_STUDY[tag][1]
                    raise ResultMismatch("The source instances differ", attribute=keyword)
        return cls(first, frozenset(_said(one, SERIES_INSTANCE_UID) for one in read))


def check_identity(content: Content, original: Original, *, accession_number: str = "") -> None:
    """Compare every attribute of the Patient and Study modules of an object.

    Parameters
    ----------
    content : the object, as the bytes of a DICOM file
    accession_number : of the study; what the object must state where its source states none

    Raises
    ------
    ResultMismatch
        One differs, is missing, or stands in the object and not in the source. Its value is not
        named.
    """
    found, source = encoded_elements(content, _LAST), original.elements
    for tag, (vr, keyword) in PATIENT_AND_STUDY.items():
        if tag == ACCESSION_NUMBER and not _said(source, tag):
            agree = _said(found, tag) == accession_number
        else:
            agree = _agree(tag, vr, source, found)
        if tag in IDENTIFIERS and _UNREADABLE in _said(found, tag):
            agree = False  # it may be anybody's
        if not agree:
            raise ResultMismatch("Patient or study differ from the source", attribute=keyword)
    if _said(found, SERIES_INSTANCE_UID) in original.series:
        raise ResultMismatch("The result is in the series of its source")
    if _said(found, MEDIA_STORAGE_SOP_INSTANCE_UID) != _said(found, SOP_INSTANCE_UID):
        raise ResultMismatch("The file is named after another instance")


def _of_file(path: Path) -> Elements:
    try:
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            return encoded_elements(content, _LAST)
    except ValueError:  # an empty file cannot be mapped
        raise ResultMismatch("A file is not in the DICOM format") from None


def _agree(tag: int, vr: str, source: Elements, found: Elements) -> bool:
    stated, made = source.get(tag), found.get(tag)
    if made is None or _is_empty(made):
        if stated is None or _is_empty(stated):
            return True  # what is of type 2 may be there and empty
        return tag not in FILED_BY and not _is_of(vr, stated)
    if stated is None or _is_empty(stated):
        # PS3.3 C.7.1.1, type 1C: we say that the source does not say it
        return tag == DEIDENTIFICATION_METHOD and _leaves_out_its_method(source)
    return made.vr == vr and _same(stated, made, _character_sets(source), _character_sets(found))


def _leaves_out_its_method(source: Elements) -> bool:
    removed = _said(source, PATIENT_IDENTITY_REMOVED) == "YES"
    codes = source.get(DEIDENTIFICATION_METHOD_CODES)
    return removed and (codes is None or _is_empty(codes))


def _is_of(vr: str, stated: Encoded) -> bool:
    """Whether a value is what its element should hold: only then must it be copied."""
    if vr == "SQ":
        return bool(stated.items)
    if vr in _NUMBERS or stated.vr in _NUMBERS - {"OB", "OW"}:
        return stated.vr in ("", vr) and len(stated.value) % 2 == 0
    if vr == "DS":
        return all(_number(one) is not None for one in text_of(stated.value, ()).split("\\"))
    return stated.vr != "SQ"


def _is_empty(element: Encoded) -> bool:
    return not element.items and not element.value.strip(b" \0")


def _same(stated: Encoded, made: Encoded, stated_in: Sequence[str], made_in: Sequence[str]) -> bool:
    """Whether two values mean the same. What the made one is goes by its VR."""
    if made.vr == "SQ":
        return len(stated.items) == len(made.items) and all(
            _same_items(item, other, stated_in, made_in)
            for item, other in zip(stated.items, made.items, strict=True)
        )
    if made.vr in _NUMBERS:
        return stated.value.rstrip(b"\0") == made.value.rstrip(b"\0")
    here, there = text_of(stated.value, stated_in), text_of(made.value, made_in)
    if made.vr == "PN":
        return _components(here) == _components(there)
    if made.vr in ("DS", "IS"):
        numbers = [[_number(one) for one in said.split("\\")] for said in (here, there)]
        return here == there or (None not in numbers[0] and numbers[0] == numbers[1])
    return here == there


def _same_items(
    stated: Elements, made: Elements, stated_in: Sequence[str], made_in: Sequence[str]
) -> bool:
    here, there = _filled(stated), _filled(made)
    sets = _character_sets(stated) or stated_in, _character_sets(made) or made_in
    return here.keys() == there.keys() and all(_same(here[tag], there[tag], *sets) for tag in here)


def _filled(item: Elements) -> dict[int, Encoded]:
    """Without what holds nothing, and without group lengths (PS3.5 Section 7.2)."""
    return {tag: one for tag, one in item.items() if tag & 0xFFFF and not _is_empty(one)}


def _components(names: str) -> list[list[list[str]]]:
    """Names, their groups, and the components of each; what is left out at the end is empty."""
    return [
        [group.rstrip("^ ").split("^") for group in name.rstrip("= ").split("=")]
        for name in names.split("\\")
    ]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _character_sets(elements: Elements) -> Sequence[str]:
    stated = elements.get(SPECIFIC_CHARACTER_SET)
    return text_of(stated.value, ()).split("\\") if stated is not None else ()


def _said(elements: Elements, tag: int) -> str:
    stated = elements.get(tag)
    return text_of(stated.value, _character_sets(elements)) if stated is not None else ""
