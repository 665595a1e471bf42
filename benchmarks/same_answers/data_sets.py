"""Finds where two instances differ: element by element, content items by their concept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.multival import MultiValue

from benchmarks.same_answers.pixels import compare_pixels, compare_segmentations
from benchmarks.same_answers.texts import compare_documents
from benchmarks.same_answers.values import UidPairs, same_value, shown

_ASIDE = frozenset({
    "FileMetaInformationGroupLength", "ImplementationClassUID", "ImplementationVersionName",
    "InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime", "ContentDate",
    "ContentTime", "DateOfSecondaryCapture", "TimeOfSecondaryCapture", "ContributionDateTime",
    "EncapsulatedDocumentLength",
})  # fmt: skip
_READ_AS_A_WHOLE = frozenset({"PixelData", "EncapsulatedDocument"})


def compare_instances(before: Dataset, after: Dataset, uids: UidPairs) -> Iterator[str]:
    """Say where two instances differ: in their elements, pixels or pages."""
    yield from compare_data_sets(before.file_meta, after.file_meta, uids)
    yield from compare_data_sets(before, after, uids)
    if "PixelData" in before and "PixelData" in after:
        if "SegmentSequence" in before and "SegmentSequence" in after:
            yield from compare_segmentations(before, after)
        else:
            yield from compare_pixels(before.pixel_array, after.pixel_array)
    if "EncapsulatedDocument" in before and "EncapsulatedDocument" in after:
        yield from compare_documents(_document(before), _document(after))


def _document(instance: Dataset) -> bytes:
    length = instance.get("EncapsulatedDocumentLength", len(instance.EncapsulatedDocument))
    return bytes(instance.EncapsulatedDocument[:length])


def compare_data_sets(
    before: Dataset, after: Dataset, uids: UidPairs, place: str = ""
) -> Iterator[str]:
    """Say where the elements of two data sets differ, those of nested ones too.

    Pixels and documents at the top are left to `compare_instances`.
    """
    for tag in sorted({*before.keys(), *after.keys()}):
        if tag not in after:
            yield f"{place}{_name(before[tag])}: only before: {shown(before[tag].value)}"
        elif tag not in before:
            yield f"{place}{_name(after[tag])}: only after: {shown(after[tag].value)}"
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
    elif not _same_values(values_of(before), values_of(after), uids):
        yield f"{place}{name}: {shown(before.value)} → {shown(after.value)}"


def _name(element: DataElement) -> str:
    return element.keyword or str(element.tag)


def values_of(element: DataElement) -> list[Any]:
    """The values of an element, one or more."""
    value = element.value
    return list(value) if isinstance(value, MultiValue | list) else [value]


def _same_values(before: Sequence[Any], after: Sequence[Any], uids: UidPairs) -> bool:
    if len(before) != len(after):
        return False
    pairs = [same_value(*pair, uids) for pair in zip(before, after, strict=True)]
    return all(pairs)


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
