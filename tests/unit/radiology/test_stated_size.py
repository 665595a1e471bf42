"""What a compressed frame says of its own size, before a decoder makes it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from openjpeg.utils import encode_array
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from radiology.image.stated_size import StatedSize, refuse_other_size, stated_size

_JPEG_LS = b"\xff\xd8\xff\xf7\0\x0b\x08\0\x30\0\x40\x01"
SMALL = StatedSize(48, 64, 1)


def test_every_codec_of_the_field(shared_ct: Path) -> None:
    """JPEG of each process, JPEG-LS, JPEG 2000 and RLE, as dcmtk, GDCM and others wrote them."""
    seen = set()
    for path in sorted((shared_ct / "transfer-syntaxes").iterdir()):
        header = dcmread(path)
        syntax = header.file_meta.TransferSyntaxUID
        if not syntax.is_encapsulated or syntax.name.startswith("MPEG"):
            continue
        seen.add(syntax)
        (frame,) = generate_frames(header.PixelData, number_of_frames=1)
        size = {"rows": header.Rows, "columns": header.Columns}
        frame_bytes = header.Rows * header.Columns * header.BitsAllocated // 8
        refuse_other_size(frame, syntax, **size, frame_bytes=frame_bytes)
        if syntax != RLELossless:
            size["rows"] += 1
            with pytest.raises(ValueError, match="another size"):
                refuse_other_size(frame, syntax, **size, frame_bytes=frame_bytes)
    assert len(seen) >= 5


@pytest.mark.parametrize("is_file", [False, True], ids=["codestream", "in boxes"])
def test_jpeg_2000(is_file: bool) -> None:
    """Some writers leave the file's boxes around the codestream."""
    encoded = encode_array(np.zeros((96, 128), np.uint8), photometric_interpretation=2)
    boxes = struct.pack(">L8s", 12, b"jP  \r\n\x87\n")
    # Within a box that nobody reads another size is stated
    decoy = encode_array(np.zeros((64, 64), np.uint8), photometric_interpretation=2)
    boxes += struct.pack(">L4s", 8 + len(decoy), b"free") + decoy
    boxes += struct.pack(">L4s", 8 + len(encoded), b"jp2c")
    assert stated_size(boxes + encoded if is_file else encoded) == StatedSize(96, 128, 1)


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"\xff\xe0\0\x04ab",  # an application's segment
        b"\xff\xe0\0\x0e\xff\xc0\0\x0b\x08\0\x01\0\x01\x01xx",  # with a frame within it
        b"\xff\xc4\0\x04\xff\xf7",  # a table
        b"\xff\xff\xff\xfe\0\x02",  # filled up
        b"noise\xff\x01\xff\xd0",  # decoders pass over it
    ],
)
def test_what_stands_before_the_frame_of_jpeg(before: bytes) -> None:
    """The size is that of the frame's header, and of nothing that only looks like it."""
    assert stated_size(_JPEG_LS[:2] + before + _JPEG_LS[2:]) == SMALL


@pytest.mark.parametrize(
    "encoded",
    [b"", b"\xff\xd8", _JPEG_LS[:-1], b"\xff\x4f\xff\x51\0", b"\xff\x4f\xff\x64" + bytes(60)],
)
def test_what_states_no_size_is_refused(encoded: bytes) -> None:
    with pytest.raises(ValueError, match="states no size"):
        stated_size(encoded)


def test_what_would_take_gigabytes() -> None:
    """By the number of components, or by runs of RLE, of which each byte becomes 64."""
    many = _JPEG_LS[:-1] + b"\xff"
    with pytest.raises(ValueError, match="another size"):
        refuse_other_size(many, JPEGLSLossless, rows=48, columns=64, frame_bytes=48 * 64)
    with pytest.raises(ValueError, match="states no size"):
        refuse_other_size(bytes(64), JPEG2000Lossless, rows=48, columns=64, frame_bytes=48 * 64)
    with pytest.raises(ValueError, match="longer"):
        refuse_other_size(bytes(9_000), RLELossless, rows=48, columns=64, frame_bytes=48 * 64)
