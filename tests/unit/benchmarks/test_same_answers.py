"""Two folders of answers compare equal unless one of them says something else."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.pixels.utils import pack_bits
from pydicom.uid import UID, ExplicitVRLittleEndian

from benchmarks.same_answers.__main__ import main
from benchmarks.same_answers.data_sets import compare_instances
from benchmarks.same_answers.json_values import compare_json
from benchmarks.same_answers.texts import compare_documents
from benchmarks.same_answers.values import UidPairs

STUDY, SLICE, OTHER_SLICE = (f"1.2.826.0.1.3680043.{number}" for number in (101, 102, 103))
OURS = "2.25.1000000000000000000000000"
OURS_AFTER = "2.25.2000000000000000000000000"

Change = Callable[[Dataset], object]


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


def _report(uid: str = OURS) -> Dataset:
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


def _capture() -> Dataset:
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


def _segmentation(*, label_map: bool) -> Dataset:
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


def _differences(before: Dataset, after: Dataset) -> list[str]:
    ours = {str(one.SOPInstanceUID) for one in (before, after)}
    source = {STUDY, SLICE, OTHER_SLICE}
    uids = UidPairs(source | (ours & {OURS}), source | (ours & {OURS_AFTER}))
    return list(compare_instances(before, after, uids))


def _changed(before: Dataset, change: Change) -> list[str]:
    after = deepcopy(before)
    change(after)
    return _differences(before, after)


def test_a_second_run_is_equal() -> None:
    """Another time, another version of the program and other UIDs of our own say nothing else."""
    after = _report(OURS_AFTER)
    after.ContentTime = "130000"
    after.SoftwareVersions = ["Bundle 2.0.0", "Firstread 0.2.0.dev1"]
    assert _differences(_report(), after) == []


def _refer_elsewhere(after: Dataset) -> None:
    after.PredecessorDocumentsSequence[0].ReferencedSOPInstanceUID = OURS_AFTER


def _swap_slices(after: Dataset) -> None:
    first, second = after.SourceImageSequence
    first.ReferencedSOPInstanceUID, second.ReferencedSOPInstanceUID = OTHER_SLICE, SLICE


def _set_volume(after: Dataset) -> None:
    after.ContentSequence[0].MeasuredValueSequence[0].NumericValue = "12.6"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            _set_volume,
            ["ContentSequence[Volume (99X 1, CONTAINS NUM) 1]/MeasuredValueSequence[1]"
             "/NumericValue: '12.5' → '12.6'"],
        ),
        (
            lambda after: after.ContentSequence.pop(0),
            ["ContentSequence[Volume (99X 1, CONTAINS NUM) 1]: only before"],
        ),
        (
            lambda after: after.ContentSequence.reverse(),
            ["ContentSequence: the items stand in another order"],
        ),
        (
            _refer_elsewhere,
            [f"PredecessorDocumentsSequence[1]/ReferencedSOPInstanceUID: '{OURS}' → "
             f"'{OURS_AFTER}'"],
        ),
        (
            _swap_slices,
            [f"SourceImageSequence[1]/ReferencedSOPInstanceUID: '{SLICE}' → '{OTHER_SLICE}'",
             f"SourceImageSequence[2]/ReferencedSOPInstanceUID: '{OTHER_SLICE}' → '{SLICE}'"],
        ),
        (
            lambda after: setattr(after, "SoftwareVersions", ["Bundle 2.0.1", "Firstread 0.1.0"]),
            ["""SoftwareVersions: "['Bundle 2.0.0', 'Firstread 0.1.0']" → """
             """"['Bundle 2.0.1', 'Firstread 0.1.0']\""""],
        ),
        (lambda after: delattr(after, "ContentTime"), ["ContentTime: only before: '120000'"]),
        (lambda after: setattr(after, "StudyID", "1"), ["StudyID: only after: '1'"]),
    ],
)  # fmt: skip
def test_a_change_of_a_report_is_named(change: Change, found: list[str]) -> None:
    """One change gives one line that leads to it."""
    assert _changed(_report(), change) == found


def _flip(position: int, bits: int = 1) -> Change:
    def change(after: Dataset) -> None:
        content = bytearray(after.PixelData)
        content[position] ^= bits
        after.PixelData = bytes(content)

    return change


def test_a_pixel_of_a_picture_is_found() -> None:
    """How many, where and what."""
    found = _changed(_capture(), _flip(5))
    assert found == ["pixels: 1 values differ, the first at (1, 1): 5 → 4"]


def test_a_voxel_of_a_binary_segmentation_is_found() -> None:
    """The last bit of the first byte belongs to the first frame: row 1, column 3."""
    (found,) = _changed(_segmentation(label_map=False), _flip(0, 0x80))
    assert found.startswith("segment 1 (Segment 1), slice at 0.0\\0.0\\0.0: pixels: 1 values")
    assert "(1, 3): 0 → 1" in found


def test_a_voxel_of_a_label_map_is_found() -> None:
    """A voxel that goes from one segment to the other differs in both."""
    found = _changed(_segmentation(label_map=True), _flip(12, 0b11))
    assert [one.split(",")[0] for one in found] == [
        "segment 1 (Segment 1)", "segment 2 (Segment 2)"
    ]  # fmt: skip
    assert all("slice at 0.0\\0.0\\2.5: pixels: 1 values" in one for one in found)


def test_the_form_of_a_segmentation_changes_no_voxel() -> None:
    """Frames of each segment and a label map say the same; only the elements differ."""
    found = _differences(_segmentation(label_map=False), _segmentation(label_map=True))
    assert found
    assert not any("slice at" in one for one in found)


def _pdf(text: bytes, *, made: bytes = b"D:2026") -> bytes:
    packed = zlib.compress(text)
    return (
        b"%%PDF-1.3\n1 0 obj << /Length %d >> stream\n%b\nendstream\n"
        b"2 0 obj << /CreationDate (%b) >>\nxref\n0 1\n%010d\ntrailer\nstartxref\n%d\n"
        % (len(packed), packed, made, len(packed), len(packed))
    )


def test_a_pdf_is_compared_by_what_it_holds() -> None:
    """Neither dates nor a longer version of the program count; each character of a page does."""
    before = _pdf(b"lesion 5 ml\nFirstread 0.1.0")
    assert not list(compare_documents(before, _pdf(b"lesion 5 ml\nFirstread 0.22.0", made=b"D:1")))
    (found,) = compare_documents(before, _pdf(b"lesion 6 ml\nFirstread 0.1.0"))
    assert found == "PDF: stream 1: line 1: 'lesion 5 ml' → 'lesion 6 ml'"
    assert list(compare_documents(before, _pdf(b"lesion 5 ml\rFirstread 0.1.0")))


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"file": "before/SC.dcm"}, {"file": "after/SC.dcm"}, []),
        ({"size_bytes": 1}, {"size_bytes": 2}, []),
        ({"uid": OURS}, {"uid": OURS_AFTER}, []),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["/a/1: 2 → 3"]),
        ({"a": 0.1}, {"a": 0.1000000001}, ["/a: 0.1 → 0.1000000001"]),
        ({"a": 1}, {"a": True}, ["/a: 1 → True"]),
        ({"a": None}, {}, ["/a: only before"]),
        ([1], [1, 2], [": 1 entries → 2"]),
    ],
)
def test_json_answers(before: Any, after: Any, found: list[str]) -> None:
    """Figures count to the last digit."""
    assert list(compare_json(before, after, UidPairs())) == found


def test_uids_pair_one_to_one() -> None:
    """No UID stands for two others, and none of the standard for anything but itself."""
    uids = UidPairs({"1.2.3", "1.2.4"}, {"1.2.3", "1.2.5", "1.2.6"})
    assert uids.agree("1.2.3", "1.2.3")
    assert uids.agree("1.2.4", "1.2.5")
    assert uids.changed == 1
    assert not uids.agree("1.2.4", "1.2.6")
    assert not uids.agree("1.2.7", "1.2.5")
    assert not uids.agree("1.2.4", "1.2.3")
    assert not uids.agree("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")


def _answers(folder: Path) -> Path:
    (folder / "study").mkdir(parents=True)
    for name, instance in (("SR", _report()), ("SEG", _segmentation(label_map=False))):
        instance.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.66.4")
        instance.file_meta.MediaStorageSOPInstanceUID = instance.SOPInstanceUID
        instance.save_as(folder / "study" / f"{name}.dcm", enforce_file_format=True)
    (folder / "study" / "answer.json").write_text(json.dumps({"share": 0.5}))
    Image.new("RGB", (4, 3)).save(folder / "study" / "picture.png")
    return folder


def _status(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["same_answers", *map(str, arguments)])
    return main()


def test_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each file; what has no partner differs, and so does what cannot be read."""
    before, after = _answers(tmp_path / "before"), _answers(tmp_path / "after")
    assert _status(monkeypatch, before, after) == 0
    assert "4 files, 0 different; 0 UIDs have another value" in capsys.readouterr().out
    (after / "study" / "answer.json").write_text(json.dumps({"share": 0.6}))
    assert _status(monkeypatch, before, after, "--expected", "/share") == 0
    (after / "study" / "picture.png").unlink()
    (after / "study" / "SEG.dcm").write_bytes(b"no instance")
    capsys.readouterr()
    assert _status(monkeypatch, before, after) == 1
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line.startswith(("equal", "DIFFERENT"))] == [
        "DIFFERENT study/SEG.dcm",
        "equal     study/SR.dcm",
        "DIFFERENT study/answer.json",
        "DIFFERENT study/picture.png",
    ]


def test_nothing_to_compare_is_no_agreement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit) as ended:
        _status(monkeypatch, tmp_path, tmp_path)
    assert ended.value.code == 2
