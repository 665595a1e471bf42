"""The table: our errors to DIMSE status, and a peer's status to our errors."""

from __future__ import annotations

import pytest
from pynetdicom.status import STORAGE_SERVICE_CLASS_STATUS, code_to_category

from dicom_node.status import (
    CommandMismatch,
    InstanceTooLarge,
    error_comment,
    error_of_status,
    is_stored,
    status_of,
)
from dicom_node.work_items.status import error_of_work_item
from radiology.errors import (
    AttributeMissing,
    DatabaseUnavailable,
    DataSetUnreadable,
    InstanceConflict,
    InvalidUid,
    NotStorable,
    PeerBusy,
    PeerRefused,
    PeerUnreachable,
    SpoolFull,
)


@pytest.mark.parametrize(
    ("error", "status", "category"),
    [
        (SpoolFull(), 0xA700, "Failure"),
        (DatabaseUnavailable(), 0xA700, "Failure"),
        (CommandMismatch(), 0xA900, "Failure"),
        (InstanceConflict(), 0x0111, "Failure"),
        (InvalidUid(keyword="SOPInstanceUID"), 0x0117, "Failure"),
        (InvalidUid(keyword="StudyInstanceUID"), 0xC102, "Failure"),
        (AttributeMissing(), 0xC101, "Failure"),
        (InstanceTooLarge(), 0xC103, "Failure"),
        (DataSetUnreadable(), 0xC000, "Failure"),
        (NotStorable(), 0xB006, "Warning"),
        (KeyError("anything else is a defect"), 0x0110, "Failure"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_has_a_status_of_the_storage_service(
    error: Exception, status: int, category: str
) -> None:
    """Every status that we answer is one that the standard has, of the right category."""
    assert status_of(error) == status
    assert status in STORAGE_SERVICE_CLASS_STATUS
    assert code_to_category(status) == category


def test_the_comment_fits_and_says_nothing_of_the_data_set() -> None:
    """(0000,0902) Error Comment has 64 characters; facts, which may be UIDs, are left out."""
    error = AttributeMissing("StudyInstanceUID is missing" * 5, keyword="StudyInstanceUID")
    assert len(error_comment(error)) == 64
    assert "PatientName" not in error_comment(KeyError("PatientName"))


@pytest.mark.parametrize("status", [0x0000, 0xB000, 0xB006, 0xB007, 0xBFFF, 0x0001, 0x0111])
def test_stored(status: int) -> None:
    """Success, every warning, and a duplicate, which with our UIDs is the same object."""
    assert is_stored(status)
    assert error_of_status(status) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (0xA700, PeerBusy),
        (0xA7FF, PeerBusy),
        (0x0213, PeerBusy),
        (0x0110, PeerBusy),
        (0xA900, PeerRefused),
        (0xC000, PeerRefused),
        (0xCFFF, PeerRefused),
        (0x0117, PeerRefused),
        (0x0122, PeerRefused),
        (0x0124, PeerRefused),
        (0xFFFF, PeerRefused),
        (None, PeerUnreachable),
    ],
)
def test_not_stored(status: int | None, kind: type[Exception]) -> None:
    """What may pass is tried again; what never will is not."""
    assert not is_stored(status)
    assert type(error_of_status(status)) is kind


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (0xA777, "not allowed for this AE", PeerRefused),
        (0xA700, "Calling AE is NOT AUTHORIZED", PeerRefused),
        (0x0110, "Access denied", PeerRefused),
        (0x0213, "SOP class not supported here", PeerRefused),
        (0xA700, "unknown calling AET", PeerRefused),
        (0xA777, "disk full", PeerBusy),
        (0xA700, "not enough space is allowed for, try again", PeerBusy),
        (0x0110, "could not open database", PeerBusy),
        (0xA700, "", PeerBusy),
        (0xC000, "cannot parse", PeerRefused),
    ],
)
def test_what_a_peer_says_decides_with_its_status(
    status: int, said: str, kind: type[Exception]
) -> None:
    """What no waiting changes is not asked for forty times; the words are kept in either case."""
    for error in (error_of_status(status, said), error_of_work_item(status, said)):
        assert error is not None
        assert error.said == said
    assert type(error_of_status(status, said)) is kind
