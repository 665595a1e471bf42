"""Compare what two versions of the program answer, object by object: a refactoring changes nothing.

Make the answers of the same studies with both versions, on one machine, and compare the folders:

    python -m benchmarks.make_answers before/ STUDY ... --program ../before/.venv/bin/firstread
    python -m benchmarks.make_answers after/ STUDY ...
    python -m benchmarks.same_answers before/ after/

Each file has a line: "equal", or "DIFFERENT" and the path of each difference with both values. The
exit status is 1 when anything differs or a file has no partner, and 2 when there are no files.

A data set is compared element by element, nested ones too. Content items of an SR go by their
concept, segments by their number, the voxels of a SEG by segment and slice, whatever the form that
they are written in. Pictures go by their pixels, a PDF by what its streams hold.

Left aside, because two runs of one version differ there:

- what says when an object was made, and what the toolkit calls itself (`_ASIDE`); an element that
  only one side has is a difference all the same;
- the version of Firstread in a text. It is drawn into the pictures too: there it must be the same;
- values of UIDs. A UID of the one side must always stand for the same UID of the other, and one
  that stands on both sides (of the source, say) for itself. How many changed is said at the end;
- folders in the paths of a JSON answer, and sizes of files.

It shares no code with what it proves.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import DataElement, Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue

Pixels = NDArray[Any]
Masks = dict[tuple[int, str], Pixels]
"""What is not empty of a segmentation, by segment number and place of the slice."""

_ASIDE = frozenset({
    "FileMetaInformationGroupLength", "ImplementationClassUID", "ImplementationVersionName",
    "InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime", "ContentDate",
    "ContentTime", "DateOfSecondaryCapture", "TimeOfSecondaryCapture", "ContributionDateTime",
    "EncapsulatedDocumentLength",
})  # fmt: skip
_READ_AS_A_WHOLE = frozenset({"PixelData", "EncapsulatedDocument"})
_ASIDE_IN_JSON = frozenset({"size_bytes"})
_PATHS_IN_JSON = frozenset({"study", "path", "file", "picture"})

_VERSION = re.compile(r"Firstread \d+(\.\w+)+")
_UID = re.compile(r"(?=.{17,64}$)[0-2](\.(0|[1-9]\d*)){2,}")
_STANDARD = "1.2.840.10008."

_STREAM = re.compile(rb"stream\r?\n(.*?)\s*endstream", re.DOTALL)
_ASIDE_IN_PDF = re.compile(
    rb"/(CreationDate|ModDate) ?\([^)]*\)|\[<\w+><\w+>\]|/Length \d+|xref\s.*?trailer"
    rb"|startxref\s+\d+",
    re.DOTALL,
)

_SHOWN_CHARACTERS = 80
_UNREADABLE = (
    AttributeError, IndexError, InvalidDicomError, KeyError, NotImplementedError, OSError,
    RuntimeError, TypeError, ValueError,
)  # fmt: skip


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


def compare_instances(before: Dataset, after: Dataset, uids: UidPairs) -> Iterator[str]:
    """Say where two instances differ: in their elements, pixels or pages."""
    yield from compare_data_sets(before.file_meta, after.file_meta, uids)
    yield from compare_data_sets(before, after, uids)
    if "PixelData" in before and "PixelData" in after:
        if "SegmentSequence" in before and "SegmentSequence" in after:
            yield from _compare_masks(_masks(before), _masks(after), _labels(before))
        else:
            yield from compare_pixels(before.pixel_array, after.pixel_array)
    if "EncapsulatedDocument" in before and "EncapsulatedDocument" in after:
        yield from compare_documents(_document(before), _document(after))


def compare_data_sets(
    before: Dataset, after: Dataset, uids: UidPairs, place: str = ""
) -> Iterator[str]:
    """Say where the elements of two data sets differ, those of nested ones too.

    Pixels and documents at the top are left to `compare_instances`.
    """
    for tag in sorted({*before.keys(), *after.keys()}):
        if tag not in after:
            yield f"{place}{_name(before[tag])}: only before: {_shown(before[tag].value)}"
        elif tag not in before:
            yield f"{place}{_name(after[tag])}: only after: {_shown(after[tag].value)}"
        else:
            yield from _compare_elements(before[tag], after[tag], uids, place)


def _compare_elements(
    before: DataElement, after: DataElement, uids: UidPairs, place: str
) -> Iterator[str]:
    name = _name(before)
    if name in _ASIDE or (not place and name in _READ_AS_A_WHOLE):
        return
    if before.VR != after.VR:
        yield f"{place}{name}: VR {before.VR} → {after.VR}"
    elif before.VR == "SQ":
        yield from _compare_items(before.value, after.value, uids, f"{place}{name}")
    elif not _same_values(_values(before), _values(after), uids):
        yield f"{place}{name}: {_shown(before.value)} → {_shown(after.value)}"


def _name(element: DataElement) -> str:
    return element.keyword or str(element.tag)


def _values(element: DataElement) -> list[Any]:
    value = element.value
    return list(value) if isinstance(value, MultiValue | list) else [value]


def _same_values(before: Sequence[Any], after: Sequence[Any], uids: UidPairs) -> bool:
    if len(before) != len(after):
        return False
    pairs = [_same_value(*pair, uids) for pair in zip(before, after, strict=True)]
    return all(pairs)


def _same_value(before: Any, after: Any, uids: UidPairs) -> bool:
    """Whether two single values say the same, to the last digit as it is written."""
    if isinstance(before, bytes) or isinstance(after, bytes):
        return bool(before == after)
    first, second = str(before), str(after)
    if _UID.fullmatch(first) and _UID.fullmatch(second):
        return uids.agree(first, second)
    return _without_version(first) == _without_version(second)


def _without_version(text: str) -> str:
    return _VERSION.sub("Firstread", text)


def _shown(value: Any) -> str:
    text = repr(value if isinstance(value, bytes | int | float) else str(value))
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _compare_items(
    before: Iterable[Dataset], after: Iterable[Dataset], uids: UidPairs, place: str
) -> Iterator[str]:
    """Compare items that have the same name; nameless ones are numbered."""
    first, second = _named(before), _named(after)
    for name in {**first, **second}:
        if name not in second:
            yield f"{place}[{name}]: only before"
        elif name not in first:
            yield f"{place}[{name}]: only after"
        else:
            yield from compare_data_sets(first[name], second[name], uids, f"{place}[{name}]/")
    if first.keys() == second.keys() and list(first) != list(second):
        yield f"{place}: the items stand in another order"


def _named(items: Iterable[Dataset]) -> dict[str, Dataset]:
    counted: Counter[str] = Counter()
    named = {}
    for item in items:
        name = _item_name(item)
        counted[name] += 1
        named[f"{name} {counted[name]}".strip()] = item
    return named


def _item_name(item: Dataset) -> str:
    """Name a content item by its concept, a segment by its number; others have no name."""
    if "ValueType" in item:
        concept = (item.get("ConceptNameCodeSequence") or [Dataset()])[0]
        code = f"{concept.get('CodingSchemeDesignator', '')} {concept.get('CodeValue', '')}"
        relation = f"{item.get('RelationshipType', '')} {item.ValueType}"
        return f"{concept.get('CodeMeaning', 'nameless')} ({code}, {relation})"
    if "SegmentNumber" in item:
        return f"segment {item.SegmentNumber},"
    return ""


def _labels(segmentation: Dataset) -> dict[int, str]:
    return {int(one.SegmentNumber): str(one.SegmentLabel) for one in segmentation.SegmentSequence}


def _masks(segmentation: Dataset) -> Masks:
    """What each segment covers on each slice, whether it has frames of its own or a label map."""
    frames = segmentation.pixel_array
    groups = segmentation.PerFrameFunctionalGroupsSequence
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    masks: Masks = {}
    for frame, group in zip(frames.reshape(-1, *frames.shape[-2:]), groups, strict=True):
        place = _slice_place(group, shared)
        if segmentation.SegmentationType == "LABELMAP":
            parts = {int(number): frame == number for number in np.unique(frame) if number}
        else:
            parts = {_segment_number(group, shared): frame}
        for number, part in parts.items():
            if part.any():
                known = masks.get((number, place))
                masks[number, place] = part if known is None else np.maximum(known, part)
    return masks


def _slice_place(group: Dataset, shared: Dataset) -> str:
    planes = group.get("PlanePositionSequence") or shared.PlanePositionSequence
    return "\\".join(map(str, planes[0].ImagePositionPatient))


def _segment_number(group: Dataset, shared: Dataset) -> int:
    named = group.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence
    return int(named[0].ReferencedSegmentNumber)


def _compare_masks(before: Masks, after: Masks, labels: Mapping[int, str]) -> Iterator[str]:
    """Say how many voxels of a segment differ on a slice, and where the first one is."""
    for key in sorted({*before, *after}):
        known = before.get(key, after.get(key))
        nothing = np.zeros_like(known)
        for difference in compare_pixels(before.get(key, nothing), after.get(key, nothing)):
            number, place = key
            label = labels.get(number, "not there before")
            yield f"segment {number} ({label}), slice at {place}: {difference}"


def compare_pixels(before: Pixels, after: Pixels) -> Iterator[str]:
    """Say how many pixels differ, and where the first one is."""
    if before.shape != after.shape:
        yield f"pixels: shape {before.shape} → {after.shape}"
        return
    places = np.argwhere(before != after)
    if len(places):
        first = tuple(map(int, places[0]))
        values = f"{before[first]} → {after[first]}"
        yield f"pixels: {len(places)} values differ, the first at {first}: {values}"


def _document(instance: Dataset) -> bytes:
    length = instance.get("EncapsulatedDocumentLength", len(instance.EncapsulatedDocument))
    return bytes(instance.EncapsulatedDocument[:length])


def compare_documents(before: bytes, after: bytes) -> Iterator[str]:
    """Say in which stream two PDFs differ and from which line on; stream 0 is what is around."""
    first, second = _streams(before), _streams(after)
    if len(first) != len(second):
        yield f"PDF: {len(first) - 1} streams → {len(second) - 1}"
    for number, (one, other) in enumerate(zip(first, second, strict=False)):
        for difference in _compare_texts(one, other):
            yield f"PDF: stream {number}: {difference}"


def _streams(pdf: bytes) -> list[str]:
    around = _ASIDE_IN_PDF.sub(b"", _STREAM.sub(b"stream", pdf))
    return [one.decode("latin-1") for one in (around, *map(_inflated, _STREAM.findall(pdf)))]


def _inflated(stream: bytes) -> bytes:
    """What a stream holds, if it is deflated, in ASCII or not; otherwise as it is."""
    try:
        packed = base64.a85decode(stream, adobe=True) if stream.endswith(b"~>") else stream
        return zlib.decompress(packed)
    except (ValueError, zlib.error):
        return stream


def _compare_texts(before: str, after: str) -> Iterator[str]:
    """Say where the first line that differs stands."""
    first, second = (_without_version(text).split("\n") for text in (before, after))
    if len(first) != len(second):
        yield f"{len(first)} lines → {len(second)}"
    for number, (one, other) in enumerate(zip(first, second, strict=False), start=1):
        if one != other:
            yield f"line {number}: {_shown(one)} → {_shown(other)}"
            return


def compare_json(before: Any, after: Any, uids: UidPairs, place: str = "") -> Iterator[str]:
    """Say where two JSON values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            if key not in before or key not in after:
                yield f"{place}/{key}: only {'after' if key not in before else 'before'}"
            elif key not in _ASIDE_IN_JSON:
                pair = (_settled(key, before[key]), _settled(key, after[key]))
                yield from compare_json(*pair, uids, f"{place}/{key}")
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{place}: {len(before)} entries → {len(after)}"
        for number, pair in enumerate(zip(before, after, strict=False)):
            yield from compare_json(*pair, uids, f"{place}/{number}")
    elif type(before) is not type(after) or not _same_value(before, after, uids):
        yield f"{place}: {_shown(before)} → {_shown(after)}"


def _settled(key: str, value: Any) -> Any:
    """A path without its folders; anything else as it is."""
    is_path = key in _PATHS_IN_JSON and isinstance(value, str)
    return Path(value).name if is_path else value


def compare_files(before: Path, after: Path, uids: UidPairs) -> Iterator[str]:
    """Say where two files differ, by what they are; one that cannot be read differs."""
    try:
        match before.suffix:
            case ".dcm":
                yield from compare_instances(dcmread(before), dcmread(after), uids)
            case ".json":
                yield from compare_json(_json(before), _json(after), uids)
            case ".png":
                yield from compare_pixels(_picture(before), _picture(after))
            case _:
                yield from _compare_texts(before.read_text(), after.read_text())
    except _UNREADABLE as error:
        yield f"cannot be compared: {type(error).__name__}: {error}"


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _picture(path: Path) -> Pixels:
    with Image.open(path) as picture:
        return np.asarray(picture)


def _uids_of(folder: Path, names: Iterable[str]) -> set[str]:
    """Every UID in the instances and JSON answers of a folder."""
    texts = {text for name in names for text in _texts_of(folder / name)}
    return {text for text in texts if _UID.fullmatch(text)}


def _texts_of(path: Path) -> list[str]:
    """Every text in a file; none where it cannot be read, which is said when it is compared."""
    try:
        match path.suffix:
            case ".dcm":
                elements = dcmread(path, stop_before_pixels=True).iterall()
                values = (one for element in elements for one in _values(element))
                return [str(one) for one in values if isinstance(one, str)]
            case ".json":
                return list(_strings(_json(path)))
    except _UNREADABLE:
        pass
    return []


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def compare_folders(
    before: Path, after: Path, *, most: int, expected: re.Pattern[str] | None = None
) -> bool:
    """Print a line for each file, and whether all are equal.

    Parameters
    ----------
    most : so many differences of a file are shown
    expected : differences that it finds a match in were meant
    """
    first, second = _files(before), _files(after)
    uids = UidPairs(_uids_of(before, first), _uids_of(after, second))
    names, different = sorted({*first, *second}), 0
    for name in names:
        found = _differences(before / name, after / name, uids)
        found = [one for one in found if expected is None or not expected.search(one)]
        different += bool(found)
        print(f"{'DIFFERENT' if found else 'equal    '} {name}")
        for one in found[:most]:
            print(f"    {one}")
        if len(found) > most:
            print(f"    and {len(found) - most} more")
    print(f"{len(names)} files, {different} different; {uids.changed} UIDs have another value")
    return not different


def _differences(before: Path, after: Path, uids: UidPairs) -> list[str]:
    if not before.is_file():
        return ["only after"]
    if not after.is_file():
        return ["only before"]
    return list(compare_files(before, after, uids))


def main() -> int:
    """Compare two folders; 1 when they differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.same_answers", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("before", type=Path, help="folder of answers")
    parser.add_argument("after", type=Path, help="folder of answers to the same studies")
    parser.add_argument("--most", type=int, default=20, help="differences shown of a file (20)")
    parser.add_argument(
        "--expected", type=re.compile, help="pattern of differences that are meant, and not counted"
    )
    given = parser.parse_args()
    for folder in (given.before, given.after):
        if not _files(folder):
            parser.error(f"there are no files in {folder}")
    same = compare_folders(given.before, given.after, most=given.most, expected=given.expected)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
