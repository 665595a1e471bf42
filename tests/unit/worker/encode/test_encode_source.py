"""What the result objects take over from the headers of the source, odd ones and real ones too."""

from __future__ import annotations

import logging
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from chest.values.regions import ChestRegions
from radiology.identity import derived_uid
from radiology.image.volume import SourceFrame, Volume
from tests.peers.dicom.dicom3tools import Checker
from tests.unit.worker.encode.encoded_chest import (
    ENHANCED,
    EVERY_KIND,
    Chest,
    ChestContext,
    encoded,
    prove,
    remade,
    reread,
    result_context,
)
from worker.encode import (
    EncodedKind,
    encode_measurement_report,
    encode_results,
)


def kinds_of(context: ChestContext) -> list[str]:
    return [str(one.kind) for one in encode_results(context)]


COPIED = (
    "SpecificCharacterSet",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "StudyDescription",
    "ReferringPhysicianName",
)


@EVERY_KIND
@ENHANCED
def test_patient_and_study_are_those_of_the_source(kind: str, enhanced: bool) -> None:
    """A result in a study of its own, or of another patient, is worse than none."""
    context = result_context(kind, Chest(enhanced=enhanced))
    for dataset in encoded(kind, enhanced).values():
        stored = reread(dataset)
        for keyword in COPIED:
            assert stored[keyword].value == context.headers[0][keyword].value, keyword
        assert stored.SeriesInstanceUID != context.headers[0].SeriesInstanceUID


def odd_context() -> ChestContext:
    """A study as some scanners and gateways send it."""
    context = result_context()
    for header in context.headers:
        for keyword in ("AccessionNumber", "StudyID", "ReferringPhysicianName", "Manufacturer"):
            delattr(header, keyword)
        header.PatientSex = "U"
        header.PatientName = "NoCaret Here"
        header.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
        header.LossyImageCompression, header.LossyImageCompressionRatio = "01", 8
        header.LossyImageCompressionMethod = "ISO_10918_1"
        header.TimezoneOffsetFromUTC = "-0500"
    return context


def test_odd_attributes_of_the_source_are_copied_as_they_are(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Missing and unusual values neither stop the encoding, nor change, nor reach a log."""
    caplog.set_level(logging.DEBUG)
    for one in encode_results(odd_context()):
        stored = reread(one.dataset)
        assert (stored.PatientSex, stored.PatientName) == ("U", "NoCaret Here")
        assert list(stored.SpecificCharacterSet) == ["", "ISO 2022 IR 87"]
        assert not stored.get("AccessionNumber")
        if one.kind is not EncodedKind.SR:
            assert stored.LossyImageCompression == "01"
    assert "NoCaret" not in caplog.text


def test_a_study_that_was_de_identified_stays_so() -> None:
    """PS3.3 C.7.1.1 wants the method stated; where the source does not, we say that it did not."""
    context = result_context()
    for header in context.headers:
        header.PatientIdentityRemoved = "YES"
    for one in encode_results(context):
        assert one.dataset.PatientIdentityRemoved == "YES"
        assert one.dataset.DeidentificationMethod == "Not stated by the source"
    context.headers[0].DeidentificationMethod = "By hand"
    (report,) = (one for one in encode_results(replace(context)) if one.kind is EncodedKind.SR)
    assert report.dataset.DeidentificationMethod == "By hand"


def test_times_are_on_the_clock_of_the_study() -> None:
    """PS3.3 C.12.1.1.8: one offset holds for all times of an object, the copied ones too."""
    made = encode_measurement_report(odd_context())
    assert made is not None
    assert made.TimezoneOffsetFromUTC == "-0500"
    assert (str(made.ContentDate), str(made.ContentTime)) == ("20260304", "091617")
    plain = encoded()["SR"]
    assert "TimezoneOffsetFromUTC" not in plain
    assert str(plain.ContentTime) == "151617"


def test_an_invalid_value_of_the_source_does_not_stop_the_encoding() -> None:
    """A weight with a unit, which is no DS, does not cost the patient the result."""
    context = result_context()
    buffer = BytesIO()
    header = context.headers[0]
    header.PatientWeight = 83.5
    header.save_as(buffer, implicit_vr=False, little_endian=True)
    broken = dcmread(BytesIO(buffer.getvalue().replace(b"83.5", b"83kg")), force=True)
    assert broken.PatientWeight == "83kg"
    headers = [broken, *context.headers[1:]]
    for one in encode_results(replace(context, headers=headers)):
        assert reread(one.dataset).PatientID == "P-17"


def test_a_sequence_that_is_cut_off_does_not_stop_the_encoding() -> None:
    """A method of de-identification that cannot be read is one that the source does not state."""
    context = result_context()
    method = Tag("DeidentificationMethodCodeSequence")
    for header in context.headers:
        header.PatientIdentityRemoved = "YES"
        header[method] = RawDataElement(method, "SQ", 3, b"\xfe\xff\x00", 0, False, True)
    for one in encode_results(context):
        assert one.dataset.DeidentificationMethod == "Not stated by the source"
        assert method not in one.dataset


def test_encoding_leaves_the_source_as_it_was() -> None:
    """Changing a result afterwards changes neither the source nor another result."""
    context = result_context()
    before = deepcopy(context.headers)
    first, second, *_ = encode_results(context)
    first.dataset.PatientID = "CHANGED"
    first.dataset.ContributingEquipmentSequence[0].Manufacturer = "CHANGED"
    assert context.headers == before
    assert second.dataset.PatientID == "P-17"
    assert second.dataset.ContributingEquipmentSequence[0].Manufacturer == "ACME"


def _each_its_own(context: ChestContext) -> None:
    for number, header in enumerate(context.headers):
        header.FrameOfReferenceUID = f"1.2.3.3.{number}"
        header.PositionReferenceIndicator = "XY"


def _none(context: ChestContext) -> None:
    for header in context.headers:
        del header.FrameOfReferenceUID


def _some(context: ChestContext) -> None:
    del context.headers[2].FrameOfReferenceUID


@pytest.mark.parametrize("change", [_each_its_own, _none, _some])
def test_a_source_without_a_common_frame_of_reference_gets_one(
    change: Callable[[ChestContext], None], dciodvfy: Checker
) -> None:
    """It follows from the series, is none of the source's, and is the same each time."""
    context = result_context()
    change(context)
    made = {one.kind: one.dataset for one in encode_results(context)}
    seg = made[EncodedKind.SEG]
    assert dciodvfy(seg).errors == ()
    assert seg.FrameOfReferenceUID == derived_uid("frame of reference", "1.2.3.2")
    assert seg.PositionReferenceIndicator == ""
    assert kinds_of(context) == ["SEG", "SR", "SC"]
    prove(context, encode_results(context))


def test_orientations_may_differ_in_the_last_digit() -> None:
    """Scanners write direction cosines that differ by rounding from slice to slice."""
    context = result_context()
    context.headers[3].ImageOrientationPatient = [1.0, 0.000001, 0, 0, 1, 0]
    assert kinds_of(context) == ["SEG", "SR", "SC"]


def test_naive_times_are_taken_as_they_are() -> None:
    """A caller that passes local time gets local time."""
    context = odd_context()
    noon = datetime(2026, 1, 2, 12, 0, tzinfo=UTC).replace(tzinfo=None)
    made = encode_measurement_report(replace(context, content_datetime=noon))
    assert made is not None
    assert (str(made.ContentDate), str(made.ContentTime)) == ("20260102", "120000")


def real_context(folder: Path) -> ChestContext:
    """Every fifth real header of a study, with drawn voxels: what counts here is the header."""
    headers = [dcmread(path, stop_before_pixels=True) for path in sorted(folder.iterdir())[::5]]
    headers.sort(key=lambda header: float(header.ImagePositionPatient[2]))
    places = np.array([header.ImagePositionPatient for header in headers], float)
    rows_mm, columns_mm = map(float, headers[0].PixelSpacing)
    affine = np.diag([(places[-1] - places[0])[2] / (len(headers) - 1), rows_mm, columns_mm, 1])
    affine[:3, :3] = affine[[2, 1, 0], :3]
    affine[:3, 3] = places[0]
    model = result_context(chest=Chest(shape=(len(headers), 64, 64), spacing_mm=(20, 4, 4)))
    times = headers[0].Rows // 64
    frames = tuple(SourceFrame(str(header.SOPInstanceUID)) for header in headers)
    volume = Volume(enlarged(model.volume.hounsfield, times), affine, frames)
    regions = ChestRegions(
        lungs=enlarged(model.regions.lungs, times), lesions=enlarged(model.regions.lesions, times)
    )
    chest = replace(model.chest, regions=regions)
    return remade(model, headers=headers, volume=volume, chest=chest)


def enlarged(voxels: NDArray[Any], times: int) -> NDArray[Any]:
    return voxels.repeat(times, axis=1).repeat(times, axis=2)


@pytest.mark.parametrize("study", ["covid-P001", "lung-tumour-8mm", "tiny-64x64"])
def test_real_headers_give_valid_objects(study: str, shared_ct: Path, dciodvfy: Checker) -> None:
    """Headers of real scanners, de-identified and old ones too, end in valid results."""
    context = real_context(shared_ct / study)
    for one in encode_results(context):
        assert dciodvfy(one.dataset).errors == ()
        assert one.dataset.PatientID == context.headers[0].PatientID
        assert one.dataset.StudyInstanceUID == context.headers[0].StudyInstanceUID
