"""Patient and study of a source whose explicit VRs are not those of PS3.6."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import DataElement, Dataset, dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword

from radiology.errors import PatientUnreadable
from tests.unit.worker.encode.encoded_chest import (
    ChestContext,
    original_files,
    prove,
    reread,
    result_context,
)
from worker.encode import encode_results

# As gateways and converters write them; the values are those of `encoded_chest`.
OTHER_VRS = {
    "PatientID": "SH",
    "AccessionNumber": "LO",
    "IssuerOfPatientID": "ST",
    "PatientName": "LO",
    "PatientBirthDate": "LO",
    "PatientSex": "SH",
    "PatientAge": "SH",
    "StudyInstanceUID": "LO",
    "StudyDate": "LO",
    "StudyTime": "DT",
    "StudyID": "CS",
    "StudyDescription": "UT",
    "ReferringPhysicianName": "LO",
}


def with_vrs(vrs: dict[str, str], **values: object) -> ChestContext:
    """A context whose headers have some elements under other VRs."""
    context = result_context()
    for header in context.headers:
        for keyword in values.keys() - vrs.keys():
            setattr(header, keyword, values[keyword])
        for keyword, vr in vrs.items():
            value = values[keyword] if keyword in values else header[keyword].value
            plain = value if isinstance(value, bytes | int) else str(value)
            tag = tag_for_keyword(keyword)
            assert tag is not None
            header[tag] = DataElement(tag, vr, plain)
    return context


def received(context: ChestContext, folder: Path) -> ChestContext:
    """The same with headers that were read from files, as in a worker."""
    files = original_files(context.headers, folder)
    return replace(context, headers=[dcmread(path) for path in files])


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("read_from_files", [True, False], ids=["as received", "decoded before"])
def test_what_comes_under_another_vr_is_copied_under_its_own(
    read_from_files: bool, tmp_path: Path
) -> None:
    """A PACS files what has no Patient ID under nobody; the proof sees what is copied."""
    context = with_vrs(OTHER_VRS)
    context = received(context, tmp_path) if read_from_files else context
    meant = result_context().headers[0]
    made = encode_results(context)
    for one in made:
        stored = reread(one.dataset)
        for keyword in OTHER_VRS:
            assert dictionary_VR(meant[keyword].tag) == stored[keyword].VR, keyword
            assert stored[keyword].value == meant[keyword].value, (one.kind, keyword)
    prove(context, made)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("vr", ["OB", "UN", "OW", "CS", "UI", "PN", "UT"])
def test_a_patient_id_keeps_its_letters_under_any_vr(vr: str, tmp_path: Path) -> None:
    """Bytes, and VRs that the character set does not apply to, hold the same text."""
    stated = "Ä-17".encode("latin-1")
    context = with_vrs({}, PatientID="Ä-17")
    files = original_files(context.headers, tmp_path)
    short = b"\x10\x00\x20\x00LO\x04\x00" + stated
    head = b"\x10\x00\x20\x00" + vr.encode()
    long = vr in ("OB", "UN", "OW", "UT")
    other = head + (b"\0\0\x04\0\0\0" if long else b"\x04\x00") + stated
    for path in files:
        content = path.read_bytes()
        assert content.count(short) == 1
        path.write_bytes(content.replace(short, other))
    context = replace(context, headers=[dcmread(path) for path in files])
    made = [one for one in encode_results(context) if one.kind.value == "SC"]
    assert reread(made[0].dataset).PatientID == "Ä-17"
    assert reread(made[0].dataset)["PatientID"].VR == "LO"


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [("PatientID", "US", 12345), ("AccessionNumber", "UL", 7), ("PatientBirthDate", "SS", 1960)],
)
def test_a_number_that_stands_for_a_text_is_refused(keyword: str, vr: str, value: int) -> None:
    """Its bytes mean nothing as a text: better no object than one of nobody."""
    with pytest.raises(PatientUnreadable, match=f"attribute={keyword}") as caught:
        encode_results(with_vrs({keyword: vr}, **{keyword: value}))
    assert str(value) not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_a_weight_that_cannot_be_read_costs_no_result(tmp_path: Path) -> None:
    """What no archive files by is left out where it cannot be read; the proof lets that pass."""
    vrs = {"PatientWeight": "US", "PatientSize": "LO"}
    context = received(with_vrs(vrs, PatientWeight=70, PatientSize="1.80"), tmp_path)
    made = encode_results(context)
    assert all("PatientWeight" not in one.dataset for one in made)
    assert all(one.dataset.PatientSize == 1.8 for one in made)
    prove(context, made)


def test_the_issuers_qualifiers_are_copied_from_bytes(tmp_path: Path) -> None:
    """A sequence that a gateway did not know came as UN, or as OB."""
    item = Dataset()
    item.UniversalEntityID, item.UniversalEntityIDType = "1.2.3.4.5", "ISO"
    context = with_vrs({}, IssuerOfPatientIDQualifiersSequence=[item])
    files = original_files(context.headers, tmp_path)
    for path in files:
        content = path.read_bytes()
        assert content.count(b"\x10\x00\x24\x00SQ") == 1
        path.write_bytes(content.replace(b"\x10\x00\x24\x00SQ", b"\x10\x00\x24\x00OB"))
    context = replace(context, headers=[dcmread(path) for path in files])
    (made,) = [one for one in encode_results(context) if one.kind.value == "SC"]
    (copied,) = reread(made.dataset).IssuerOfPatientIDQualifiersSequence
    assert copied.UniversalEntityID == "1.2.3.4.5"
