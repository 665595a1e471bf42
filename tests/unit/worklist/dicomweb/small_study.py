"""A small study that is held, and the objects that a worker has made of it: enough to ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from database.retention.removals import (
    GoneOriginals,
    note_files_removed,
    note_originals_removed,
)
from database.session import Engine, transaction
from database.views.worklist.opened import study_id_of
from settings.environment import Settings
from tests.builders.stored.held_study import hold_instances, hold_results
from tests.unit.dicom_node.small_ct import SERIES, STUDY, small_ct
from tests.unit.worklist.seeding import SeededHospital

ROOT = "/dicom-web"
RESULT_SERIES = "2.25.7.7"
OTHER_STUDY = "2.25.2"
MULTIPART = 'multipart/related; type="application/dicom"'
FRAMES = 'multipart/related; type="application/octet-stream"'


def slices(count: int = 3, **changes: Any) -> list[Dataset]:
    """CT images of one series, with what a search asks for."""
    return [
        small_ct(
            number,
            **{
                "StudyDate": "20260102",
                "StudyTime": "101530",
                "StudyDescription": "Thorax",
                "StudyID": "S1",
                "SeriesNumber": 4,
                "SeriesDescription": "B70f",
                "RescaleSlope": "1",
                "RescaleIntercept": "-1024",
                **changes,
            },
        )
        for number in range(1, count + 1)
    ]


def capture(study: str = STUDY, number: int = 1) -> Dataset:
    """A colour picture in a series of its own, as a result."""
    data_set = small_ct(1, StudyInstanceUID=study, SeriesInstanceUID=RESULT_SERIES)
    data_set.SOPClassUID = SecondaryCaptureImageStorage
    data_set.SOPInstanceUID = f"{RESULT_SERIES}.{number}"
    data_set.Modality = "OT"
    data_set.SamplesPerPixel, data_set.PlanarConfiguration = 3, 0
    data_set.PhotometricInterpretation = "RGB"
    data_set.BitsAllocated = data_set.BitsStored = 8
    data_set.HighBit = 7
    data_set.PixelData = bytes(range(256)) * 3
    data_set["PixelData"].VR = "OB"
    return data_set


@dataclass(frozen=True)
class SmallStudy:
    """What is held, and where its files lie."""

    originals: list[Dataset]
    files: list[Path]
    result: Dataset
    result_id: int

    @property
    def address(self) -> str:
        return f"{ROOT}/studies/{STUDY}"

    @property
    def series(self) -> str:
        return f"{self.address}/series/{SERIES}"

    def instance(self, number: int = 1) -> str:
        return f"{self.series}/instances/{SERIES}.{number}"


def hold_small_study(settings: Settings, engine: Engine) -> SmallStudy:
    """Three CT images and a key picture."""
    originals = slices()
    files = hold_instances(settings, engine, originals)
    result = capture()
    return SmallStudy(originals, files, result, hold_results(settings, engine, STUDY, [result]))


def remove_originals(hospital: SeededHospital, study: SmallStudy) -> None:
    """As the retention does: rows first, then files."""
    with transaction(hospital.engine) as session:
        study_id = study_id_of(session, STUDY)
        assert study_id is not None
        gone = GoneOriginals(study_id, "age", 1)
        note_originals_removed(session, [gone], hospital.now)
    for path in study.files:
        path.unlink()


def remove_results(hospital: SeededHospital, study: SmallStudy) -> None:
    """The same of the key picture."""
    with transaction(hospital.engine) as session:
        study_id = study_id_of(session, STUDY)
        assert study_id is not None
        note_files_removed(session, study.result_id, study_id, hospital.now)
    for path in hospital.results_folder.rglob("*.dcm"):
        path.unlink()


def parts_of(answer: httpx.Response) -> list[tuple[str, bytes]]:
    """Content-Type and body of each part of a multipart answer, by the letter of RFC 2046."""
    found = re.fullmatch(
        r'multipart/related; type="[^"]+"; boundary=(\w+)', answer.headers["content-type"]
    )
    assert found, answer.headers["content-type"]
    delimiter = b"--" + found[1].encode()
    body = answer.content
    assert body.startswith(delimiter + b"\r\n")
    assert body.endswith(b"\r\n" + delimiter + b"--\r\n")
    pieces = (b"\r\n" + body).split(b"\r\n" + delimiter)[1:-1]
    parts = []
    for piece in pieces:
        head, _, content = piece.partition(b"\r\n\r\n")
        kinds = re.findall(rb"(?i)^content-type: (.*?)\r?$", head, re.MULTILINE)
        parts.append((kinds[0].decode(), content))
    return parts


def stored_pixels(number: int) -> bytes:
    """The pixels of an image as `small_ct` makes them."""
    return (np.arange(256, dtype="<u2") + number).tobytes()
