"""All result objects together: valid, repeatable, and in the study that was analysed."""

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
from pydicom import Dataset, dcmread
from pydicom.uid import UID

from radiology.errors import GeometryMissing
from radiology.region import ChestRegions
from radiology.volume import SourceFrame, Volume
from tests.peers.dicom3tools import ConformanceReport
from tests.unit.worker.test_encode_studies import (
    KINDS,
    ORIENTATIONS,
    Chest,
    encoded,
    result_context,
)
from worker.encode import (
    ObjectKind,
    encode_measurement_report,
    encode_results,
    encode_segmentation,
    render_key_picture,
)
from worker.encode.derived_object import ResultContext

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
ENHANCED = pytest.mark.parametrize("enhanced", [False, True], ids=["CT", "Enhanced CT"])

Checker = Callable[[Path | Dataset], ConformanceReport]


def written(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def kinds_of(context: ResultContext) -> list[str]:
    return [str(one.kind) for one in encode_results(context)]


def reread(dataset: Dataset) -> Dataset:
    return dcmread(BytesIO(written(dataset)))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("positive", ["SEG", "SR", "SC"]),
        ("negative", ["SR", "SC"]),
        ("not assessable", ["SR", "SC"]),
    ],
)
def test_which_objects_a_reading_gives(kind: str, expected: list[str]) -> None:
    """A negative is sent too, as report and picture; the segmentation only with findings."""
    assert list(encoded(kind)) == expected


def test_nothing_is_made_without_lungs() -> None:
    """Where no lungs were found there is nothing to show, by None or by empty label maps."""
    context = result_context("not assessable")
    nothing = replace(context.reading, regions=None, figures={}, key_slice=None)
    assert encode_results(replace(context, reading=nothing)) == ()
    empty = replace(context.regions, lungs=0 * context.regions.lungs)
    reading = replace(context.reading, regions=empty, key_slice=None)
    assert encode_results(replace(context, reading=reading)) == ()


@EVERY_KIND
@ENHANCED
def test_dciodvfy_finds_no_error(kind: str, enhanced: bool, dciodvfy: Checker) -> None:
    """Each object keeps to its IOD; the one warning left is that ours is a private scheme."""
    for object_kind, dataset in encoded(kind, enhanced).items():
        report = dciodvfy(dataset)
        assert report.errors == ()
        unexpected = [line for line in report.warnings if "<99FIRSTREAD>" not in line]
        assert unexpected == []
        assert object_kind == "SR" or not report.warnings


@pytest.mark.parametrize("orientation", ["coronal", "oblique"])
def test_dciodvfy_finds_no_error_in_any_orientation(orientation: str, dciodvfy: Checker) -> None:
    """Nor does the direction of the slices break anything."""
    chest = Chest(orientation=ORIENTATIONS[orientation])
    for one in encode_results(result_context(chest=chest)):
        assert dciodvfy(one.dataset).errors == ()


@EVERY_KIND
@ENHANCED
def test_the_same_reading_gives_the_same_bytes(kind: str, enhanced: bool) -> None:
    """Encoded twice, PACS gets the same instances: no clock, no chance."""
    for again in encode_results(result_context(kind, Chest(enhanced=enhanced))):
        once = encoded(kind, enhanced)[again.kind]
        assert once.SOPInstanceUID == again.dataset.SOPInstanceUID
        assert written(once) == written(again.dataset)


def test_the_order_of_the_headers_changes_nothing() -> None:
    """Instances arrive in any order; their slices have one."""
    context = result_context()
    shuffled = replace(context, headers=list(reversed(context.headers)))
    for other in encode_results(shuffled):
        assert written(other.dataset) == written(encoded()[other.kind])


def uids_of(context: ResultContext) -> set[str]:
    return {context.uid(what, kind) for what in ("series", "instance") for kind in ObjectKind}


def _without_a_slice(context: ResultContext) -> ResultContext:
    volume, regions = context.volume, context.regions
    kept = replace(regions, lungs=regions.lungs[:-1], lesions=regions.lesions[:-1])
    shorter = replace(volume, hounsfield=volume.hounsfield[:-1], frames=volume.frames[:-1])
    return replace(context, volume=shorter, reading=replace(context.reading, regions=kept))


def _by_another_bundle(context: ResultContext) -> ResultContext:
    other = replace(context.algorithm, bundle_digest="cd" * 32)
    return replace(context, reading=replace(context.reading, algorithm=other))


@pytest.mark.parametrize(
    "changed",
    [
        _without_a_slice,
        _by_another_bundle,
        lambda context: replace(context, result_version=2),
    ],
    ids=["other instances", "other bundle", "next version"],
)
def test_what_makes_another_result_makes_other_uids(
    changed: Callable[[ResultContext], ResultContext],
) -> None:
    """Instances used, bundle digest and version are what the UIDs follow from."""
    context = result_context()
    assert not uids_of(context) & uids_of(changed(context))
    assert encoded()["SC"].SOPInstanceUID in uids_of(context)


def test_each_object_has_a_series_of_its_own() -> None:
    """OHIF shows only the last report of a series; UIDs are valid and none repeats."""
    objects = list(encoded().values())
    uids = [d.SOPInstanceUID for d in objects] + [d.SeriesInstanceUID for d in objects]
    assert len(set(uids)) == len(uids)
    assert all(UID(uid).is_valid for uid in uids)
    assert len({d.SeriesNumber for d in objects}) == len(objects)


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


def test_each_object_says_who_made_it() -> None:
    """Bundle, its version and digest, our version, and the scanner as contributing equipment."""
    context = result_context()
    for made in encoded().values():
        assert made.ManufacturerModelName == context.algorithm.name
        assert context.algorithm.label in made.SoftwareVersions
        assert context.algorithm.bundle_digest in made.SoftwareVersions
        scanner, ours = made.ContributingEquipmentSequence
        assert scanner.ManufacturerModelName == "Scanner 9"
        assert ours.PurposeOfReferenceCodeSequence[0].CodeMeaning == "Processing Equipment"
        assert "Firstread" in made.SeriesDescription


def odd_context() -> ResultContext:
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
        if one.kind is not ObjectKind.SR:
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
    (report,) = (one for one in encode_results(replace(context)) if one.kind is ObjectKind.SR)
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


def test_a_source_without_frame_of_reference_is_refused() -> None:
    """Nothing can be placed in such a study; the error names no patient."""
    context = result_context()
    for header in context.headers:
        del header.FrameOfReferenceUID
    with pytest.raises(GeometryMissing) as refused:
        encode_results(context)
    assert "Frame of Reference" in str(refused.value)


def test_orientations_may_differ_in_the_last_digit() -> None:
    """Scanners write direction cosines that differ by rounding from slice to slice."""
    context = result_context()
    context.headers[3].ImageOrientationPatient = [1.0, 0.000001, 0, 0, 1, 0]
    assert kinds_of(context) == ["SEG", "SR", "SC"]


def test_the_picture_of_the_page_is_that_of_the_secondary_capture() -> None:
    """Drawn once, it serves the worklist page and PACS."""
    context = result_context()
    picture = render_key_picture(context)
    with_it = encode_results(context, picture=picture)
    assert written(with_it[-1].dataset) == written(encoded()["SC"])


def test_several_multi_frame_instances_make_one_result() -> None:
    """An Enhanced CT may be split into instances; each slice refers to the one it came from."""
    context = result_context(chest=Chest(enhanced=True))
    half = context.volume.shape[0] // 2
    front, back = deepcopy(context.headers[0]), deepcopy(context.headers[0])
    back.SOPInstanceUID = "1.2.3.4.200"
    frames = list(context.volume.frames)
    for place in range(half):
        frames[place] = SourceFrame("1.2.3.4.200", frames[place].frame_number)
    split = replace(
        context,
        headers=[front, back],
        volume=replace(context.volume, frames=tuple(frames)),
    )
    seg = encode_segmentation(split)
    assert seg is not None
    (series,) = seg.ReferencedSeriesSequence
    named = [item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence]
    assert sorted(named) == ["1.2.3.4.100", "1.2.3.4.200"]
    assert np.array_equal(
        np.frombuffer(seg.PixelData, np.uint8),
        np.frombuffer(encoded("positive", True)["SEG"].PixelData, np.uint8),
    )


def test_naive_times_are_taken_as_they_are() -> None:
    """A caller that passes local time gets local time."""
    context = odd_context()
    noon = datetime(2026, 1, 2, 12, 0, tzinfo=UTC).replace(tzinfo=None)
    made = encode_measurement_report(replace(context, content_datetime=noon))
    assert made is not None
    assert (str(made.ContentDate), str(made.ContentTime)) == ("20260102", "120000")


def test_regions_of_another_grid_are_a_defect() -> None:
    """Masks that do not fit their volume are not encoded at a wrong place."""
    context = result_context()
    turned = replace(
        context.regions,
        lungs=context.regions.lungs.transpose(0, 2, 1),
        lesions=context.regions.lesions.transpose(0, 2, 1),
    )
    with pytest.raises(ValueError, match="shape"):
        replace(context, reading=replace(context.reading, regions=turned))


def real_context(folder: Path) -> ResultContext:
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
    reading = replace(model.reading, regions=regions)
    return replace(model, headers=headers, volume=volume, reading=reading)


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
