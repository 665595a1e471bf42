"""A plain head is read as pydicom reads it, or not at all."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from dicom_node.receive.plain_head import Elements, read_plain_head
from tests.unit.dicom_node.small_ct import encoded, small_ct

NEEDED = (0x00080016, 0x00080018, 0x00080050, 0x00100020, 0x00100040, 0x0020000D, 0x00400275)
LAST = 0x00401003
WHOLE = encoded(small_ct())


def by_pydicom(content: bytes) -> tuple[dict[int, bytes], int]:
    """What pydicom reads: values, and where the first element behind the last one begins."""
    stream = io.BytesIO(content)
    data_set = read_dataset(
        stream,
        False,
        True,
        stop_when=lambda tag, vr, length: int(tag) > LAST,
        specific_tags=[*NEEDED],
    )
    return values(data_set), stream.tell()


def values(data_set: Dataset) -> dict[int, bytes]:
    """Undecoded."""
    found = {int(tag): data_set.get_item(tag).value for tag in data_set.keys()}  # noqa: SIM118  # type: ignore[union-attr]
    return {tag: value or b"" for tag, value in found.items() if tag in NEEDED}


def raw(elements: Elements) -> dict[int, bytes]:
    """Values without their VRs."""
    return {tag: value for tag, (_, value) in elements.items()}


def test_a_scanners_head() -> None:
    """The same values, and the same end."""
    plain = read_plain_head(WHOLE, frozenset(NEEDED), LAST, 1000)
    assert plain is not None
    assert (raw(plain[0]), plain[1]) == by_pydicom(WHOLE)
    assert len(plain[0]) == 6


@pytest.mark.parametrize("is_undefined", [False, True])
def test_a_sequence_that_is_needed(is_undefined: bool) -> None:
    """Requests with a priority: as bytes where their length is known, else left to pydicom."""
    request = Dataset()
    request.RequestedProcedurePriority = "STAT"
    study = small_ct(RequestAttributesSequence=[request])
    study["RequestAttributesSequence"].is_undefined_length = is_undefined
    content = encoded(study)
    plain = read_plain_head(content, frozenset(NEEDED), LAST, 1000)
    if is_undefined:
        assert plain is None
    else:
        assert plain is not None
        assert (raw(plain[0]), plain[1]) == by_pydicom(content)
        assert b"STAT" in plain[0][0x00400275][1]


@pytest.mark.parametrize("most", [1, 5])
def test_a_head_with_many_elements_is_not_plain(most: int) -> None:
    """Whatever they are."""
    assert read_plain_head(WHOLE, frozenset(NEEDED), LAST, most) is None


damaged = st.builds(
    lambda at, put, cut: (WHOLE[:at] + put + WHOLE[at + len(put) :])[:cut],
    st.integers(0, 400),
    st.one_of(st.binary(max_size=12), st.sampled_from([struct.pack("<HH2sH", 8, 0x50, b"SH", 4)])),
    st.integers(0, len(WHOLE)),
)


@settings(max_examples=300)
@given(damaged)
@pytest.mark.filterwarnings("ignore")
def test_what_is_read_is_what_pydicom_reads(content: bytes) -> None:
    """Of a damaged head too."""
    plain = read_plain_head(content, frozenset(NEEDED), LAST, 1000)
    if plain is not None:
        assert (raw(plain[0]), plain[1]) == by_pydicom(content)
