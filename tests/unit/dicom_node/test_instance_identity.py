"""Reading what an instance says about itself, from bytes that may be anything."""

from __future__ import annotations

import contextlib
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from dicom_node.receive.encoded_data_set import EncodedDataSet
from dicom_node.receive.instance_identity import InstanceIdentity, read_identity
from radiology.errors import AttributeMissing, DataSetUnreadable, InstanceRefused, InvalidUid
from settings.peers import RequestPriority
from tests.unit.dicom_node.small_ct import SERIES, STUDY, encoded, small_ct, split


class _InMemory:
    def __init__(self, content: bytes) -> None:
        self.content = content

    @property
    def size(self) -> int:
        return len(self.content)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.content[offset : offset + length]


def identity_of(
    content: bytes,
    transfer_syntax_uid: str = ExplicitVRLittleEndian,
    max_bytes: int = 10_000_000,
) -> InstanceIdentity:
    """Read from bytes."""
    return read_identity(
        EncodedDataSet(_InMemory(content), transfer_syntax_uid, max_bytes=max_bytes)
    )


def test_reads_what_storing_needs() -> None:
    """UIDs and identifiers are those of the data set."""
    found = identity_of(encoded(small_ct()))
    assert found.study_instance_uid == STUDY
    assert found.series_instance_uid == SERIES
    assert found.sop_instance_uid == f"{SERIES}.1"
    assert (found.patient_id, found.accession_number) == ("P1", "A1")
    assert (found.patient_sex, found.patient_age) == ("F", "061Y")
    assert found.priority is None


def test_reads_every_transfer_syntax(shared_ct: Path) -> None:
    """The same CT image in sixteen encodings says the same of itself as pydicom reads."""
    files = sorted((shared_ct / "transfer-syntaxes").iterdir())
    assert len(files) == 16
    for path in files:
        read = dcmread(path, stop_before_pixels=True)
        found = identity_of(split(path.read_bytes()), str(read.file_meta.TransferSyntaxUID))
        assert found.sop_instance_uid == read.SOPInstanceUID
        assert found.study_instance_uid == read.StudyInstanceUID


@pytest.mark.parametrize("folder", ["covid-P001", "normal-001", "lung-tumour-8mm", "tiny-64x64"])
def test_reads_real_studies(shared_ct: Path, folder: str) -> None:
    """Real CT images of several makers are read, and none is taken to be cut off."""
    for path in sorted((shared_ct / folder).iterdir())[::10]:
        read = dcmread(path, stop_before_pixels=True)
        found = identity_of(split(path.read_bytes()), str(read.file_meta.TransferSyntaxUID))
        assert found.sop_instance_uid == read.SOPInstanceUID
        assert found.patient_id == str(read.get("PatientID", ""))


@pytest.mark.parametrize("folder", ["covid-P001", "normal-001", "lung-tumour-8mm", "tiny-64x64"])
def test_reads_where_an_image_is(shared_ct: Path, folder: str) -> None:
    """Number, and place along the normal of the plane, are those that pydicom and numpy give."""
    for path in sorted((shared_ct / folder).iterdir())[::10]:
        read = dcmread(path, stop_before_pixels=True)
        place = identity_of(split(path.read_bytes()), str(read.file_meta.TransferSyntaxUID)).place
        row, column = np.reshape(np.asarray(read.ImageOrientationPatient, float), (2, 3))
        along = np.dot(np.cross(row, column), np.asarray(read.ImagePositionPatient, float))
        assert place.number == read.InstanceNumber
        assert place.position_mm == pytest.approx(along, abs=1e-3)


@pytest.mark.parametrize(
    "keyword", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]
)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_uid_is_named(keyword: str, value: str | None) -> None:
    """Absent and empty are the same: a study cannot be assembled without it."""
    with pytest.raises(AttributeMissing) as raised:
        identity_of(encoded(small_ct(**{keyword: value})))
    assert raised.value.facts["keyword"] == keyword


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("uid", ["1.2.x", "../../etc", "1..2", "1.02", "1." * 40 + "1", "1 2"])
def test_an_invalid_uid_is_named_but_not_repeated(uid: str) -> None:
    """What stands in a wrong UID may be anything, so the message does not carry it."""
    with pytest.raises(InvalidUid) as raised:
        identity_of(encoded(small_ct(StudyInstanceUID=uid)))
    assert raised.value.facts["keyword"] == "StudyInstanceUID"
    assert uid not in str(raised.value)


@pytest.mark.parametrize("value", ["STAT", "HIGH", "ROUTINE", "MEDIUM", "LOW", " stat "])
def test_priority_at_top_level(value: str) -> None:
    """Requested Procedure Priority counts, whatever its case and padding."""
    found = identity_of(encoded(small_ct(RequestedProcedurePriority=value)))
    assert found.priority is RequestPriority(value.strip().upper())


@pytest.mark.parametrize("undefined_length", [False, True])
def test_priority_in_the_request(undefined_length: bool) -> None:
    """The most urgent of several requests counts, however the sequence is encoded."""
    requests = [Dataset(), Dataset()]
    requests[0].RequestedProcedurePriority = "LOW"
    requests[1].RequestedProcedurePriority = "STAT"
    data_set = small_ct(RequestAttributesSequence=requests)
    data_set["RequestAttributesSequence"].is_undefined_length = undefined_length
    assert identity_of(encoded(data_set)).priority is RequestPriority.STAT


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_unknown_priority_is_none() -> None:
    """A term that the standard does not know leaves the decision to the peer's rule."""
    assert identity_of(encoded(small_ct(RequestedProcedurePriority="SOON"))).priority is None


def test_too_long_identifiers_are_cut() -> None:
    """An accession number of 30 characters occurs, and must not cost the study."""
    data_set = small_ct()
    data_set.add_new(0x00080050, "LO", "X" * 30)
    assert identity_of(encoded(data_set)).accession_number == "X" * 30


@pytest.mark.parametrize(
    ("character_set", "patient_id"), [("ISO_IR 192", "Ø-12"), ("ISO_IR 100", "Ä-7"), ("", "A-1")]
)
def test_identifiers_in_their_character_set(character_set: str, patient_id: str) -> None:
    """An identifier with letters beyond ASCII is read in the character set that is named."""
    data_set = small_ct(SpecificCharacterSet=character_set, PatientID=patient_id)
    assert identity_of(encoded(data_set)).patient_id == patient_id


@pytest.mark.filterwarnings("ignore:.*character set", "ignore:Incorrect value for Specific")
@pytest.mark.parametrize("vr", ["SH", "ST", "UT", "OB"])
def test_a_patient_id_under_another_vr(vr: str) -> None:
    """The bytes of a text are the same; those of a number are none."""
    data_set = small_ct()
    data_set.add_new(0x00100020, vr, b"P-7 " if vr == "OB" else "P-7")
    assert identity_of(encoded(data_set)).patient_id == "P-7"
    data_set.add_new(0x00100020, "US", 0x4241)
    assert identity_of(encoded(data_set)).patient_id == ""


def test_an_identifier_with_escape_sequences() -> None:
    """ISO 2022 is undone as the worker undoes it, which compares the two."""
    data_set = small_ct(SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientID="山田-7")
    assert identity_of(encoded(data_set)).patient_id == "山田-7"


def test_control_characters_do_not_reach_the_database() -> None:
    """PostgreSQL takes no zero byte in a text."""
    content = encoded(small_ct(PatientID="ABCD")).replace(b"ABCD", b"A\0\x1bD")
    assert identity_of(content).patient_id == "AD"


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_other_encodings(syntax: str) -> None:
    """Implicit VR and big endian are read too."""
    data_set = small_ct()
    data_set.file_meta.TransferSyntaxUID = syntax  # type: ignore[assignment]
    assert identity_of(encoded(data_set), syntax).sop_instance_uid == f"{SERIES}.1"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_explicit_vr_in_an_implicit_context() -> None:
    """A sender that encodes otherwise than agreed is understood, as pydicom will later."""
    found = identity_of(encoded(small_ct()), ImplicitVRLittleEndian)
    assert found.study_instance_uid == STUDY


def deflate(content: bytes) -> bytes:
    """Deflate as PS3.5 Section A.5 says: without header."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflater.compress(content) + deflater.flush()


def test_a_deflate_bomb_is_refused() -> None:
    """A kilobyte that inflates to a gigabyte is refused before it takes the memory."""
    bomb = deflate(encoded(small_ct()) + bytes(50_000_000))
    assert len(bomb) < 100_000
    with pytest.raises(DataSetUnreadable, match="inflates to more"):
        identity_of(bomb, DeflatedExplicitVRLittleEndian)


@pytest.mark.parametrize("keep", [0, 1, 20, 100])
def test_a_cut_deflated_data_set_is_refused(keep: int) -> None:
    """A deflate stream without its end is not taken for whole."""
    with pytest.raises(DataSetUnreadable):
        identity_of(deflate(encoded(small_ct()))[:keep], DeflatedExplicitVRLittleEndian)


def test_many_elements_are_refused() -> None:
    """A data set of endless empty elements ends early."""
    element = b"\x09\x00\x10\x10LO\x00\x00"
    with pytest.raises(DataSetUnreadable, match="too many"):
        identity_of(element * 100_000)


def test_many_elements_within_a_sequence_are_refused() -> None:
    """pydicom reads an undefined length to its end, and half a minute for a few megabytes."""
    opened = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff"
    empty_item = b"\xfe\xff\x00\xe0\x00\x00\x00\x00"
    with pytest.raises(DataSetUnreadable, match="too many elements"):
        identity_of(opened + empty_item * 150_000)


@pytest.mark.parametrize("undefined_length", [True, False])
def test_a_long_list_of_images_is_read(undefined_length: bool) -> None:
    """A reformatted image names some thousand that it was made of."""
    named = Dataset()
    named.ReferencedSOPClassUID, named.ReferencedSOPInstanceUID = "1.2.3", "1.2.3.4"
    instance = small_ct()
    instance.add_new(0x00081140, "SQ", [named] * 4_000)
    instance[0x00081140].is_undefined_length = undefined_length
    assert identity_of(encoded(instance)).study_instance_uid == STUDY


@pytest.mark.parametrize(("more", "priority"), [(0, RequestPriority.HIGH), (9_000, None)])
def test_requests_without_end_state_nothing(more: int, priority: RequestPriority | None) -> None:
    """Else a megabyte of empty items is four seconds of a processor and a hundred MB."""
    request = Dataset()
    request.RequestedProcedurePriority = "HIGH"
    instance = small_ct()
    instance.RequestAttributesSequence = [request, *(Dataset() for _ in range(more))]
    assert identity_of(encoded(instance)).priority is priority


def test_deep_nesting_is_refused() -> None:
    """A hundred thousand sequences in each other end in a refusal, not in the stack."""
    opened = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    with pytest.raises(DataSetUnreadable):
        identity_of(opened * 100_000)


@given(keep=st.integers(min_value=0, max_value=2000))
def test_no_cut_passes_as_whole(keep: int) -> None:
    """A data set that ends anywhere but between two elements is refused."""
    whole = encoded(small_ct())
    ends = _element_ends(whole)
    cut = whole[: min(keep, len(whole))]
    if len(cut) in ends:
        return
    with pytest.raises(InstanceRefused):
        identity_of(cut)


def _element_ends(content: bytes) -> set[int]:
    ends = {0}
    offset = 0
    while offset < len(content):
        long = content[offset + 4 : offset + 6] in (b"OW", b"SQ", b"OB", b"UN")
        at = offset + (8 if long else 6)
        length = int.from_bytes(content[at : at + (4 if long else 2)], "little")
        offset = at + (4 if long else 2) + length
        ends.add(offset)
    return ends


SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]


@pytest.mark.filterwarnings("ignore")
@given(content=st.binary(max_size=3000), syntax=st.sampled_from(SYNTAXES))
def test_any_bytes_are_read_or_refused(content: bytes, syntax: str) -> None:
    """No bytes lead to anything but an identity or a refusal."""
    with contextlib.suppress(InstanceRefused):
        identity_of(content, syntax)


@pytest.mark.filterwarnings("ignore")
@given(
    changes=st.lists(
        st.tuples(st.integers(min_value=0, max_value=900), st.binary(min_size=1, max_size=8)),
        min_size=1,
        max_size=6,
    ),
    implicit=st.booleans(),
)
def test_damaged_data_sets_are_read_or_refused(
    changes: list[tuple[int, bytes]], implicit: bool
) -> None:
    """A data set with some bytes replaced leads to an identity or a refusal."""
    data_set = small_ct(RequestAttributesSequence=[Dataset()])
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    data_set.file_meta.TransferSyntaxUID = syntax
    content = bytearray(encoded(data_set))
    for offset, replacement in changes:
        content[offset : offset + len(replacement)] = replacement
    with contextlib.suppress(InstanceRefused):
        identity_of(bytes(content), syntax)


@pytest.mark.parametrize("stated", ["HOSPITAL", "", "x" * 99])
def test_who_issued_the_patient_id(stated: str) -> None:
    """Issuer of Patient ID is read, and cut to what LO may hold."""
    data_set = small_ct()
    issuer = DataElement("IssuerOfPatientID", "LO", stated, validation_mode=IGNORE)
    data_set.add(issuer)
    assert identity_of(encoded(data_set)).issuer_of_patient_id == stated[:64]
