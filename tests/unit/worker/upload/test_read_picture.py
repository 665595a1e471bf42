"""Whatever a picture file holds, a slice or a reason comes out, and never a trace."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from radiology.errors import PictureRefused
from worker.predict.read_picture import MOST_PIXELS, read_grey

_RAMP = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64).astype(np.uint8)


def _encoded(kind: str, mode: str = "L") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(_RAMP).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def _png_that_claims(width: int, height: int) -> bytes:
    """A small file with a header that promises many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA"])
def test_grey_in_any_dress_is_the_same_grey(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "slice.png"
    path.write_bytes(_encoded("PNG", mode))
    assert np.array_equal(read_grey(path), _RAMP)


def test_a_colour_jpeg_becomes_grey(tmp_path: Path) -> None:
    path = tmp_path / "slice.jpg"
    Image.fromarray(np.full((40, 40, 3), (200, 100, 50), np.uint8)).save(path, quality=95)
    grey = read_grey(path)
    assert (grey.shape, grey.dtype) == ((40, 40), np.uint8)
    assert abs(int(grey[20, 20]) - 124) < 3  # ITU-R BT.601


def test_a_picture_that_says_which_way_is_up_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "slice.png"
    orientation = Image.Exif()
    orientation[0x0112] = 6  # Exif 2.3: row 0 is the right side
    Image.fromarray(_RAMP).save(path, exif=orientation)
    assert np.array_equal(read_grey(path), np.rot90(_RAMP, -1))


def _several_frames() -> bytes:
    buffer = io.BytesIO()
    frames = [Image.fromarray(_RAMP), Image.fromarray(_RAMP[::-1])]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def _deep() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(_RAMP.astype(np.uint16) * 200).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read as a picture"),
        (b"%PDF-1.4", "cannot be read as a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "cannot be read as a picture"),
        (_encoded("PNG")[:-60], "cannot be read as a picture"),
        (_encoded("JPEG")[:300], "cannot be read as a picture"),
        (_png_that_claims(5000, 5000), f"more than {MOST_PIXELS} pixels"),
        (_png_that_claims(2**31 - 1, 2**31 - 1), "cannot be read|more than"),
        (_png_that_claims(60, 60), "cannot be read as a picture"),
        (_deep(), "not an 8-bit picture"),
        (_several_frames(), "has 2 frames"),
    ],
    ids=[
        "empty", "PDF", "EPS", "cut PNG", "cut JPEG", "large", "enormous", "too little data",
        "16 bits", "two frames",
    ],
)  # fmt: skip
def test_what_is_no_slice_is_refused_with_its_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "slice.png"
    path.write_bytes(content)
    with pytest.raises(PictureRefused, match=reason):
        read_grey(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PictureRefused, match=r"There is no file .*absent\.png"):
        read_grey(tmp_path / "absent.png")
    with pytest.raises(PictureRefused, match="cannot be read as a picture"):
        read_grey(tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP"])
def test_damage_anywhere_gives_a_picture_or_a_refusal(tmp_path: Path, kind: str) -> None:
    """Bytes changed and files cut at random, 150 times each."""
    random, whole, path = np.random.default_rng(1), _encoded(kind), tmp_path / "slice"
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(random.integers(1, 5)):
            damaged[random.integers(min(len(damaged), 400))] = random.integers(256)
        path.write_bytes(bytes(damaged[: random.integers(1, 2 * len(damaged))]))
        try:
            assert read_grey(path).dtype == np.uint8
        except PictureRefused:
            continue
