"""Proof of patient and study: from the bytes of both sides, by nothing that made the object."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from copy import deepcopy
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmwrite
from pydicom.datadict import dictionary_keyword, dictionary_VR
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

import worker.encode.proof.identity as identity_module
from radiology.errors import ResultMismatch
from worker.encode.patient_and_study import _PATIENT_AND_STUDY
from worker.encode.proof.encoded_elements import encoded_elements
from worker.encode.proof.encoded_text import text_of
from worker.encode.proof.identity import Original, check_identity
from worker.encode.proof.standard_elements import FILED_BY, LAST, PATIENT_AND_STUDY

SYNTAXES = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]
EVERY_SYNTAX = pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda one: one.name)


def stated() -> Dataset:
    """Of each kind of value one, with sequences in sequences and a private element."""
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 100"
    header.SOPClassUID, header.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4"
    header.PatientName, header.PatientID = "Süß^Jürgen^^", "P-17"
    header.PatientBirthDate, header.PatientSex, header.PatientAge = "19600102", "M", "066Y"
    header.PatientWeight, header.PregnancyStatus = "070.50", 4
    header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.3.1", "1.2.3.2"
    header.StudyDate, header.StudyTime, header.StudyID = "20260304", "150000", "S1"
    header.AccessionNumber, header.ReferringPhysicianName = "A-1", "Müller^Anna"
    issuer, qualifier = Dataset(), Dataset()
    qualifier.UniversalEntityID, qualifier.UniversalEntityIDType = "1.2.3.4.5", "ISO"
    issuer.PatientID, issuer.TypeOfPatientID = "Ä-4", "TEXT"
    issuer.IssuerOfPatientIDQualifiersSequence = [qualifier]
    header.OtherPatientIDsSequence = [issuer]
    header.private_block(0x0009, "ACME", create=True).add_new(1, "OB", b"\xfe\xff\x00\xe0ab")
    return header


def as_file(
    header: Dataset, syntax: str = ExplicitVRLittleEndian, *, undefined_lengths: bool = False
) -> bytes:
    """The bytes of a file."""
    written, made = BytesIO(), Dataset()
    made.update(header)
    made.file_meta, made.preamble = FileMetaDataset(), b"\0" * 128
    made.file_meta.TransferSyntaxUID = syntax
    for element in made.iterall() if undefined_lengths else ():
        element.is_undefined_length = element.VR == "SQ"
        for item in element.value if element.VR == "SQ" else ():
            item.is_undefined_length_sequence_item = True
    dcmwrite(written, made, enforce_file_format=True)
    return written.getvalue()


def original(content: bytes, folder: Path) -> Original:
    """A source of one instance."""
    path = folder / "original.dcm"
    path.write_bytes(content)
    return Original.of([path], "1.2.3.4")


def made_of(header: Dataset) -> Dataset:
    """An object with the patient and study of a header, in a series of its own."""
    made = Dataset()
    made.update({tag: deepcopy(header[tag]) for tag in PATIENT_AND_STUDY if tag in header})
    made.SpecificCharacterSet = "ISO_IR 100"
    made.SOPClassUID, made.SOPInstanceUID = header.SOPClassUID, "1.2.3.9"
    made.SeriesInstanceUID = "1.2.3.8"
    return made


@EVERY_SYNTAX
@pytest.mark.parametrize("undefined", [False, True], ids=["lengths", "delimiters"])
def test_a_right_object_passes_whatever_syntax_its_source_came_in(
    syntax: str, undefined: bool, tmp_path: Path
) -> None:
    """Byte order, VRs that are left out, and delimiters do not change who it is."""
    source = original(as_file(stated(), syntax, undefined_lengths=undefined), tmp_path)
    check_identity(as_file(made_of(stated())), source)


@pytest.mark.parametrize("tag", FILED_BY, ids=dictionary_keyword)
@pytest.mark.parametrize("vr", ["", "SH", "LO", "OB"])
def test_an_object_without_what_it_is_filed_by_is_caught(tag: int, vr: str, tmp_path: Path) -> None:
    """Also where the source has it under another VR: that is where it was dropped, unseen."""
    header = stated()
    if tag not in header:
        header.IssuerOfPatientID = "HOSPITAL"
        header.IssuerOfPatientIDQualifiersSequence = header.OtherPatientIDsSequence
        header.IssuerOfAccessionNumberSequence = header.OtherPatientIDsSequence
    made = made_of(header)
    made[tag].value = [] if made[tag].VR == "SQ" else ""
    if vr and header[tag].VR != "SQ":
        content = str(header[tag].value)
        header.add_new(tag, vr, content.encode("latin-1") if vr == "OB" else content)
    with pytest.raises(ResultMismatch, match=f"attribute={dictionary_keyword(tag)}"):
        check_identity(as_file(made), original(as_file(header), tmp_path))


def of_another_vr(made: Dataset) -> None:
    made.add_new(0x00100020, "SH", "P-17")


def in_another_character_set(made: Dataset) -> None:
    made.SpecificCharacterSet = "ISO_IR 101"
    made.PatientName = "Sőß^Jürgen"


def with_another_item(made: Dataset) -> None:
    made.OtherPatientIDsSequence[0].IssuerOfPatientIDQualifiersSequence[
        0
    ].UniversalEntityID = "1.2.3.4.6"


def of_another_weight(made: Dataset) -> None:
    made.PatientWeight = "70.6"


@pytest.mark.parametrize(
    "spoil", [of_another_vr, in_another_character_set, with_another_item, of_another_weight]
)
def test_a_value_that_means_another_is_caught(spoil: object, tmp_path: Path) -> None:
    """Deep in a sequence, and in bytes that look alike."""
    made = made_of(stated())
    assert callable(spoil)
    spoil(made)
    with pytest.raises(ResultMismatch, match="Patient or study differ"):
        check_identity(as_file(made), original(as_file(stated()), tmp_path))


def test_one_name_in_two_character_sets_is_one_name(tmp_path: Path) -> None:
    """What is meant is compared; padding and components that are left out mean nothing."""
    made = made_of(stated())
    for element in made:
        element.value = element.value  # decoded, so that it is encoded anew
    made.SpecificCharacterSet = "ISO_IR 192"
    made.PatientName, made.PatientWeight = "Süß^Jürgen", "70.5"
    check_identity(as_file(made), original(as_file(stated()), tmp_path))


def test_the_order_of_a_source_that_states_none_is_that_of_its_study(tmp_path: Path) -> None:
    """And no other one: the order that another series of the study states."""
    source = stated()
    source.AccessionNumber = ""
    made = made_of(stated())
    read = original(as_file(source), tmp_path)
    check_identity(as_file(made), read, accession_number="A-1")
    for number in ("", "A-2"):
        with pytest.raises(ResultMismatch, match="attribute=AccessionNumber"):
            check_identity(as_file(made), read, accession_number=number)


@pytest.mark.parametrize("tag", ["PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID"])
def test_two_patients_in_the_files_of_a_series_are_caught(tag: str, tmp_path: Path) -> None:
    """By the bytes of the files, whatever was made of them meanwhile."""
    first, second = stated(), stated()
    second.SOPInstanceUID = "1.2.3.5"
    second[tag].value = {"PatientBirthDate": "19600103", "PatientSex": "F"}.get(tag, "1.9")
    files = [tmp_path / "1.dcm", tmp_path / "2.dcm"]
    for path, header in zip(files, (first, second), strict=True):
        path.write_bytes(as_file(header))
    with pytest.raises(ResultMismatch, match=f"source instances differ .attribute={tag}"):
        Original.of(files, "1.2.3.4")


@pytest.mark.parametrize("length", [0, 100, 131, 200, -3])
def test_a_file_that_is_cut_off_proves_nothing(length: int, tmp_path: Path) -> None:
    """It is an error, and not an empty source that everything agrees with."""
    with pytest.raises(ResultMismatch):
        original(as_file(made_of(stated()))[:length], tmp_path)


@EVERY_SYNTAX
def test_the_values_are_those_that_were_written(syntax: str) -> None:
    """Numbers and private bytes come in the order of little endian."""
    found = encoded_elements(as_file(stated(), syntax), LAST)
    assert found[0x00100020].value == b"P-17"
    assert found[0x001021C0].value == b"\x04\x00"
    assert found[0x00091001].value == b"\xfe\xff\x00\xe0ab"
    (item,) = found[0x00101002].items
    assert item[0x00100024].items[0][0x00400032].value.strip(b" \0") == b"1.2.3.4.5"


# The examples of PS3.5 Annexes H, I, J and K.
NAMES = [
    (b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", ["", "ISO 2022 IR 87"], "山田^太郎"),
    (b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3", ["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ"),
    (
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7",
        ["", "ISO 2022 IR 149"],
        "洪^吉洞",
    ),
    ("Wang^XiaoDong=王^小东".encode("gb18030"), ["GB18030"], "王^小东"),
    ("Wang^XiaoDong=王^小東".encode(), ["ISO_IR 192"], "王^小東"),
    (
        b"\x1b-F\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2",
        ["ISO 2022 IR 100", "ISO 2022 IR 126"],
        "Διονυσιος",
    ),
    (b"Buc^J\xe9r\xf4me", ["ISO_IR 100"], "Buc^Jérôme"),
    (b"\xbb\xee\xda\x63\x65\xdc\xd1yp\xd3", ["ISO_IR 144"], "Люкceмбypг"),
]


@pytest.mark.parametrize(("value", "sets", "meant"), NAMES, ids=lambda one: str(one)[:20])
def test_names_in_every_script_are_decoded(value: bytes, sets: Sequence[str], meant: str) -> None:
    """By the standard's own examples."""
    assert text_of(value + b" ", sets).split("=")[-1] == meant


def test_the_lists_of_maker_and_proof_name_the_same_elements() -> None:
    """They are written down twice; the standard's dictionary has the VRs."""
    assert {keyword for _, keyword in PATIENT_AND_STUDY.values()} | {"SpecificCharacterSet"} == set(
        _PATIENT_AND_STUDY
    )
    for tag, (vr, keyword) in PATIENT_AND_STUDY.items():
        assert (dictionary_VR(tag), dictionary_keyword(tag)) == (vr, keyword)


def test_the_proof_of_identity_uses_nothing_that_made_the_object() -> None:
    """No library of DICOM, and of our own only the error and the rooms of the proof itself."""
    assert identity_module.__file__
    folder = Path(identity_module.__file__).parent
    names = ("identity", "encoded_elements", "encoded_text", "standard_elements")
    imported = {
        node.module or ""
        for name in names
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text()))
        if isinstance(node, ast.ImportFrom)
    }
    ours = {one for one in imported if one.split(".")[0] in ("worker", "radiology", "dicom_node")}
    assert ours == {"radiology.errors", *(f"worker.encode.proof.{one}" for one in names[1:])}
    assert not any(one.startswith("pydicom") for one in imported)
