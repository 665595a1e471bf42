"""Holds Number of Frames against the frames that are there: a part is never taken for the whole.

PS3.3 C.7.6.6 (Number of Frames), PS3.5 8.2 and A.4 (native and encapsulated pixel data).
"""

from __future__ import annotations

from io import BytesIO

from pydicom.dataset import FileDataset
from pydicom.encaps import parse_basic_offsets, parse_fragments
from pydicom.uid import RLELossless

from radiology.errors import PixelDataUndecodable

_ITEM_HEADER_BYTES = 8
_BEGINNINGS = (
    b"\xff\xd8",  # start of image: JPEG (ITU-T T.81 B.2.1) and JPEG-LS (T.87 C.2.1)
    b"\xff\x4f",  # start of codestream: JPEG 2000 (T.800 A.4.1)
)


def refuse_other_frames(dataset: FileDataset) -> None:
    """Refuse an instance that states, describes and holds different numbers of frames.

    Raises
    ------
    PixelDataUndecodable
        With the three numbers.
    """
    stated = int(dataset.get("NumberOfFrames") or 1)
    described = len(dataset.get("PerFrameFunctionalGroupsSequence") or ()) or 1
    there = _frames_there(dataset)
    if stated != described or there not in (None, stated):
        raise PixelDataUndecodable(
            "The frames that are stated, described and there are not equally many",
            stated=stated,
            described=described,
            there=there,
            transfer_syntax_uid=str(dataset.file_meta.TransferSyntaxUID),
            sop_instance_uid=str(dataset.SOPInstanceUID),
        )


def _frames_there(dataset: FileDataset) -> int | None:
    """How many frames the pixel data holds; None where its fragments do not say."""
    transfer_syntax_uid = dataset.file_meta.TransferSyntaxUID
    if not transfer_syntax_uid.is_encapsulated:
        values = int(dataset.Rows) * int(dataset.Columns) * int(dataset.SamplesPerPixel)
        frame_bytes = values * int(dataset.BitsAllocated) // 8
        return len(dataset.PixelData) // frame_bytes if frame_bytes else 0
    return _encapsulated(dataset.PixelData, one_each=transfer_syntax_uid == RLELossless)


def _encapsulated(pixel_data: bytes, *, one_each: bool) -> int | None:
    """Frames by the first bytes of the fragments; a frame may have several (PS3.5 A.4).

    Parameters
    ----------
    one_each : whether every fragment is a frame, as RLE has it (PS3.5 A.4.2)
    """
    buffer = BytesIO(pixel_data)  # shares the bytes, of which a multi-frame object has many
    offsets = parse_basic_offsets(buffer)  # leaves the buffer behind them
    count, fragments = parse_fragments(buffer)
    if one_each:
        return count
    firsts = (at + _ITEM_HEADER_BYTES for at in fragments)
    begun = sum(pixel_data[at : at + 2] in _BEGINNINGS for at in firsts)
    return begun or len(offsets) or None
