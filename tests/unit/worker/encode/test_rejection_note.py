"""The note that rejects results: on the clock of the study whose date and time it repeats."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from radiology import codes
from worker.encode.rejection_note import encode_rejection_note

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def rejected(offset: str | None) -> Dataset:
    """A result of a study that was acquired at nine in the evening, by the clock on the wall."""
    made = Dataset()
    made.SOPClassUID = SecondaryCaptureImageStorage
    made.SOPInstanceUID, made.StudyInstanceUID, made.SeriesInstanceUID = (
        "2.25.3",
        "2.25.1",
        "2.25.2",
    )
    made.Rows = made.Columns = 8
    made.PatientID = "P001"
    made.StudyDate, made.StudyTime = "20260101", "210000"
    if offset is not None:
        made.TimezoneOffsetFromUTC = offset
    return made


@pytest.mark.parametrize(
    ("offset", "content_date", "content_time"),
    [
        ("+0900", "20260101", "210000"),
        ("-0500", "20260101", "070000"),
        ("+1300", "20260102", "010000"),
        (None, "20260101", "120000"),
    ],
)
def test_it_is_on_the_clock_of_the_study(
    offset: str | None, content_date: str, content_time: str
) -> None:
    """(0008,0201) is of all dates and times in an object, the study's own among them."""
    note = encode_rejection_note(
        [rejected(offset)], codes.REJECTED_FOR_QUALITY, rejected_at=NOON, result_version=1
    ).dataset
    assert note.get("TimezoneOffsetFromUTC") == offset
    assert (note.StudyDate, note.StudyTime) == ("20260101", "210000")
    for begins in ("Content", "InstanceCreation", "Series"):
        told = str(note[f"{begins}Date"].value), str(note[f"{begins}Time"].value)
        assert told == (content_date, content_time)
