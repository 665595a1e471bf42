"""Finding where a data set was cut off without decoding it."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.uid import RLELossless

from dicom_node.receive.element_walk import check_elements
from radiology.errors import DataSetUnreadable
from tests.unit.dicom_node.small_ct import encoded, small_ct, split


def check(content: bytes, *, implicit: bool = False, little: bool = True) -> None:
    """Walk over bytes from their beginning."""
    check_elements(
        lambda offset, length: content[offset : offset + length],
        0,
        len(content),
        implicit,
        little,
    )


def nested(depth: int, *, undefined_length: bool) -> Dataset:
    """A data set with sequences in sequences."""
    data_set = small_ct()
    inside = data_set
    for _ in range(depth):
        inside.ReferencedImageSequence = [Dataset()]
        inside["ReferencedImageSequence"].is_undefined_length = undefined_length
        inside = inside.ReferencedImageSequence[0]
        inside.is_undefined_length_sequence_item = undefined_length
        inside.ReferencedSOPInstanceUID = "1.2"
    return data_set


@pytest.mark.parametrize("undefined_length", [False, True])
def test_nesting_is_followed(undefined_length: bool) -> None:
    """Sequences and items of either kind of length are walked over to the end."""
    check(encoded(nested(5, undefined_length=undefined_length)))


def test_a_cut_inside_an_item_is_found() -> None:
    """A sequence of undefined length that ends in the middle of an element is cut off."""
    content = encoded(nested(3, undefined_length=True))
    end = content.index(b"1.2\0") + 2
    with pytest.raises(DataSetUnreadable, match="cut off"):
        check(content[:end])


def test_encapsulated_pixel_data_is_followed() -> None:
    """Fragments are walked over, and a fragment that is cut is found."""
    data_set = small_ct()
    data_set.compress(RLELossless, generate_instance_uid=False)
    content = encoded(data_set)
    check(content)
    with pytest.raises(DataSetUnreadable, match="cut off"):
        check(content[:-20])


def test_real_instances_are_whole(shared_ct: Path) -> None:
    """No real CT image, in whatever encoding, is taken to be cut off."""
    for path in sorted((shared_ct / "transfer-syntaxes").iterdir()):
        syntax = dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID
        if not syntax.is_deflated:
            content = split(path.read_bytes())
            check(content, implicit=syntax.is_implicit_VR, little=syntax.is_little_endian)
            with pytest.raises(DataSetUnreadable):
                check(
                    content[: len(content) // 2],
                    implicit=syntax.is_implicit_VR,
                    little=syntax.is_little_endian,
                )


def test_an_unknown_value_representation_ends_the_walk() -> None:
    """What cannot be followed is left to the reader: only a certain cut is an error."""
    check(b"\x09\x00\x10\x10??\xff\xff" + b"rest")


def test_a_left_out_last_delimiter_is_tolerated() -> None:
    """Old writers leave the last delimiter out, and pydicom reads what they wrote."""
    data_set = small_ct()
    data_set.compress(RLELossless, generate_instance_uid=False)
    content = encoded(data_set)[:-8]
    read = dcmread(io.BytesIO(content), force=True, stop_before_pixels=True)
    assert read.SOPInstanceUID == data_set.SOPInstanceUID
    check(content)


def test_too_many_elements_are_refused() -> None:
    """The walk ends even where the data set does not."""
    with pytest.raises(DataSetUnreadable, match="too many"):
        check_elements(
            lambda offset, length: b"\x09\x00\x10\x10LO\x00\x00aaaa", 0, 10**12, False, True
        )


@given(
    content=st.binary(max_size=500),
    implicit=st.booleans(),
    little=st.booleans(),
)
def test_any_bytes_end_the_walk(content: bytes, implicit: bool, little: bool) -> None:
    """Whatever the bytes, the walk ends, and says nothing worse than that they are cut off."""
    with contextlib.suppress(DataSetUnreadable):
        check(content, implicit=implicit, little=little)
