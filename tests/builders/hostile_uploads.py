"""Files that people give the page by mistake or on purpose, and a word of why it refuses each."""

from __future__ import annotations

import io
import pickle
import random
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from tests.builders.dicom.ct_series import Change, Stack, ramp, single_frame

_ZEROS = bytes(1_000_000)


def axial_slice(change: Change = lambda dataset, index: None) -> bytes:
    """One small CT image as the bytes of a file."""
    (dataset,) = single_frame(Stack(ramp((1, 64, 64)), change=change))
    return bytes_of(dataset)


def bytes_of(dataset: Dataset) -> bytes:
    """A data set as the bytes of a file (PS3.10)."""
    written = io.BytesIO()
    dataset.save_as(written, enforce_file_format=True)
    return written.getvalue()


def archive(entries: dict[str, bytes]) -> bytes:
    """A zip archive."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return written.getvalue()


def picture(shape: tuple[int, int] = (64, 64), kind: str = "PNG") -> bytes:
    """A grey picture."""
    written = io.BytesIO()
    Image.fromarray(np.full(shape, 90, dtype=np.uint8)).save(written, kind)
    return written.getvalue()


def _figure() -> bytes:
    """Six grey pictures on white paper."""
    page = np.full((220, 320), 255, dtype=np.uint8)
    for row, column in ((row, column) for row in range(2) for column in range(3)):
        y, x = 10 + 105 * row, 10 + 105 * column
        page[y : y + 95, x : x + 95] = 90
    written = io.BytesIO()
    Image.fromarray(page).save(written, "PNG")
    return written.getvalue()


def _chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def _png(width: int, height: int, *chunks: bytes, depth: int = 8) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(chunks) + _chunk(b"IEND", b"")


def _text_bomb() -> bytes:
    texts = b"".join(
        _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(100 * _ZEROS, 9)) for _ in range(4)
    )
    return _png(64, 64, texts, _chunk(b"IDAT", zlib.compress(65 * 64 * b"\0")))


def _huge_jpeg() -> bytes:
    small = bytearray(picture(kind="JPEG"))
    frame = small.index(b"\xff\xc0")
    small[frame + 5 : frame + 9] = struct.pack(">HH", 65500, 65500)
    return bytes(small)


def _deflated_bomb() -> bytes:
    def change(dataset: Dataset, index: int) -> None:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian

    honest = axial_slice(change)
    meta = dcmread(io.BytesIO(honest)).file_meta
    meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    head = Dataset()
    head.file_meta = meta
    head.SOPClassUID, head.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "2.25.9"
    written = io.BytesIO()
    head.save_as(written, enforce_file_format=True)
    kept = written.getvalue()
    length = 132 + 12 + struct.unpack("<I", kept[140:144])[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = b"".join(packer.compress(_ZEROS) for _ in range(700)) + packer.flush()
    return kept[:length] + packed


def _huge_codestream() -> bytes:
    """A JPEG 2000 stream of a few bytes that says it has 60,000 rows and columns."""
    size = struct.pack(">HHIIIIIIIIHBBB", 0, 1, 60000, 60000, 0, 0, 60000, 60000, 0, 0, 1, 15, 1, 1)
    stream = b"\xff\x4f\xff\x51" + struct.pack(">H", len(size) + 2 - 2 + 2) + size
    stream += b"\xff\x52\x00\x0c\x00\x00\x00\x01\x00\x01\x04\x04\x00\x01"
    stream += b"\xff\x5c\x00\x07\x40\x40\x48\x48\xff\xd9"

    def change(dataset: Dataset, index: int) -> None:
        dataset.PixelData = encapsulate([stream])

    (dataset,) = single_frame(Stack(ramp((1, 64, 64)), change=change))
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset["PixelData"].is_undefined_length = True
    return bytes_of(dataset)


def _short_run_length() -> bytes:
    """Run length encoded pixels that unpack to far more than rows and columns."""
    segment = b"\x81\x00" * 400_000
    header = struct.pack("<16I", 1, 64, *([0] * 14))

    def change(dataset: Dataset, index: int) -> None:
        dataset.PixelData = encapsulate([header + segment])

    (dataset,) = single_frame(Stack(ramp((1, 64, 64)), change=change))
    dataset.file_meta.TransferSyntaxUID = RLELossless
    dataset["PixelData"].is_undefined_length = True
    return bytes_of(dataset)


def _nested() -> bytes:
    """Sequences within sequences, written by hand: no writer goes so deep."""
    item = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return axial_slice()[: 132 + 12 + 200] + 5000 * item


def _symlink() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        entry = zipfile.ZipInfo("slice.dcm")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(entry, "/etc/passwd")
    return written.getvalue()


def _encrypted() -> bytes:
    content = bytearray(archive({"slice.dcm": axial_slice()}))
    content[6] |= 1
    central = content.index(b"PK\x01\x02")
    content[central + 8] |= 1
    return bytes(content)


def _lying() -> bytes:
    """The central directory states 10 bytes for an entry of a megabyte."""
    content = bytearray(archive({"slice.dcm": _ZEROS}))
    central = content.index(b"PK\x01\x02")
    content[central + 24 : central + 28] = struct.pack("<I", 10)
    return bytes(content)


def _preamble(beginning: bytes) -> bytes:
    return beginning + axial_slice()[len(beginning) :]


def _of_modality(modality: str) -> bytes:
    def change(dataset: Dataset, index: int) -> None:
        dataset.Modality = modality

    return axial_slice(change)


def _with(**values: object) -> Callable[[], bytes]:
    def make() -> bytes:
        def change(dataset: Dataset, index: int) -> None:
            for keyword, value in values.items():
                setattr(dataset, keyword, value)

        return axial_slice(change)

    return make


def _without_pixels() -> bytes:
    def change(dataset: Dataset, index: int) -> None:
        del dataset.PixelData

    return axial_slice(change)


_NIFTI = struct.pack("<i", 348) + bytes(340) + b"n+1\0" + bytes(100)

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty"),
    "text.dcm": (lambda: b"I am a CT, believe me.\n", "text"),
    "page.dcm": (lambda: b"<!DOCTYPE html><script>alert(1)</script>", "web page"),
    "drawing.png": (
        lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>',
        "SVG",
    ),
    "report.pdf": (lambda: b"%PDF-1.7\n%\xe2\xe3", "PDF"),
    "model.pkl": (lambda: pickle.dumps({"rows": 512}), "pickle"),
    "settings.json": (lambda: b'{"modality": "CT"}', "JSON"),
    "moving.gif": (lambda: picture(kind="GIF"), "GIF"),
    "volume.nii": (lambda: _NIFTI, "NIfTI"),
    "viewer.exe": (lambda: b"MZ\x90\0" + bytes(200), "program"),
    "study.tar.gz": (lambda: b"\x1f\x8b\x08\0" + bytes(64), "gzip"),
    "noise.dcm": (lambda: random.Random(4).randbytes(5000), "no kind that we know"),
    "huge.png": (
        lambda: _png(60000, 60000, _chunk(b"IDAT", zlib.compress(b"\0"))),
        "pixels",
    ),
    "poster.png": (
        lambda: _png(8192, 8192, _chunk(b"IDAT", zlib.compress(8193 * 8192 * b"\0", 9))),
        "pixels",
    ),
    "text-bomb.png": (_text_bomb, "cannot be read as a picture"),
    "cut.png": (lambda: picture((512, 512))[:120], "cannot be read as a picture"),
    "small.png": (lambda: _png(1, 1, depth=3), "cannot be read as a picture"),
    "huge.jpg": (_huge_jpeg, "pixels"),
    "cut.jpg": (lambda: picture((256, 256), "JPEG")[:200], "cannot be read as a picture"),
    "archive-behind.png": (
        lambda: picture() + archive({"a.dcm": axial_slice()}),
        "zip archive at once",
    ),
    "archive-behind.dcm": (
        lambda: axial_slice() + archive({"a.dcm": axial_slice()}),
        "zip archive at once",
    ),
    "program.dcm": (lambda: _preamble(b"MZ\x90\0"), "program at once"),
    "page-before.dcm": (lambda: _preamble(b"<html><script>"), "web page at once"),
    "picture-before.dcm": (lambda: _preamble(b"\x89PNG\r\n\x1a\n"), "picture at once"),
    "only-prefix.dcm": (lambda: bytes(128) + b"DICM", "which instance"),
    "prefix-and-noise.dcm": (
        lambda: bytes(128) + b"DICM" + random.Random(5).randbytes(4000),
        "",
    ),
    "bare.dcm": (lambda: axial_slice()[132:], "without the preamble"),
    "zero-uid.dcm": (
        lambda: axial_slice().replace(b"2.25.1.1", b"2.25.001"),
        "SeriesInstanceUID is not a valid UID: a part of it begins with 0",
    ),
    "figure.png": (_figure, "several pictures side by side"),
    "cut.dcm": (lambda: axial_slice()[:400], ""),
    "bomb.dcm": (_deflated_bomb, "inflates to more"),
    "mr.dcm": (lambda: _of_modality("MR"), "not a CT"),
    "report.dcm": (lambda: _of_modality("SR"), "not a CT"),
    "poster.dcm": (_with(Rows=65535, Columns=65535), "more pixels"),
    "deep.dcm": (_nested, ""),
    "bomb.zip": (lambda: archive({"slice.dcm": 50 * _ZEROS}), "times its packed size"),
    "nested.zip": (lambda: archive({"inner.zip": archive({"a": b"a"})}), "archive itself"),
    "traversal.zip": (lambda: archive({"../../etc/cron.d/x": b"a"}), "out of the archive"),
    "absolute.zip": (lambda: archive({"/etc/passwd": b"a"}), "out of the archive"),
    "windows.zip": (lambda: archive({"C:\\Windows\\x.dll": b"a"}), "out of the archive"),
    "link.zip": (_symlink, "symbolic link"),
    "secret.zip": (_encrypted, "encrypted"),
    "lying.zip": (_lying, "damaged"),
    "cut.zip": (lambda: archive({"a.dcm": axial_slice()})[:-40], "damaged"),
    "empty.zip": (lambda: archive({}), "empty"),
    "pages.zip": (lambda: archive({"index.html": b"<html></html>"}), "web page"),
}
"""By name: what makes the file, and a word of the reason; "" where several would do."""

ONLY_ALONE: dict[str, tuple[Callable[[], bytes], str]] = {
    "codestream.dcm": (_huge_codestream, ""),
    "run-length.dcm": (_short_run_length, ""),
    "frames.dcm": (_with(NumberOfFrames=100), "not equally many"),
    "no-pixels.dcm": (_without_pixels, "no pixel data"),
    "no-rescale.dcm": (_with(RescaleSlope=None), ""),
    "not-axial.dcm": (_with(ImageOrientationPatient=["0"] * 6), ""),
    "many-bits.dcm": (_with(BitsAllocated=64, BitsStored=64, HighBit=63), ""),
}
"""Instances whose header may be believed: what is wrong shows when they are to be read."""


def damaged_slices(count: int, seed: int) -> list[bytes]:
    """A CT image, each time with other bytes spoilt."""
    honest, chance = axial_slice(), random.Random(seed)
    spoilt = []
    for _ in range(count):
        content = bytearray(honest)
        for _ in range(chance.randint(1, 40)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        if chance.random() < 0.3:
            del content[chance.randrange(132, len(content)) :]
        spoilt.append(bytes(content))
    return spoilt


def write_upload(folder: Path, files: list[bytes]) -> Path:
    """Put files where an upload keeps what it received."""
    received = folder / "received"
    received.mkdir(parents=True)
    for number, content in enumerate(files, start=1):
        (received / str(number)).write_bytes(content)
    return folder
