"""Reads from the headers of a study what the list says of it.

PS3.3 C.7.1.1 (Patient's Name), C.7.2.1 (Study Date, Study Description), C.7.3.1 (Series
Description, Body Part Examined), and the moment of the acquisition (`worker.series.acquired_at`).
Texts are kept as the scanner sent them, decoded by the character set that the file names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, tzinfo
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset

from database.listed.headings import Heading
from database.studies.patient import as_kept
from dicom_node.library_faults import PYDICOM_FAULTS, is_from_the_disk
from worker.patient.stated_element import stated_text
from worker.series.acquired_at import KEYWORDS as ACQUIRED_AT_KEYWORDS
from worker.series.acquired_at import acquired_at

_KEYWORDS = (
    "SpecificCharacterSet",
    "PatientName",
    "PatientID",
    "StudyDescription",
    "SeriesDescription",
    "BodyPartExamined",
    *ACQUIRED_AT_KEYWORDS,
)
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_MOST_NAME_LETTERS = 200  # PS3.5 Table 6.2-1: three groups of 64


def read_heading(paths: Iterable[Path], *, patient_id: str, zone: tzinfo | None) -> Heading | None:
    """The heading of a study; what no header says, or none says legibly, stays empty.

    Parameters
    ----------
    paths : an image of each series, that of the series that is read first; what it leaves out, the
        others may say
    patient_id : of the study's row; a file that names somebody else says no name
    zone : of the site's clock; None: the machine's

    Returns
    -------
    None where no file is there, or none can be read.

    Raises
    ------
    OSError
        The disk does not answer. A file that is gone is no such thing.
    """
    found: list[Heading] = []
    for path in paths:
        one = _read(path, patient_id, zone)
        if one is None:
            continue
        found.append(one)
        heading = _together(found)
        if heading.scanned_at and heading.study_description and heading.body_part:
            break
    return _together(found) if found else None


def _together(found: Sequence[Heading]) -> Heading:
    """What the first one states that states it; the series is that of the first one of all."""

    def first(said: Callable[[Heading], str]) -> str:
        return next((text for one in found if (text := said(one))), "")

    return Heading(
        patient_name=first(lambda one: one.patient_name),
        scanned_at=first(lambda one: one.scanned_at),
        study_description=first(lambda one: one.study_description),
        series_description=found[0].series_description,
        body_part=first(lambda one: one.body_part),
    )


def _read(path: Path, patient_id: str, zone: tzinfo | None) -> Heading | None:
    try:
        dataset = dcmread(path, stop_before_pixels=True, specific_tags=list(_KEYWORDS))
    except FileNotFoundError:
        return None
    except PYDICOM_FAULTS as error:
        if is_from_the_disk(error):
            raise
        return None
    same = as_kept(_text(dataset, "PatientID")) == patient_id
    return Heading(
        patient_name=as_kept(_text(dataset, "PatientName"), _MOST_NAME_LETTERS) if same else "",
        scanned_at=_scanned_at(dataset, zone),
        study_description=as_kept(_text(dataset, "StudyDescription")),
        series_description=as_kept(_text(dataset, "SeriesDescription")),
        body_part=as_kept(_text(dataset, "BodyPartExamined")),
    )


def _scanned_at(dataset: Dataset, zone: tzinfo | None) -> str:
    """By the clock on the scanner's wall, unless it says how far that is from UTC."""
    moment = acquired_at(dataset)
    if moment is not None:
        at_site = moment if moment.tzinfo is None else _by_the_clock_of(moment, zone)
        return at_site.replace(tzinfo=None).isoformat(timespec="seconds")
    day = _DAY.fullmatch(_text(dataset, "StudyDate"))
    return "-".join(day.groups()) if day else ""


def _by_the_clock_of(moment: datetime, zone: tzinfo | None) -> datetime:
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError):  # at the end of time: no clock of the site reaches it
        return moment


def _text(dataset: Dataset, keyword: str) -> str:
    try:
        return stated_text(dataset, keyword)
    except PYDICOM_FAULTS:
        return ""
