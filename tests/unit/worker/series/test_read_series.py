"""Headers are read as far as they can be, whatever the kind of object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from radiology.errors import DataSetUnreadable
from radiology.image.series import SeriesHeader
from radiology.sex import Sex
from tests.builders.dicom.ct_series import Stack, multi_frame, ramp, single_frame, write_files
from worker.series.frame_headers import frame_headers, items, number, numbers, text
from worker.series.read_series import group_series, read_instances, read_series


def test_files_are_grouped_by_series(tmp_path: Path) -> None:
    """Two series that lie in one folder come out as two headers, in the order of their UIDs."""
    datasets = single_frame(Stack(ramp(), series="2")) + single_frame(Stack(ramp(), series="1"))
    first, second = read_series(write_files(datasets, tmp_path))
    assert [first.series_instance_uid, second.series_instance_uid] == ["2.25.1.1", "2.25.1.2"]
    assert first.frame_count == second.frame_count == 6


@pytest.fixture(scope="module")
def six_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_files(single_frame(Stack(ramp())), tmp_path_factory.mktemp("series"))


@given(order=st.permutations(range(6)))
def test_the_order_of_arrival_leaves_no_trace(six_files: list[Path], order: list[int]) -> None:
    """The header of a series is the same in whatever order its files come."""
    assert read_series([six_files[index] for index in order]) == read_series(six_files)


def test_a_file_that_comes_twice_counts_once(six_files: list[Path]) -> None:
    """The same instance under two paths is one instance."""
    (series,) = read_series(six_files + six_files)
    assert len(series.instances) == 6


def test_progress_is_told(six_files: list[Path]) -> None:
    """Each file read moves the progress on."""
    seen: list[tuple[int, int]] = []
    read_series(six_files, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 6) for done in range(1, 7)]


def _one_header(folder: Path, dataset: Dataset) -> SeriesHeader:
    (series,) = read_series(write_files([dataset], folder))
    return series


def test_a_single_frame_has_what_stands_at_the_top(tmp_path: Path) -> None:
    """Place, rescale and type of a CT image are those of its one frame."""
    stack = Stack(ramp(), slope=2.0, intercept=-1000.0)
    frame = _one_header(tmp_path, single_frame(stack)[2]).instances[0].frames[0]
    assert frame.frame_number is None
    assert frame.image_position_patient == (-10.0, -20.0, -26.0)
    assert frame.image_orientation_patient == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert (frame.rescale_slope, frame.rescale_intercept) == (2.0, -1000.0)
    assert frame.image_type == ("ORIGINAL", "PRIMARY", "AXIAL")


def test_a_multi_frame_has_what_stands_in_its_groups(tmp_path: Path) -> None:
    """Shared and per-frame functional groups together give the header of each frame."""
    stack = Stack(ramp(), intercept=[-1000.0, -1001.0, -1002.0, -1003.0, -1004.0, -1005.0])
    instance = _one_header(tmp_path, multi_frame(stack, order=[5, 0, 1, 2, 3, 4])).instances[0]
    assert [frame.frame_number for frame in instance.frames] == [1, 2, 3, 4, 5, 6]
    assert instance.frames[0].image_position_patient == (-10.0, -20.0, -20.0)
    assert instance.frames[0].rescale_intercept == -1005.0
    assert {frame.pixel_spacing for frame in instance.frames} == {(0.7, 0.7)}


def test_frame_type_stands_for_image_type(tmp_path: Path) -> None:
    """In a multi-frame object the Frame Type of each frame says what it is."""

    def change(dataset: Dataset, index: int) -> None:
        item = Dataset()
        item.FrameType = ["DERIVED", "PRIMARY", "VOLUME", "MAXIMUM"]
        dataset.SharedFunctionalGroupsSequence[0].CTImageFrameTypeSequence = [item]

    instance = _one_header(tmp_path, multi_frame(Stack(ramp(), change=change))).instances[0]
    assert instance.frames[3].image_type == ("DERIVED", "PRIMARY", "VOLUME", "MAXIMUM")


@pytest.mark.parametrize(
    "macro", ["CTReconstructionSequence", "UnassignedSharedConvertedAttributesSequence"]
)
def test_the_kernel_is_found_where_scanners_and_converters_put_it(
    tmp_path: Path, macro: str
) -> None:
    """Enhanced and Legacy Converted objects name the kernel in different groups."""

    def change(dataset: Dataset, index: int) -> None:
        item = Dataset()
        item.ConvolutionKernel = "B40f"
        setattr(dataset.SharedFunctionalGroupsSequence[0], macro, [item])

    instance = _one_header(tmp_path, multi_frame(Stack(ramp(), change=change))).instances[0]
    assert instance.frames[0].convolution_kernel == "B40f"


def test_the_anatomic_region_of_a_multi_frame_is_read(tmp_path: Path) -> None:
    """Enhanced CT says its body part in Frame Anatomy."""

    def change(dataset: Dataset, index: int) -> None:
        region, anatomy = Dataset(), Dataset()
        region.CodeValue = "69536005"
        anatomy.AnatomicRegionSequence = [region]
        dataset.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [anatomy]

    series = _one_header(tmp_path, multi_frame(Stack(ramp(), change=change)))
    assert series.anatomic_region == "69536005"


def test_attributes_that_are_absent_become_none(tmp_path: Path) -> None:
    """A header without geometry or rescale is read, and says that it has none."""

    def change(dataset: Dataset, index: int) -> None:
        for keyword in ("ImagePositionPatient", "PixelSpacing", "RescaleSlope", "SliceThickness"):
            delattr(dataset, keyword)

    frame = _one_header(tmp_path, single_frame(Stack(ramp(), change=change))[0]).instances[0]
    assert frame.frames[0].image_position_patient is None
    assert frame.frames[0].pixel_spacing is None
    assert frame.frames[0].rescale_slope is None
    assert frame.frames[0].slice_thickness is None


def _raw(tag: int, vr: str, value: bytes) -> Dataset:
    """A data set as it would be after reading these very bytes from a file."""
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    return Dataset({Tag(tag): RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)})


@pytest.mark.parametrize("value", [b"abc ", b"1.5\\abc ", b"NaN ", b"inf ", b"1e999 "])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_value_that_is_no_number_counts_as_absent(value: bytes) -> None:
    """One odd value must not cost a study; it is no number, so there is none."""
    assert numbers(_raw(0x00280030, "DS", value), "PixelSpacing") == ()
    assert number(_raw(0x00180050, "DS", value), "SliceThickness") is None


@given(st.binary(max_size=40))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_bytes_of_a_value_raise(value: bytes) -> None:
    """Whatever bytes stand in a value, reading it gives a value or nothing."""
    numbers(_raw(0x00200032, "DS", value), "ImagePositionPatient")
    number(_raw(0x00280010, "US", value), "Rows")
    text(_raw(0x00181210, "SH", value), "ConvolutionKernel")
    numbers(_raw(0x00080001, "UV", value), "LengthToEnd")
    items(_raw(0x52009229, "SQ", value), "SharedFunctionalGroupsSequence")


@pytest.mark.parametrize("body", [b"\xfe\xff\x00", b"\xfe\xff\x00\xe0\x10\x00"])
def test_a_sequence_that_is_cut_off_counts_as_absent(body: bytes) -> None:
    """An item without an end must not cost a study whose other attributes can be read."""
    groups = _raw(0x52009229, "SQ", body)
    assert not items(groups, "SharedFunctionalGroupsSequence")
    assert len(frame_headers(groups)) == 1


def test_a_file_that_is_no_dicom_is_refused_without_its_text(tmp_path: Path) -> None:
    """The refusal names the kind of fault, not what stands in the file."""
    path = tmp_path / "letter.dcm"
    path.write_text("Dear Mr Smith")
    with pytest.raises(DataSetUnreadable) as refused:
        read_series([path])
    assert "Smith" not in str(refused.value)


def test_a_file_that_is_cut_off_within_a_sequence_is_refused(tmp_path: Path) -> None:
    """It is the file's fault and no defect of ours, although pydicom calls it an OSError."""
    (dataset, *_) = single_frame(Stack(ramp()))
    del dataset.PixelData
    (path,) = write_files([dataset], tmp_path)
    with path.open("ab") as file:  # (5200,9229) SQ of undefined length, and half of an item's tag
        file.write(b"\x00\x52\x29\x92SQ\x00\x00\xff\xff\xff\xff" + b"\xfe\xff\x00")
    with pytest.raises(DataSetUnreadable):
        read_series([path])


def test_a_file_that_the_disk_does_not_give_is_not_the_files_fault(tmp_path: Path) -> None:
    """What may be there again in a moment is not refused for good."""
    with pytest.raises(FileNotFoundError):
        read_series([tmp_path / "gone.dcm"])


def test_an_instance_without_a_series_is_refused(tmp_path: Path) -> None:
    """Without UIDs an instance belongs nowhere."""
    (dataset, *_) = single_frame(Stack(ramp()))
    del dataset.SeriesInstanceUID
    with pytest.raises(DataSetUnreadable, match="which instance and series"):
        read_series(write_files([dataset], tmp_path))


def test_free_text_is_not_shown(tmp_path: Path) -> None:
    """Descriptions may hold a name, so a header that is logged does not show them."""

    def change(dataset: Dataset, index: int) -> None:
        dataset.SeriesDescription = "for Mr Smith"
        dataset.ProtocolName = "Smith special"

    series = _one_header(tmp_path, single_frame(Stack(ramp(), change=change))[0])
    assert series.series_description == "for Mr Smith"
    assert "Smith" not in repr(series)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [("F", Sex.FEMALE), ("M", Sex.MALE), ("m ", Sex.MALE), ("O", None), ("", None), ("?", None)],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_sex_is_that_of_the_header_or_not_known(
    tmp_path: Path, stated: str, expected: Sex | None
) -> None:
    """A severity score counts it, so what is neither female nor male is not guessed."""

    def change(dataset: Dataset, index: int) -> None:
        dataset.PatientSex = stated

    series = _one_header(tmp_path, single_frame(Stack(ramp(), change=change))[0])
    assert series.patient_sex is expected


@pytest.mark.parametrize("write", [single_frame, multi_frame], ids=["CT", "Enhanced CT"])
def test_how_the_patient_lies_is_read(tmp_path: Path, write: Callable[..., Any]) -> None:
    """It says which side of the lungs lies down (PS3.3 C.7.3.1.1.2)."""
    written = write(Stack(ramp()))
    dataset = written[0] if isinstance(written, list) else written
    dataset.PatientPosition = "FFP"
    assert _one_header(tmp_path, dataset).patient_position == "FFP"
    del dataset.PatientPosition
    assert _one_header(tmp_path, dataset).patient_position == ""


def test_a_header_without_sex_and_time_says_neither(tmp_path: Path) -> None:
    """Most anonymised studies are so."""
    series = _one_header(tmp_path, single_frame(Stack(ramp()))[0])
    assert series.patient_sex is None
    assert series.acquired_at is None


def test_neither_name_nor_birth_date_is_in_a_header(tmp_path: Path) -> None:
    """The age is worked out where the file is read, and the birth date goes no further."""

    def change(dataset: Dataset, index: int) -> None:
        dataset.PatientName = "Smith^Jane"
        dataset.PatientBirthDate = "19570314"
        dataset.StudyDate, dataset.StudyTime = "20220315", "120005"

    series = _one_header(tmp_path, single_frame(Stack(ramp(), change=change))[0])
    assert series.patient_age_years == pytest.approx(65.0, abs=0.01)
    assert series.acquired_at is not None
    for told in ("Smith", "19570314", "1957"):
        assert told not in repr(asdict(series))


def test_real_headers_are_read(shared_ct: Path) -> None:
    """The header of a real study holds what was scanned."""
    found = read_instances(sorted((shared_ct / "covid-P001").glob("*.dcm")))
    (series,) = group_series(found)
    frame = series.instances[0].frames[0]
    assert (series.modality, series.body_part_examined) == ("CT", "CHEST")
    assert series.frame_count == 148
    assert frame.convolution_kernel == "D40s"
    assert (frame.rescale_slope, frame.rescale_intercept) == (1.0, -1024.0)
    assert series.instances[0].transfer_syntax_uid == "1.2.840.10008.1.2.4.70"
