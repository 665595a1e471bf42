"""Two encodings of one object, and two objects under one UID."""

from __future__ import annotations

from pathlib import Path

import jpeg_ls
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from dicom_node.receive.same_object import Relation, relation_of
from tests.unit.dicom_node.small_ct import small_ct, write


def nested(**changes: object) -> Dataset:
    """A CT image with a sequence and private elements."""
    data_set = small_ct(**changes)
    data_set.ReferencedImageSequence = [Dataset()]
    data_set.ReferencedImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"
    block = data_set.private_block(0x0009, "MAKER", create=True)
    block.add_new(1, "LO", "value")
    block.add_new(2, "SQ", [Dataset()])
    return data_set


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLSLossless,
    ],
)
def test_another_transfer_syntax_is_the_same_object(tmp_path: Path, syntax: str) -> None:
    """Lossless: every attribute and every pixel is equal."""
    other = nested()
    if syntax in (RLELossless, JPEGLSLossless):
        other.compress(syntax, generate_instance_uid=False)
    else:
        other.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            other.PixelData = np.frombuffer(other.PixelData, "<u2").byteswap().tobytes()
    assert relation_of(write(nested(), tmp_path, "a"), write(other, tmp_path, "b")) is Relation.SAME


def test_other_lengths_and_group_lengths_are_the_same_object(tmp_path: Path) -> None:
    """Undefined lengths, group lengths and trailing padding say nothing about the object."""
    other = nested()
    other["ReferencedImageSequence"].is_undefined_length = True
    other.ReferencedImageSequence[0].is_undefined_length_sequence_item = True
    other.add_new(0x00080000, "UL", 4)
    other.add_new(0xFFFCFFFC, "OB", bytes(10))
    assert relation_of(write(nested(), tmp_path, "a"), write(other, tmp_path, "b")) is Relation.SAME


def test_other_pixels_are_another_object(tmp_path: Path) -> None:
    """One pixel is enough."""
    other = nested()
    other.PixelData = b"\xff" + other.PixelData[1:]
    assert (
        relation_of(write(nested(), tmp_path, "a"), write(other, tmp_path, "b")) is Relation.OTHER
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"PatientID": None},
        {"PatientID": ""},
        {"PatientID": "P2", "RescaleSlope": "2"},
        {"PatientID": "ANON", "PatientIdentityRemoved": "YES"},
        {"SeriesInstanceUID": "2.25.9"},
        {"RescaleSlope": "2"},
    ],
)
def test_other_attributes_are_another_object(tmp_path: Path, changes: dict[str, object]) -> None:
    """An edited, added or removed attribute; a copy without its patient corrects nothing."""
    other = write(nested(**changes), tmp_path, "b")
    assert relation_of(write(nested(), tmp_path, "a"), other) is Relation.OTHER


@pytest.mark.parametrize(
    "changes",
    [
        {"PatientID": "P2"},
        {"PatientID": "P2", "PatientBirthDate": "19610203", "PatientSex": "F"},
        {"AccessionNumber": "A2", "StudyID": "7"},
        {"PatientName": "Süß^Jürgen", "SpecificCharacterSet": "ISO_IR 192"},
        {"IssuerOfPatientID": "HOSPITAL", "InstanceCoercionDateTime": "20260304120000"},
    ],
)
def test_another_patient_or_order_is_a_correction(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    """The image is the same, in whatever transfer syntax it comes."""
    other = nested(**changes)
    other.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    paths = write(nested(), tmp_path, "a"), write(other, tmp_path, "b")
    assert relation_of(*paths) is Relation.CORRECTED


def test_real_encodings_of_one_image(shared_ct: Path) -> None:
    """Uncompressed and lossless copies that other programs made of one image, as far as their
    attributes were left alone, are one object; lossy ones never are."""
    folder = shared_ct / "transfer-syntaxes"
    plain = folder / "CTImage.dcm"
    same = {path.name for path in folder.iterdir() if relation_of(plain, path) is Relation.SAME}
    assert plain.name in same
    assert any("LittleEndianExplicit" in name for name in same)
    for name in same:
        assert "Lossy" not in name
        assert "Process1Transfer" not in name
        assert "Process2_4" not in name


def test_what_cannot_be_read_is_another_object(tmp_path: Path) -> None:
    """Equality must be shown."""
    good = write(nested(), tmp_path, "a")
    bad = tmp_path / "bad.dcm"
    bad.write_bytes(good.read_bytes()[:400])
    assert relation_of(good, bad) is Relation.OTHER
    assert relation_of(good, tmp_path / "absent.dcm") is Relation.OTHER


def test_absurd_dimensions_are_not_decoded(tmp_path: Path) -> None:
    """Dimensions that would take a terabyte are not tried."""
    other = small_ct(Rows=65535, Columns=65535, NumberOfFrames="100000")
    path = write(other, tmp_path, "b")
    assert dcmread(path).Rows == 65535
    assert relation_of(write(small_ct(), tmp_path, "a"), path) is Relation.OTHER


def test_a_compressed_bomb_is_not_decoded(tmp_path: Path) -> None:
    """A thousand bytes of JPEG-LS state 64 MB, which the node would have in memory twice."""
    bomb = encapsulate([bytes(jpeg_ls.encode(np.zeros((2000, 2000), np.uint16)))])
    paths = []
    for name, padded in (("a", False), ("b", True)):
        data_set = small_ct()
        data_set.file_meta.TransferSyntaxUID = JPEGLSLossless
        data_set.PixelData = bomb
        data_set["PixelData"].VR = "OB"
        if padded:
            data_set.add_new(0xFFFCFFFC, "OB", bytes(10))
        paths.append(write(data_set, tmp_path, name))
    assert relation_of(*paths) is Relation.OTHER
