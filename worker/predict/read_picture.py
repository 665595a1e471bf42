"""Reads a picture file of unknown content to 8-bit grey levels, or refuses it with a reason."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from radiology.errors import PictureRefused

Grey = NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP")
"""What Pillow may try. It knows others that start programs (EPS) or fetch files."""

MOST_PIXELS = 4096 * 4096
"""CT slices have 512 × 512, the finest 2048 × 2048; beyond is a poster, or a file made to hurt."""

_EIGHT_BIT = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})
_PICTURE_ERRORS = (
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow raises for damaged files, depending on where the damage is."""


@contextmanager
def opened_picture(path: Path) -> Iterator[Image.Image]:
    """A picture whose size and number of frames have been looked at; pixels are read on demand.

    Raises
    ------
    PictureRefused
        It is not there, is no picture, is damaged or too large, or has several frames.
    """
    try:
        # Pillow warns of oddities in files, which is of no use to whoever asked for an answer.
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            _check(image, path)
            yield image
    except FileNotFoundError as error:
        raise PictureRefused(f"There is no file {path}") from error
    except PermissionError as error:
        raise PictureRefused(f"{path} may not be read") from error
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except _PICTURE_ERRORS as error:
        raise PictureRefused(f"{path} cannot be read as a picture; is it damaged?") from error


def read_grey(path: Path) -> Grey:
    """Read a picture as 8-bit grey levels, upright where the file says which way that is.

    Raises
    ------
    PictureRefused
        It cannot be read, or has more than 8 bits, whose window nobody stated.
    """
    with opened_picture(path) as image:
        if image.mode not in _EIGHT_BIT:
            raise PictureRefused(
                f"{path} is not an 8-bit picture (it is {image.mode}); export it with 8 "
                "bits in the window that it is read in, or give the DICOM instance"
            )
        return np.array(ImageOps.exif_transpose(image).convert("L"), dtype=np.uint8)


def _check(image: Image.Image, path: Path) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise _too_large(path)
    frames = getattr(image, "n_frames", 1)
    if frames != 1:
        raise PictureRefused(f"{path} has {frames} frames; give one slice in a file")


def _too_large(path: Path) -> PictureRefused:
    return PictureRefused(f"{path} has more than {MOST_PIXELS} pixels, so it is no CT slice")
