"""WADO-RS: instances, metadata, bulk data and frames, each as PS3.18 has it, or a clear refusal."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)
from structlog.testing import capture_logs

from database.flags.rules import FlagRules
from database.results.withdrawals import mark_withdrawn
from database.session import transaction
from database.states import RejectionReason
from settings.environment import Settings
from tests.builders.stored.held_study import hold_instances, hold_results
from tests.unit.dicom_node.small_ct import SERIES, STUDY
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.dicomweb.small_study import (
    FRAMES,
    MULTIPART,
    RESULT_SERIES,
    ROOT,
    SmallStudy,
    capture,
    parts_of,
    remove_originals,
    slices,
    stored_pixels,
)
from tests.unit.worklist.seeding import SeededHospital


def test_a_study_comes_as_it_is_stored(web: Visitor, study: SmallStudy) -> None:
    """Originals and result, byte by byte."""
    answer = web.get(study.address, {"Accept": f"{MULTIPART}; transfer-syntax=*"})
    assert answer.status_code == 200
    parts = parts_of(answer)
    assert [content for _, content in parts[:3]] == [path.read_bytes() for path in study.files]
    assert dcmread(io.BytesIO(parts[3][1])).SOPInstanceUID == study.result.SOPInstanceUID
    assert {kind for kind, _ in parts} == {
        f"application/dicom; transfer-syntax={ExplicitVRLittleEndian}"
    }


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless], ids=lambda one: one.name
)
def test_the_default_is_explicit_little_endian(
    web: Visitor, hospital: SeededHospital, site: Settings, syntax: str
) -> None:
    """Whatever is stored is decoded, unless any transfer syntax will do; no value changes."""
    (original,) = slices(1)
    stored = _in_syntax(original, syntax)
    (path,) = hold_instances(site, hospital.engine, [stored])
    address = f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1"
    ((kind, content),) = parts_of(web.get(address, {"Accept": MULTIPART}))
    assert kind.endswith(ExplicitVRLittleEndian)
    decoded = dcmread(io.BytesIO(content))
    assert decoded.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert decoded.SOPInstanceUID == original.SOPInstanceUID
    assert decoded.PixelData == stored_pixels(1)
    ((kind, content),) = parts_of(web.get(address, {"Accept": f"{MULTIPART}; transfer-syntax=*"}))
    assert kind.endswith(f"={syntax}")
    assert content == path.read_bytes()
    single = web.get(address, {"Accept": "application/dicom"})
    assert single.headers["content-type"] == "application/dicom"
    assert dcmread(io.BytesIO(single.content)).PixelData == stored_pixels(1)


def _in_syntax(original: Dataset, syntax: str) -> Dataset:
    if syntax == RLELossless:
        original.compress(RLELossless, generate_instance_uid=False)
    else:
        original.file_meta.TransferSyntaxUID = syntax  # type: ignore[assignment]
    if syntax == ExplicitVRBigEndian:
        original.PixelData = np.frombuffer(original.PixelData, "<u2").astype(">u2").tobytes()
    return original


def test_what_cannot_be_had_is_not_acceptable(web: Visitor, study: SmallStudy) -> None:
    """406 with what can be had: other media types, transfer syntaxes we do not make, XML."""
    for address, accept in (
        (study.address, "application/dicom"),  # four instances in one part
        (study.address, f"{MULTIPART}; transfer-syntax={RLELossless}"),
        (study.address, "image/jpeg"),
        (f"{study.address}/metadata", 'multipart/related; type="application/dicom+xml"'),
        (f"{study.instance()}/frames/1", 'multipart/related; type="image/jls"'),
        (f"{study.instance()}/rendered", "video/mp4"),
        (f"{study.instance()}/bulkdata/7FE00010", "image/png"),
        (f"{ROOT}/studies", "application/dicom+xml"),
    ):
        answer = web.get(address, {"Accept": accept})
        assert answer.status_code == 406, (address, accept, answer.text)
        assert answer.headers["content-type"].startswith("text/plain")
        assert "can be had as" in answer.text


def test_metadata_have_everything_but_the_bulk(web: Visitor, study: SmallStudy) -> None:
    """Each attribute by the DICOM JSON Model, and pixels by an address that leads to them."""
    answer = web.get(f"{study.address}/metadata", {"Accept": "application/dicom+json"})
    assert answer.headers["content-type"] == "application/dicom+json"
    metadata = answer.json()
    assert len(metadata) == 4
    first = metadata[0]
    assert first["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Not^To^Be^Logged"}]}
    assert first["00281053"] == {"vr": "DS", "Value": [1]}
    assert first["00280010"] == {"vr": "US", "Value": [16]}
    assert first["00083002"]["Value"] == [str(ExplicitVRLittleEndian)]
    address = first["7FE00010"]["BulkDataURI"]
    assert set(first["7FE00010"]) == {"vr", "BulkDataURI"}
    bulk = web.get(address, {"Accept": "application/octet-stream"})
    assert bulk.content == stored_pixels(1)
    ((_, content),) = parts_of(web.get(address, {"Accept": FRAMES}))
    assert content == stored_pixels(1)
    one = web.get(f"{study.instance(2)}/metadata").json()
    assert one == [metadata[1]]


def test_metadata_survive_what_scanners_write(
    web: Visitor, hospital: SeededHospital, site: Settings
) -> None:
    """Numbers that are none, other character sets, private and nested values: valid JSON."""
    (odd,) = slices(1)
    odd.SpecificCharacterSet = "GB18030"
    odd.PatientName = "Wang^XiaoDong=王^小东"
    odd.add_new(0x00291001, "OB", b"\0\1")
    odd.add_new(0x00291002, "OB", b"\7" * 5000)
    odd.add_new(0x00189087, "FD", float("nan"))
    item = Dataset()
    item.add_new(0x00291003, "OB", b"\5" * 3000)
    odd.RequestAttributesSequence = [item]
    (path,) = hold_instances(site, hospital.engine, [odd])
    wrong = path.read_bytes().replace(b"DS\x06\x00-1024 ", b"DS\x06\x00minus ")
    assert wrong != path.read_bytes()
    path.write_bytes(wrong)
    answer = web.get(f"{ROOT}/studies/{STUDY}/metadata")
    (found,) = json.loads(answer.text, parse_constant=lambda name: pytest.fail(name))
    assert found["00100010"]["Value"] == [{"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小东"}]
    assert found["00080005"]["Value"] == ["ISO_IR 192"]
    assert found["00189087"]["Value"] == ["NaN"]
    assert found["00281052"] == {"vr": "DS", "Value": ["minus"]}
    assert found["00291001"]["InlineBinary"] == "AAE="
    assert web.get(found["00291002"]["BulkDataURI"]).content == b"\7" * 5000
    nested = found["00400275"]["Value"][0]["00291003"]["BulkDataURI"]
    assert web.get(nested).content == b"\5" * 3000


def test_frames_decoded_and_as_stored(
    web: Visitor, hospital: SeededHospital, site: Settings
) -> None:
    """Of a compressed image both; the order is that of the request."""
    (original,) = slices(1)
    original.NumberOfFrames = 3
    pixels = np.arange(3 * 256, dtype="<u2")
    original.PixelData = pixels.tobytes()
    original.compress(RLELossless, generate_instance_uid=False)
    hold_instances(site, hospital.engine, [original])
    address = f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1"
    parts = parts_of(web.get(f"{address}/frames/3,1", {"Accept": FRAMES}))
    assert [content for _, content in parts] == [
        pixels[512:].tobytes(),
        pixels[:256].tobytes(),
    ]
    assert parts[0][0] == f"application/octet-stream; transfer-syntax={ExplicitVRLittleEndian}"
    any_syntax = "multipart/related; type=application/octet-stream; transfer-syntax=*"
    ((kind, content),) = parts_of(web.get(f"{address}/frames/2", {"Accept": any_syntax}))
    assert kind == f"application/octet-stream; transfer-syntax={RLELossless}"
    assert content in original.PixelData
    ((kind, same),) = parts_of(
        web.get(f"{address}/frames/2", {"Accept": 'multipart/related; type="image/dicom-rle"'})
    )
    assert (kind.partition(";")[0], same) == ("image/dicom-rle", content)
    assert web.get(f"{address}/frames/4", {"Accept": FRAMES}).status_code == 404
    assert web.get(f"{address}/frames/1,1", {"Accept": FRAMES}).status_code == 400


@pytest.mark.parametrize("what", ["", "/frames/1", "/rendered"])
def test_pixels_that_promise_gigabytes_are_not_decoded(
    web: Visitor, hospital: SeededHospital, site: Settings, what: str
) -> None:
    """A small compressed file says that it is huge: refused by what it says, before a decoder."""
    (original,) = slices(1)
    original.compress(RLELossless, generate_instance_uid=False)
    original.Rows = original.Columns = 20_000
    (path,) = hold_instances(site, hospital.engine, [original])
    address = f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1"
    kind = {"": MULTIPART, "/frames/1": FRAMES, "/rendered": "image/png"}[what]
    answer = web.get(f"{address}{what}", {"Accept": kind})
    assert answer.status_code == 406
    assert "transfer-syntax=*" in answer.text
    as_stored = web.get(address, {"Accept": f"{MULTIPART}; transfer-syntax=*"})
    assert parts_of(as_stored)[0][1] == path.read_bytes()


@pytest.mark.parametrize("kind", ["native", "one bit", "RLE", "deflated"])
def test_frames_that_are_not_there_are_told_before_any_is_sent(
    web: Visitor, hospital: SeededHospital, site: Settings, kind: str
) -> None:
    """More frames are stated than the file has: 500 in words, and no answer that ends in the
    middle. Those that are there can be had."""
    (original,) = slices(1)
    original.NumberOfFrames = 3
    original.PixelData = bytes(3 * 512)
    if kind == "one bit":
        original.BitsAllocated = original.BitsStored = 1
        original.HighBit = 0
        original.PixelData = bytes(3 * 32)
    elif kind == "RLE":
        original.compress(RLELossless, generate_instance_uid=False)
    elif kind == "deflated":
        original.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    original.NumberOfFrames = 5
    hold_instances(site, hospital.engine, [original])
    address = f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1"
    for what in ("bulkdata/7FE00010", "frames/1,4", "frames/5"):
        answer = web.get(f"{address}/{what}", {"Accept": FRAMES})
        assert answer.status_code == 500, what
        assert "cannot be read" in answer.text
    assert len(parts_of(web.get(f"{address}/frames/3,1", {"Accept": FRAMES}))) == 2


def test_a_damaged_frame_is_told_before_bulk_data_is_sent(
    web: Visitor, hospital: SeededHospital, site: Settings
) -> None:
    """The last of some compressed frames cannot be decoded: 500, and not the frames before it."""
    (original,) = slices(1)
    original.NumberOfFrames = 3
    original.PixelData = np.arange(3 * 256, dtype="<u2").tobytes()
    original.compress(RLELossless, generate_instance_uid=False)
    original.PixelData = original.PixelData[:-80] + b"\x81" * 72 + original.PixelData[-8:]
    hold_instances(site, hospital.engine, [original])
    address = f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1"
    assert web.get(f"{address}/bulkdata/7FE00010", {"Accept": FRAMES}).status_code == 500
    assert web.get(f"{address}/frames/1,2", {"Accept": FRAMES}).status_code == 200


def test_frames_of_one_bit_begin_at_a_byte(
    web: Visitor, hospital: SeededHospital, site: Settings
) -> None:
    """Segmentations have one bit a pixel; a frame of 15 bits is two bytes of its own."""
    (original,) = slices(1)
    masks = np.random.default_rng(1).integers(0, 2, (4, 3, 5), np.uint8)
    original.NumberOfFrames, original.Rows, original.Columns = masks.shape
    original.BitsAllocated = original.BitsStored = 1
    original.HighBit = 0
    original.PixelData = np.packbits(masks.ravel(), bitorder="little").tobytes()
    hold_instances(site, hospital.engine, [original])
    address = f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1/frames/1,2,3,4"
    for mask, (_, content) in zip(
        masks, parts_of(web.get(address, {"Accept": FRAMES})), strict=True
    ):
        bits = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
        assert np.array_equal(bits[:15].reshape(3, 5), mask)


def test_results_in_force_are_held_and_no_others(
    web: Visitor, hospital: SeededHospital, site: Settings, study: SmallStudy
) -> None:
    """A superseded result gives way to the newer one; a withdrawn one is gone, as on the page."""
    result = f"{study.address}/series/{RESULT_SERIES}/instances/{RESULT_SERIES}"
    assert web.get(f"{result}.1/metadata").status_code == 200
    hold_instances(site, hospital.engine, slices(4)[3:])
    newer = hold_results(site, hospital.engine, STUDY, [capture(number=2)])
    assert web.get(f"{result}.1/metadata").status_code == 404
    assert web.get(f"{result}.2/metadata").status_code == 200
    with transaction(hospital.engine) as session:
        mark_withdrawn(
            session, newer, RejectionReason.QUALITY, FlagRules((), site.flagging), hospital.now
        )
    assert web.get(f"{result}.2/metadata").status_code == 404
    found = web.get(f"{study.address}/series").json()
    assert [one["0020000E"]["Value"] for one in found] == [[SERIES]]


def test_a_file_that_is_gone_is_told(web: Visitor, study: SmallStudy) -> None:
    """What is left comes as a part of what was asked for."""
    study.files[0].unlink()
    accept = {"Accept": f"{MULTIPART}; transfer-syntax=*"}
    answer = web.get(study.series, accept)
    assert answer.status_code == 206
    assert len(parts_of(answer)) == 2
    assert web.get(study.instance(1), accept).status_code == 404


def test_images_that_went_by_their_age_are_no_fault(
    web: Visitor, hospital: SeededHospital, study: SmallStudy
) -> None:
    """What is left is a part of the study, and the log complains of nothing."""
    remove_originals(hospital, study)
    accept = {"Accept": f"{MULTIPART}; transfer-syntax=*"}
    with capture_logs() as lines:
        answer = web.get(study.address, accept)
        assert web.get(study.instance(1), accept).status_code == 404
    assert answer.status_code == 206
    assert len(parts_of(answer)) == 1
    assert [one["event"] for one in lines if one["log_level"] == "error"] == []


def test_a_damaged_file_is_an_error_without_its_content(web: Visitor, study: SmallStudy) -> None:
    """500 in words; nothing of the file stands in the answer."""
    study.files[0].write_bytes(b"Not^To^Be^Logged" * 20)
    for what in ("metadata", "frames/1", "rendered", "bulkdata/7FE00010"):
        answer = web.get(f"{study.instance(1)}/{what}")
        assert answer.status_code == 500, what
        assert "cannot be read" in answer.text
        assert "Logged" not in answer.text
