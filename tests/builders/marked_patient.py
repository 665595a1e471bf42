"""A patient whose every identifier can be recognised, and a search for them that is not ours.

The search reads bytes: of every file below a folder, and of every value that a database gives out.
It knows no table and no format of ours, so it finds what the product does not think of.
"""

from __future__ import annotations

import io
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

NAME = "Zzmarked^Forgetme"
BIRTH_DATE = "19170229"  # a day that never was: nothing else names it
PATIENT_ID = "ZZMARK-4711"
ACCESSION = "ZZACC-0815"
MARKS = (NAME, BIRTH_DATE, PATIENT_ID, ACCESSION)


def marked_image(study_uid: str, number: int, *, deflated: bool = False) -> bytes:
    """A small CT image of that patient, as a DICOM file; its data set deflated where asked."""
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"{study_uid}.1.{number}"
    dataset.StudyInstanceUID = study_uid
    dataset.SeriesInstanceUID = f"{study_uid}.1"
    dataset.PatientName, dataset.PatientID = NAME, PATIENT_ID
    dataset.PatientBirthDate, dataset.AccessionNumber = BIRTH_DATE, ACCESSION
    dataset.Modality = "CT"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = (
        DeflatedExplicitVRLittleEndian if deflated else ExplicitVRLittleEndian
    )
    content = io.BytesIO()
    dataset.save_as(content, enforce_file_format=True)
    return content.getvalue()


def marks_in_folder(folder: Path, marks: tuple[str, ...] = MARKS) -> dict[str, set[str]]:
    """Which mark stands in which file below a folder: in its path, its bytes, or unpacked."""
    found: dict[str, set[str]] = {mark: set() for mark in marks}
    for path in (one for one in folder.rglob("*") if one.is_file()):
        relative = str(path.relative_to(folder))
        texts = [relative.encode(), *_readings(path.read_bytes())]
        for mark in marks:
            if any(mark.encode() in text for text in texts):
                found[mark].add(relative)
    return found


def marks_in_dump(url: str, marks: tuple[str, ...] = MARKS) -> set[str]:
    """The marks that a dump of a PostgreSQL database holds."""
    plain = url.replace("+psycopg", "")
    dump = subprocess.run(["pg_dump", plain], capture_output=True, check=True).stdout
    assert b"CREATE TABLE" in dump
    return {mark for mark in marks if mark.encode() in dump}


def _readings(content: bytes) -> Iterator[bytes]:
    """A file as it is; and, of an archive or a deflated data set, what is packed in it."""
    yield content
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    if content[128:132] == b"DICM" and b"1.2.840.10008.1.2.1.99" in content[:1000]:
        for start in range(132, min(len(content), 1000)):
            try:
                yield zlib.decompress(content[start:], -15)
            except zlib.error:
                continue
