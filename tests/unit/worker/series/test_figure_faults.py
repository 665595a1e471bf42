"""A figure of a header that cannot be read is shown as it stands, with what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from tests.builders.dicom.ct_series import Stack, ramp, read_one_series, single_frame, write_files
from worker.series.figure_fault import DECIMAL_COMMA, NO_NUMBER, OTHER_COUNT, OTHER_REPRESENTATION
from worker.series.rules import REFUSALS
from worker.series.select_series import SeriesOutcome, select_series

_SHAPE = (60, 8, 8)


def _decision(folder: Path, stack: Stack, spoil: Callable[[bytes], bytes]) -> SeriesOutcome:
    """The decision about a series; one of its files has other bytes."""
    paths = sorted(write_files(single_frame(stack), folder))
    paths[7].write_bytes(spoil(paths[7].read_bytes()))
    series, _ = read_one_series(paths)
    (decision,) = select_series([series], refusals=REFUSALS).decisions
    return decision


def _replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def spoil(content: bytes) -> bytes:
        assert old in content
        assert len(old) == len(new)
        return content.replace(old, new)

    return spoil


@pytest.mark.parametrize("transfer_syntax_uid", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian])
def test_a_decimal_comma_is_called_that(tmp_path: Path, transfer_syntax_uid: str) -> None:
    """Rescale Slope 1,5, from a machine whose language writes it so."""
    stack = Stack(ramp(_SHAPE), slope=0.53125, transfer_syntax_uid=transfer_syntax_uid)
    decision = _decision(tmp_path, stack, _replaced(b"0.53125", b"0,53125"))
    assert decision.rule == "hounsfield"
    assert (decision.seen, decision.reason) == ("Rescale Slope 0,53125", DECIMAL_COMMA)


def test_a_comma_in_the_spacing_is_called_that(tmp_path: Path) -> None:
    stack = Stack(ramp(_SHAPE), slope=0.5)
    old, new = rb"0.7000000000\0.7000000000", rb"0,7000000000\0,7000000000"
    decision = _decision(tmp_path, stack, _replaced(old, new))
    assert decision.rule == "geometry"
    assert decision.seen == r"Pixel Spacing 0,7000000000\0,7000000000"
    assert decision.reason == DECIMAL_COMMA


def _spacing_as_text(dataset: Dataset, index: int) -> None:
    if index == 7:
        dataset.add(DataElement("PixelSpacing", "UT", r"0.7\0.7"))


def _spacing_of_one_value(dataset: Dataset, index: int) -> None:
    if index == 7:
        dataset.PixelSpacing = "0.7"


def _without_spacing(dataset: Dataset, index: int) -> None:
    if index == 7:
        del dataset.PixelSpacing


@pytest.mark.parametrize(
    ("change", "seen", "reason"),
    [
        (_spacing_as_text, "Pixel Spacing (UT)", OTHER_REPRESENTATION),
        (_spacing_of_one_value, "Pixel Spacing 0.7", OTHER_COUNT),
        (
            _without_spacing,
            "1 of 60 frames without it",
            "The place of the images in the patient is not known",
        ),
    ],
)
def test_a_spacing_that_is_none_says_why(
    tmp_path: Path, change: Callable[[Dataset, int], None], seen: str, reason: str
) -> None:
    """Of another value representation, of one value, or not there at all."""
    stack = Stack(ramp(_SHAPE), slope=0.5, change=change)
    decision = _decision(tmp_path, stack, lambda content: content)
    assert (decision.rule, decision.seen, decision.reason) == ("geometry", seen, reason)


def test_what_is_no_number_is_not_repeated(tmp_path: Path) -> None:
    """Anything may stand in a damaged header, a name too."""
    stack = Stack(ramp(_SHAPE), slope=0.53125)
    decision = _decision(tmp_path, stack, _replaced(b"0.53125", b"Doe^Joe"))
    assert (decision.seen, decision.reason) == ("Rescale Slope", NO_NUMBER)


def test_a_slope_of_zero_gives_no_values(tmp_path: Path) -> None:
    """Every voxel would have one value, and a study of nothing would be measured."""
    decision = _decision(tmp_path, Stack(ramp(_SHAPE), slope=0.0), lambda content: content)
    assert (decision.rule, decision.seen) == ("hounsfield", "Rescale Slope 0")


def test_an_object_that_does_not_say_what_it_is_is_called_that(tmp_path: Path) -> None:
    """Without SOP Class UID nobody knows whether it is a CT image."""

    def change(dataset: Dataset, index: int) -> None:
        if index == 7:
            del dataset.SOPClassUID

    stack = Stack(ramp(_SHAPE), slope=0.5, change=change)
    decision = _decision(tmp_path, stack, lambda content: content)
    assert (decision.rule, decision.seen) == ("sop_class", "no SOP Class UID")
    assert decision.reason == "The series holds objects that do not say what they are"
