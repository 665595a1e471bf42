"""Our own objects and pictures on disk: durable before the row that names them."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

from PIL.Image import Image
from pydicom import dcmwrite

from radiology.errors import SpoolFull
from worker.encode import EncodedObject, ObjectKind


@dataclass(frozen=True, slots=True)
class KeptObject:
    """A result object on disk; `path` lies within the results folder."""

    kind: ObjectKind
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    path: str
    size_bytes: int


def keep_object(folder: Path, encoded: EncodedObject) -> KeptObject:
    """Write one object as a DICOM file; writing it again gives the same file.

    Raises
    ------
    SpoolFull
        There is no room left.
    """
    dataset = encoded.dataset
    encoded_bytes = io.BytesIO()
    dcmwrite(encoded_bytes, dataset, enforce_file_format=True)
    path = Path(str(dataset.StudyInstanceUID)) / f"{dataset.SOPInstanceUID}.dcm"
    content = encoded_bytes.getbuffer()
    _write_durably(folder / path, content)
    return KeptObject(
        kind=encoded.kind,
        sop_class_uid=str(dataset.SOPClassUID),
        sop_instance_uid=str(dataset.SOPInstanceUID),
        series_instance_uid=str(dataset.SeriesInstanceUID),
        path=str(path),
        size_bytes=len(content),
    )


def keep_picture(folder: Path, name: str, picture: Image) -> str:
    """Write the picture that the worklist page shows; returns its path within the folder."""
    png = io.BytesIO()
    picture.save(png, format="PNG", compress_level=4)  # 4: a third of the time of the default 6
    path = f"{name}.png"
    _write_durably(folder / path, png.getbuffer())
    return path


def _write_durably(path: Path, content: memoryview) -> None:
    """Write beside, make durable, then rename: a power cut leaves the old state or the new one."""
    temporary = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise SpoolFull("Results cannot be written", os_error=error.errno) from error
