"""What a search says of a study, a series or an instance: from the files, and from what is counted.

PS3.18 Tables 10.6.3-3, 10.6.3-4 and 10.6.3-5. Patients' names and birth dates stand in no row of
ours, so the headers are read; those of the usual attributes are remembered, because files never
change: a corrected instance is another file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydicom.uid import DeflatedExplicitVRLittleEndian

from worklist.dicomweb.data_sets import read_data_set, read_deflated_head, read_some
from worklist.dicomweb.dicom_json import json_of
from worklist.dicomweb.holdings import HeldFile
from worklist.dicomweb.search.question import Level, Question

# Study Date, Time, Accession Number, Referring Physician, Timezone; Study Description; patient;
# Study Instance UID, Study ID
_STUDY: Final = (
    *("00080020", "00080030", "00080050", "00080090", "00080201", "00081030"),
    *("00100010", "00100020", "00100021", "00100030", "00100040", "0020000D", "00200010"),
)
# Modality, Timezone, Series Description, Body Part, Series Instance UID, Series Number, performed
# procedure step, request
_SERIES: Final = (
    *("00080021", "00080031", "00080060", "00080201", "0008103E", "00180015"),
    *("0020000E", "00200011", "00400244", "00400245", "00400275"),
)
# SOP class and instance, Timezone, Instance Number, frames, rows, columns, bits
_INSTANCE: Final = (
    *("00080016", "00080018", "00080201", "00200013"),
    *("00280008", "00280010", "00280011", "00280100"),
)
_USUAL: Final = frozenset((*_STUDY, *_SERIES, *_INSTANCE))
_REMEMBERED: Final = 20_000  # of about 1 kB each
_CHARACTER_SET: Final = 0x00080005

Record = dict[str, Any]
Header = Mapping[str, Any]


class Headers:
    """Reads the attributes that a search needs."""

    def __init__(self, question: Question, root: str) -> None:
        tops = {key.place[0] for key in question.keys}
        self._more = frozenset(tops | question.include) - _USUAL
        self._include_all = question.include_all
        self._root = root
        self._shown = frozenset(tops | question.include)

    def record(self, file: HeldFile, levels: Iterable[Level]) -> Record:
        """What a file says of some levels, and what was asked for besides."""
        header = self._read(file)
        if self._include_all:
            return dict(header)
        wanted = {tag for level in levels for tag in OF_LEVEL[level]} | self._shown
        return {tag: value for tag, value in header.items() if tag in wanted}

    def modality(self, file: HeldFile) -> str:
        """The modality of a series, by one of its files."""
        values = _usual(file.path, _is_deflated(file)).get("00080060", {}).get("Value", [])
        return str(values[0]) if values and values[0] else ""

    def _read(self, file: HeldFile) -> Header:
        if self._include_all:
            bulk = f"{self._root}/{file.address}/bulkdata/"
            deflated = _is_deflated(file)
            data_set = read_deflated_head(file.path) if deflated else read_data_set(file.path)
            return json_of(data_set, lambda place: bulk + place)
        if not self._more:
            return _usual(file.path, _is_deflated(file))
        tags = [_CHARACTER_SET, *(int(tag, 16) for tag in (*_USUAL, *self._more))]
        bulk = f"{self._root}/{file.address}/bulkdata/"
        read = read_deflated_head if _is_deflated(file) else read_some
        return json_of(read(file.path, tags), lambda place: bulk + place)


OF_LEVEL: Final[Mapping[Level, Sequence[str]]] = {
    Level.STUDY: _STUDY,
    Level.SERIES: _SERIES,
    Level.INSTANCE: _INSTANCE,
}


def _is_deflated(file: HeldFile) -> bool:
    return file.held.transfer_syntax_uid == DeflatedExplicitVRLittleEndian


def _usual(path: Path, deflated: bool) -> Header:
    header: Header = json.loads(_remembered(path, deflated))
    return header


@lru_cache(maxsize=_REMEMBERED)
def _remembered(path: Path, deflated: bool) -> bytes:
    """As text: a header is some forty objects, and a full collection of Python's looks at all."""
    tags = [_CHARACTER_SET, *(int(tag, 16) for tag in _USUAL)]
    read = read_deflated_head if deflated else read_some
    found = json_of(read(path, tags), lambda place: "")
    found.pop(f"{_CHARACTER_SET:08X}", None)
    return json.dumps(found).encode()


def by_series(files: Sequence[HeldFile]) -> Mapping[str, list[HeldFile]]:
    """Files of a study by their series, in the order in which these came."""
    found: dict[str, list[HeldFile]] = {}
    for one in files:
        found.setdefault(one.held.series_instance_uid, []).append(one)
    return found


def study_record(headers: Headers, files: Sequence[HeldFile], root: str) -> Record:
    """A study: what its first file says, and what is counted."""
    series = by_series(files)
    record = headers.record(files[0], [Level.STUDY])
    modalities = sorted({headers.modality(of_series[0]) for of_series in series.values()} - {""})
    record |= _available(f"{root}/studies/{files[0].held.study_instance_uid}")
    record["00080061"] = {"vr": "CS", "Value": modalities}
    classes = sorted({one.held.sop_class_uid for one in files})
    record["00080062"] = {"vr": "UI", "Value": classes}
    record["00201206"] = {"vr": "IS", "Value": [len(series)]}
    record["00201208"] = {"vr": "IS", "Value": [len(files)]}
    return record


def series_record(
    headers: Headers, files: Sequence[HeldFile], root: str, levels: Iterable[Level]
) -> Record:
    """A series: what its first file says, and what is counted."""
    held = files[0].held
    record = headers.record(files[0], levels)
    address = f"{root}/studies/{held.study_instance_uid}/series/{held.series_instance_uid}"
    record |= _available(address)
    record["0020000D"] = {"vr": "UI", "Value": [held.study_instance_uid]}
    record["00201209"] = {"vr": "IS", "Value": [len(files)]}
    return record


def instance_record(headers: Headers, file: HeldFile, root: str, levels: Iterable[Level]) -> Record:
    """An instance: what its file says."""
    record = headers.record(file, levels)
    record |= _available(f"{root}/{file.address}")
    record["0020000D"] = {"vr": "UI", "Value": [file.held.study_instance_uid]}
    record["0020000E"] = {"vr": "UI", "Value": [file.held.series_instance_uid]}
    return record


def _available(address: str) -> Record:
    return {
        "00080056": {"vr": "CS", "Value": ["ONLINE"]},
        "00081190": {"vr": "UR", "Value": [address]},
    }
