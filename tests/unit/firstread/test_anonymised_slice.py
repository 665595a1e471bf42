"""One slice as a new object: its pixels and place, and nothing that hides beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset

from chest.values.case_answer import PneumoniaType
from firstread.feedback_set.anonymised_slice import anonymised_slice
from firstread.feedback_set.choose_slices import choose_slices
from firstread.feedback_set.pseudonyms import Pseudonyms, site_pseudonyms
from firstread.feedback_set.truth import Truth, truth_of
from radiology.errors import SettingsRefused, VolumeRefused
from radiology.feedback import Fault
from radiology.urgency import Urgency
from tests.builders.dicom.ct_series import Stack, multi_frame, ramp, single_frame, write_files
from worker.series.frame_headers import frame_headers

_KEY = b"0" * 32


def _made(source: FileDataset, frame: int = 0) -> Dataset:
    header = frame_headers(source)[frame]
    return anonymised_slice(source, header, "case-1", frame, Pseudonyms(_KEY))


def _instances(folder: Path, datasets: list[Dataset]) -> list[FileDataset]:
    """From one end to the other, whatever their files are called."""
    read = [dcmread(path) for path in write_files(datasets, folder)]
    return sorted(read, key=lambda one: float(one.get("ImagePositionPatient", [0, 0, 0])[2]))


def test_pixels_and_place_are_those_of_the_source(tmp_path: Path) -> None:
    """The slice is the same in HU and in the patient; its UID follows from the old one."""
    source = _instances(tmp_path, single_frame(Stack(ramp())))[0]
    made = _made(source)
    made.save_as(tmp_path / "made.dcm", enforce_file_format=True)
    read = dcmread(tmp_path / "made.dcm")
    assert (read.pixel_array == source.pixel_array).all()
    assert read.RescaleIntercept == source.RescaleIntercept
    assert read.ImagePositionPatient == source.ImagePositionPatient
    assert read.PixelSpacing == source.PixelSpacing
    assert (read.PatientIdentityRemoved, read.PatientID) == ("YES", "case-1")
    assert read.SOPInstanceUID == _made(source).SOPInstanceUID != source.SOPInstanceUID


def test_a_frame_becomes_an_image_of_its_own(tmp_path: Path) -> None:
    """Of an Enhanced CT the frame alone is written, with a UID for each frame."""
    (source,) = _instances(tmp_path, [multi_frame(Stack(ramp()))])
    first, third = _made(source), _made(source, 2)
    assert (np.frombuffer(third.PixelData, "<u2").reshape(5, 4) == source.pixel_array[2]).all()
    assert first.SOPInstanceUID != third.SOPInstanceUID
    assert first.ImagePositionPatient != third.ImagePositionPatient


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_what_hides_above_the_stored_bits_is_left_out(tmp_path: Path, dtype: type) -> None:
    """Older overlays, text among them, stand in the unused bits of the pixels."""
    stored = ramp(dtype=dtype)

    def hide(dataset: Dataset, index: int) -> None:
        dataset.BitsStored, dataset.HighBit = 12, 11
        dataset.PixelData = (stored[index].view(np.uint16) | np.uint16(0xA000)).tobytes()

    (source, *_) = _instances(tmp_path, single_frame(Stack(stored, change=hide)))
    made = _made(source)
    assert (np.frombuffer(made.PixelData, dtype).reshape(5, 4) == stored[0]).all()


def test_a_slice_that_says_it_has_writing_in_it_is_refused(tmp_path: Path) -> None:
    """Nobody looks at the pixels; but what is known of them counts."""

    def burn(dataset: Dataset, _: int) -> None:
        dataset.BurnedInAnnotation = "YES"

    source = _instances(tmp_path, single_frame(Stack(ramp(), change=burn)))[0]
    with pytest.raises(VolumeRefused, match="written into them"):
        _made(source)


@given(st.lists(st.booleans(), max_size=80), st.integers(1, 12))
def test_slices_are_chosen_from_both_kinds(outlined: list[bool], count: int) -> None:
    """At most so many, each once, in their order; some of either kind where there are both."""
    chosen = choose_slices(outlined, count)
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= count
    assert all(0 <= at < len(outlined) for at in chosen)
    if any(outlined):
        assert any(outlined[at] for at in chosen)
    elif outlined:
        assert chosen


@pytest.mark.parametrize(
    ("urgency", "faults", "kind", "truth"),
    [
        (Urgency.URGENT, [Fault.FALSE_POSITIVE], "viral_suspected", Truth(False, False, "0")),
        (Urgency.URGENT, [], "viral_suspected", Truth(False, True, "1")),
        (Urgency.URGENT, [Fault.WRONG_TYPE], "viral_suspected", Truth(False, True, "0")),
        (Urgency.SUSPECTED, [Fault.WRONG_TYPE], "not_suspected", Truth(False, True, "1")),
        (Urgency.SUSPECTED, [Fault.WRONG_TYPE], "undetermined", Truth(False, True, "")),
        (Urgency.SUSPECTED, [Fault.WRONG_REGION], None, Truth(True, True, "")),
        (Urgency.ROUTINE, [], None, Truth(False, True, "0")),
        (Urgency.ROUTINE, [Fault.MISSED], None, Truth(True, True, "")),
    ],
)
def test_what_a_judgement_says_of_the_slices(
    urgency: Urgency, faults: list[Fault], kind: str | None, truth: Truth
) -> None:
    """What is known is a label, what is not stays empty, and wrong outlines are to be drawn."""
    assert truth_of(urgency, faults, PneumoniaType(kind) if kind else None) == truth


def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    """Another key would give every patient another name without a word."""
    made = site_pseudonyms(tmp_path)
    assert made.case("1", "2.25.1") == site_pseudonyms(tmp_path).case("1", "2.25.9")
    assert made.case("", "2.25.1") != site_pseudonyms(tmp_path).case("", "2.25.9")
    (tmp_path / "feedback-export.key").write_bytes(b"short")
    with pytest.raises(SettingsRefused, match="damaged"):
        site_pseudonyms(tmp_path)
