"""Small result objects, of which a comparison knows every element."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.pixels.utils import pack_bits
from pydicom.uid import ExplicitVRLittleEndian

STUDY, SLICE, OTHER_SLICE = (f"1.2.826.0.1.3680043.{number}" for number in (101, 102, 103))
OURS = "2.25.1000000000000000000000000"
OURS_AFTER = "2.25.2000000000000000000000000"


def _item(**elements: Any) -> Dataset:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def _instance(uid: str = OURS, **elements: Any) -> Dataset:
    instance = _item(
        StudyInstanceUID=STUDY,
        SOPInstanceUID=uid,
        ContentTime="120000",
        SoftwareVersions=["Bundle 2.0.0", "Firstread 0.1.0"],
        **elements,
    )
    instance.file_meta = FileMetaDataset()
    instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return instance


def _concept(code: str, meaning: str) -> list[Dataset]:
    return [_item(CodeValue=code, CodingSchemeDesignator="99X", CodeMeaning=meaning)]


def _measurement(code: str, meaning: str, value: str) -> Dataset:
    return _item(
        ValueType="NUM",
        RelationshipType="CONTAINS",
        ConceptNameCodeSequence=_concept(code, meaning),
        MeasuredValueSequence=[_item(NumericValue=value)],
    )


def report(uid: str = OURS) -> Dataset:
    """A report of two measurements, of two slices and after an earlier report."""
    image = _item(ValueType="IMAGE", ReferencedSOPSequence=[_item(ReferencedSOPInstanceUID=SLICE)])
    return _instance(
        uid,
        ValueType="CONTAINER",
        PredecessorDocumentsSequence=[_item(ReferencedSOPInstanceUID=uid)],
        SourceImageSequence=[_item(ReferencedSOPInstanceUID=one) for one in (SLICE, OTHER_SLICE)],
        ContentSequence=[
            _measurement("1", "Volume", "12.5"),
            _measurement("2", "Share", "3.0"),
            image,
        ],
    )


def capture() -> Dataset:
    """A picture of three rows and four columns."""
    return _instance(**_pixels(np.arange(12, dtype=np.uint8).reshape(3, 4), bits=8))


def _pixels(pixels: Any, *, bits: int) -> dict[str, Any]:
    packed = pack_bits(pixels) if bits == 1 else pixels.tobytes()
    return {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "NumberOfFrames": pixels.size // 12,
        "Rows": 3,
        "Columns": 4,
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": 0,
        "PixelData": packed + b"\0" * (len(packed) % 2),
    }


def _frame(segment: int | None, height: float) -> Dataset:
    frame = _item(PlanePositionSequence=[_item(ImagePositionPatient=[0.0, 0.0, height])])
    if segment is not None:
        frame.SegmentIdentificationSequence = [_item(ReferencedSegmentNumber=segment)]
    return frame


def segmentation(*, label_map: bool) -> Dataset:
    """Two segments on two slices: the first on the left half, the second in the last column."""
    masks = np.zeros((2, 3, 4), dtype=np.uint8)
    masks[0, :, :2] = 1
    masks[1, :, 3] = 1
    if label_map:
        frames = [_frame(None, height) for height in (0.0, 2.5)]
        pixels = _pixels(np.stack([masks[0] + 2 * masks[1]] * 2), bits=8)
    else:
        frames = [_frame(segment, height) for segment in (1, 2) for height in (0.0, 2.5)]
        pixels = _pixels(np.repeat(masks, 2, axis=0), bits=1)
    return _instance(
        SegmentationType="LABELMAP" if label_map else "BINARY",
        SegmentSequence=[
            _item(SegmentNumber=number, SegmentLabel=f"Segment {number}") for number in (1, 2)
        ],
        SharedFunctionalGroupsSequence=[Dataset()],
        PerFrameFunctionalGroupsSequence=frames,
        **pixels,
    )
