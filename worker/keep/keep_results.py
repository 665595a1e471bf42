"""Our own objects and pictures on disk: durable before the row that names them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL.Image import Image
from PIL.PngImagePlugin import PngInfo
from pydicom import dcmwrite

from radiology.image.heat_map import HeatMap
from radiology.image.key_picture import KEYWORD
from worker.encode import EncodedKind, EncodedObject
from worker.keep.durable_files import Write


@dataclass(frozen=True, slots=True)
class KeptObject:
    """A result object on disk; `path` lies within the results folder."""

    kind: EncodedKind
    recipe: str
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    path: str
    size_bytes: int


def bytes_of(encoded: EncodedObject) -> memoryview:
    """One object as the bytes of a DICOM file (PS3.10); the same each time."""
    written = io.BytesIO()
    dcmwrite(written, encoded.dataset, enforce_file_format=True)
    return written.getbuffer()


def keep_object(
    folder: Path, encoded: EncodedObject, content: memoryview, *, write: Write
) -> KeptObject:
    """Write one object as a DICOM file; writing it again gives the same file.

    Parameters
    ----------
    content : `bytes_of` the object
    write : how files are written

    Raises
    ------
    SpoolFull
        There is no room left.
    """
    dataset = encoded.dataset
    path = Path(str(dataset.StudyInstanceUID)) / f"{dataset.SOPInstanceUID}.dcm"
    write(folder / path, content)
    return KeptObject(
        kind=encoded.kind,
        recipe=encoded.recipe,
        sop_class_uid=str(dataset.SOPClassUID),
        sop_instance_uid=str(dataset.SOPInstanceUID),
        series_instance_uid=str(dataset.SeriesInstanceUID),
        path=str(path),
        size_bytes=len(content),
    )


def keep_picture(folder: Path, name: str, picture: Image, *, write: Write) -> str:
    """Write the picture that the worklist page shows; returns its path within the folder."""
    png, texts = io.BytesIO(), PngInfo()
    if KEYWORD in picture.info:
        texts.add_text(KEYWORD, picture.info[KEYWORD])
    # Level 4 takes a third of the time of the default, 6.
    picture.save(png, format="PNG", compress_level=4, pnginfo=texts)
    path = f"{name}.png"
    write(folder / path, png.getbuffer())
    return path


def keep_heat_maps(
    folder: Path, name: str, heat_maps: Mapping[int, HeatMap], *, write: Write
) -> str:
    """Write where the classifier looked; returns the file's path within the folder.

    An npz file with three arrays of equal length: `slices` (index into the slices of the volume
    that was read), `boxes` (top, left, height, width in pixels of the slice) and `levels` (uint8).
    """
    indices = sorted(heat_maps)
    maps = [heat_maps[index] for index in indices]
    written = io.BytesIO()
    np.savez_compressed(
        written,
        slices=np.array(indices, dtype=np.int32),
        boxes=np.array([[m.top, m.left, m.height, m.width] for m in maps], dtype=np.float32),
        levels=np.stack([m.levels for m in maps]),
    )
    path = f"{name}.heat.npz"
    write(folder / path, written.getbuffer())
    return path


def read_heat_maps(path: Path) -> dict[int, HeatMap]:
    """Read back what `keep_heat_maps` wrote."""
    with np.load(path) as kept:
        return {
            int(index): HeatMap(levels, *(float(one) for one in box))
            for index, box, levels in zip(
                kept["slices"], kept["boxes"], kept["levels"], strict=True
            )
        }
