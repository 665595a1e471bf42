"""The file meta information of a file that comes in pieces, from senders of all kinds."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from dicom_node.receive.part_10 import MOST_META_BYTES, FileMeta, read_file_meta
from radiology.errors import DataSetUnreadable
from tests.unit.dicom_node.small_ct import encoded, small_ct


def _file() -> bytes:
    content = io.BytesIO()
    small_ct().save_as(content, enforce_file_format=True)
    return content.getvalue()


WHOLE = _file()
META = FileMeta(
    CTImageStorage,
    small_ct().SOPInstanceUID,
    ExplicitVRLittleEndian,
    len(WHOLE) - len(encoded(small_ct())),
)


def test_it_is_read_as_soon_as_it_is_there() -> None:
    """Not before the data set has begun, and then alike however much has come."""
    for length in range(len(WHOLE)):
        found = read_file_meta(WHOLE[:length], is_whole=False)
        assert found == (META if length >= META.end + 8 else None), length
    assert read_file_meta(WHOLE, is_whole=True) == META
    assert read_file_meta(WHOLE[: META.end], is_whole=True) == META  # an empty data set


def test_a_group_length_is_not_needed() -> None:
    """Some writers leave it out."""
    without = WHOLE[:132] + WHOLE[144:]
    assert read_file_meta(without, is_whole=True) == FileMeta(
        META.sop_class_uid, META.sop_instance_uid, META.transfer_syntax_uid, META.end - 12
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not DICOM" * 100,
        WHOLE[:128] + b"XXXX" + WHOLE[132:],
        WHOLE[: META.end - 5],
        WHOLE[:132] + encoded(small_ct()),  # no meta information at all
        WHOLE.replace(b"UI", b"LO", 3),
        WHOLE[:132] + b"\2\0\1\0OB\0\0\xff\xff\xff\xff" + bytes(1000),
    ],
)
def test_what_is_no_file_is_refused(content: bytes) -> None:
    """With a reason, whatever it is."""
    with pytest.raises(DataSetUnreadable):
        read_file_meta(content, is_whole=True)


def test_an_endless_one_is_refused_before_it_has_come() -> None:
    """Memory is bounded while it comes."""
    element = b"\2\0\x02\1OB\0\0" + (1000).to_bytes(4, "little") + bytes(1000)
    with pytest.raises(DataSetUnreadable):
        read_file_meta(WHOLE[:132] + element * 100, is_whole=False)
    assert len(element) * 100 > MOST_META_BYTES


@given(st.binary(max_size=400))
def test_any_bytes_end_in_an_answer(content: bytes) -> None:
    """A value or a refusal, never another error."""
    for begun in (content, WHOLE[:132] + content):
        with contextlib.suppress(DataSetUnreadable):
            found = read_file_meta(begun, is_whole=True)
            assert found is not None
            assert found.end <= len(begun)
