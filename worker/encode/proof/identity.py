"""Proves patient and study of an object: equal to those of the source (PS3.3 C.7.1 and C.7.2)."""

from __future__ import annotations

from pydicom import DataElement, Dataset
from pydicom.tag import BaseTag

from radiology.errors import ResultMismatch
from worker.encode.derived_object import ResultContext
from worker.encode.source_study import patient_and_study


def check_identity(read: Dataset, context: ResultContext) -> None:
    """Compare every attribute of the Patient and Study modules.

    Raises
    ------
    ResultMismatch
        One differs, or stands in the object and not in the source. Its value is not named.
    """
    by_uid = {str(header.SOPInstanceUID): header for header in context.headers}
    source = by_uid[context.volume.frames[0].sop_instance_uid]
    expected, found = _filled(patient_and_study(source)), _filled(patient_and_study(read))
    for tag in sorted(expected.keys() | found.keys()):
        if tag not in expected or tag not in found or not _same(expected[tag], found[tag]):
            keyword = (expected.get(tag) or found[tag]).keyword
            raise ResultMismatch("Patient or study differ from the source", attribute=keyword)
    if str(read.SeriesInstanceUID) in {str(one.SeriesInstanceUID) for one in context.headers}:
        raise ResultMismatch("The result is in the series of its source")
    if read.file_meta.MediaStorageSOPInstanceUID != read.SOPInstanceUID:
        raise ResultMismatch("The file is named after another instance")


def _filled(elements: tuple[DataElement, ...]) -> dict[BaseTag, DataElement]:
    """By tag, without those that hold nothing: what is of type 2 may be there and empty."""
    return {one.tag: one for one in elements if not one.is_empty}


def _same(expected: DataElement, found: DataElement) -> bool:
    if expected.VR != "SQ":
        return _text(expected) == _text(found)
    return len(expected.value) == len(found.value) and all(
        _same_items(item, other) for item, other in zip(expected.value, found.value, strict=True)
    )


def _same_items(expected: Dataset, found: Dataset) -> bool:
    here, there = _filled(tuple(expected)), _filled(tuple(found))
    return here.keys() == there.keys() and all(_same(here[tag], there[tag]) for tag in here)


def _text(element: DataElement) -> str:
    """A value as text; padding is not part of it (PS3.5 Section 6.2)."""
    return str(element.value).strip(" \0")
