"""The heading of a study, from files whose texts are bytes of the standard's own examples."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from database.listed.headings import Heading
from worker.heading.read_heading import read_heading

_DESCRIPTION = {"StudyDescription": "CT Thorax", "BodyPartExamined": "CHEST"}
_MOMENT = {"StudyDate": "20261121", "StudyTime": "081459.25"}


def _file(
    folder: Path, number: int = 1, *, name: bytes = b"", charset: str = "", **elements: str
) -> Path:
    """A file without pixels, its elements as the very bytes."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = f"2.25.{number}"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    texts = {"SpecificCharacterSet": charset.encode(), "PatientName": name}
    texts |= {keyword: value.encode() for keyword, value in elements.items()}
    for keyword, text in texts.items():
        even, tag = text + b" " * (len(text) % 2), Tag(tag_for_keyword(keyword))
        vr = dictionary_VR(tag)
        dataset[tag] = RawDataElement(tag, vr, len(even), even, 0, False, True)
    path = folder / f"{number}.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


def _read(*paths: Path, patient_id: str = "", zone: str = "Asia/Shanghai") -> Heading:
    heading = read_heading(paths, patient_id=patient_id, zone=ZoneInfo(zone))
    assert heading is not None
    return heading


@pytest.mark.parametrize(
    ("charset", "name", "expected"),
    [
        ("", b"Doe^Jane", "Doe^Jane"),
        ("ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
        (
            "\\ISO 2022 IR 87",  # PS3.5 H.3.1
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            "\\ISO 2022 IR 149",  # PS3.5 I.2
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        ("GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东"),  # J.3
        ("ISO_IR 192", "王^小东".encode(), "王^小东"),
    ],
)
def test_a_name_in_each_character_set(
    tmp_path: Path, charset: str, name: bytes, expected: str
) -> None:
    """All groups are kept, as the characters that the bytes mean."""
    assert _read(_file(tmp_path, name=name, charset=charset)).patient_name == expected


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        (_MOMENT, "2026-11-21T08:14:59"),
        ({**_MOMENT, "TimezoneOffsetFromUTC": "+0100"}, "2026-11-21T15:14:59"),
        (
            {**_MOMENT, "AcquisitionDate": "20261122", "AcquisitionTime": "0030"},
            "2026-11-22T00:30:00",
        ),
        ({"AcquisitionDateTime": "20261121235959.5-0500"}, "2026-11-22T12:59:59"),
        ({"StudyDate": "20261121"}, "2026-11-21"),
        ({"StudyDate": "20261121", "StudyTime": "25"}, "2026-11-21"),
        (
            {"StudyDate": "99991231", "StudyTime": "235959", "TimezoneOffsetFromUTC": "-1200"},
            "9999-12-31T23:59:59",
        ),
        ({}, ""),
    ],
)
def test_when_it_was_scanned(tmp_path: Path, elements: dict[str, str], expected: str) -> None:
    """By the scanner's own clock; by the site's where the headers say how far off that is."""
    assert _read(_file(tmp_path, **elements)).scanned_at == expected


def test_descriptions_are_those_of_the_series_that_is_read(tmp_path: Path) -> None:
    """It comes first; what it leaves out of the study, another series may say."""
    read = _file(tmp_path, 1, SeriesDescription="Lung 1.0 B70f", **_MOMENT)
    localizer = _file(tmp_path, 2, SeriesDescription="Topogram", **_DESCRIPTION)
    heading = _read(tmp_path / "gone.dcm", read, localizer)
    assert heading == Heading(
        scanned_at="2026-11-21T08:14:59",
        study_description="CT Thorax",
        series_description="Lung 1.0 B70f",
        body_part="CHEST",
    )
    bare = _file(tmp_path, 3)
    assert _read(bare, localizer).series_description == ""


def test_a_file_of_somebody_else_says_no_name(tmp_path: Path) -> None:
    """The name that is shown is that of the patient whom the row names."""
    path = _file(tmp_path, name=b"Doe^Jane", PatientID="4711")
    assert _read(path, patient_id="4711").patient_name == "Doe^Jane"
    assert _read(path, patient_id="4712").patient_name == ""


@pytest.mark.filterwarnings("ignore:The value length")
def test_what_cannot_be_read_stays_empty(tmp_path: Path) -> None:
    """No file, no DICOM, and texts under a VR of numbers: nothing is said, nothing fails."""
    (tmp_path / "damaged.dcm").write_bytes(b"no DICOM at all" * 20)
    paths = [tmp_path / "gone.dcm", tmp_path / "damaged.dcm"]
    assert read_heading(paths, patient_id="", zone=None) is None
    long = _file(tmp_path, StudyDescription="x" * 64 + "\x07y")
    assert _read(long).study_description == "x" * 64
