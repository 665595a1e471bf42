"""A folder with one study: its instances in an order to send them in, or a small phantom."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from phantom import (
    ORIENTATIONS,
    TYPICAL_LESIONS,
    Phantom,
    make_phantom,
    phantom_grid,
    rotation,
)
from phantom.identity import StudyIdentity
from phantom.study import write_phantom_study


def study_uid(folder: Path) -> str:
    """The Study Instance UID of a folder with one study."""
    first = next(path for path in sorted(folder.iterdir()) if path.is_file())
    return str(dcmread(first, specific_tags=["StudyInstanceUID"]).StudyInstanceUID)


def by_position(folder: Path) -> list[Path]:
    """Axial instances of a folder from foot to head."""
    return sorted(
        (path for path in folder.iterdir() if path.is_file()),
        key=lambda path: float(
            dcmread(path, specific_tags=["ImagePositionPatient"]).ImagePositionPatient[2]
        ),
    )


def shuffled(folder: Path, seed: int) -> list[Path]:
    """The instances of a folder in an order that nobody would choose."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    random.Random(seed).shuffle(files)
    return files


def small_phantom(
    orientation: str, folder: Path, *, multi_frame: bool = False, salt: str = ""
) -> Phantom:
    """A phantom of slices 5 mm apart with pixels of 3 mm, in an orientation, written as DICOM.

    Another `salt` makes another study of it.
    """
    matrix: str | NDArray[np.float64] = orientation
    if orientation == "oblique":
        matrix = rotation(about_x=20.0, about_y=10.0, about_z=15.0) @ ORIENTATIONS["axial_to_head"]
    phantom = make_phantom(
        grid=phantom_grid((78, 130, 130), (5.0, 3.0, 3.0), matrix),
        lesions=TYPICAL_LESIONS,
    )
    # Another encoding of the same study would be a late second half of it.
    identity = StudyIdentity.of(phantom, salt=salt + ("multi-frame" if multi_frame else ""))
    write_phantom_study(phantom, folder, identity=identity, multi_frame=multi_frame)
    return phantom
