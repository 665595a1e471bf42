"""PDF documents, JSON answers and UIDs compare by what they say."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from benchmarks.same_answers.json_values import compare_json
from benchmarks.same_answers.texts import compare_documents
from benchmarks.same_answers.values import UidPairs
from tests.builders.dicom.result_objects import (
    OURS,
    OURS_AFTER,
)


def _pdf(text: bytes, *, made: bytes = b"D:2026") -> bytes:
    packed = zlib.compress(text)
    return (
        b"%%PDF-1.3\n1 0 obj << /Length %d >> stream\n%b\nendstream\n"
        b"2 0 obj << /CreationDate (%b) >>\nxref\n0 1\n%010d\ntrailer\nstartxref\n%d\n"
        % (len(packed), packed, made, len(packed), len(packed))
    )


def test_a_pdf_is_compared_by_what_it_holds() -> None:
    """Neither dates nor a longer version of the program count; each character of a page does."""
    before = _pdf(b"lesion 5 ml\nFirstread 0.1.0")
    assert not list(compare_documents(before, _pdf(b"lesion 5 ml\nFirstread 0.22.0", made=b"D:1")))
    (found,) = compare_documents(before, _pdf(b"lesion 6 ml\nFirstread 0.1.0"))
    assert found == "PDF: stream 1: line 1: 'lesion 5 ml' → 'lesion 6 ml'"
    assert list(compare_documents(before, _pdf(b"lesion 5 ml\rFirstread 0.1.0")))


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"file": "before/SC.dcm"}, {"file": "after/SC.dcm"}, []),
        ({"size_bytes": 1}, {"size_bytes": 2}, []),
        ({"uid": OURS}, {"uid": OURS_AFTER}, []),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["/a/1: 2 → 3"]),
        ({"a": 0.1}, {"a": 0.1000000001}, ["/a: 0.1 → 0.1000000001"]),
        ({"a": 1}, {"a": True}, ["/a: 1 → True"]),
        ({"a": None}, {}, ["/a: only before"]),
        ([1], [1, 2], [": 1 entries → 2"]),
    ],
)
def test_json_answers(before: Any, after: Any, found: list[str]) -> None:
    """Figures count to the last digit."""
    assert list(compare_json(before, after, UidPairs())) == found


def test_uids_pair_one_to_one() -> None:
    """No UID stands for two others, and none of the standard for anything but itself."""
    uids = UidPairs({"1.2.3", "1.2.4"}, {"1.2.3", "1.2.5", "1.2.6"})
    assert uids.agree("1.2.3", "1.2.3")
    assert uids.agree("1.2.4", "1.2.5")
    assert uids.changed == 1
    assert not uids.agree("1.2.4", "1.2.6")
    assert not uids.agree("1.2.7", "1.2.5")
    assert not uids.agree("1.2.4", "1.2.3")
    assert not uids.agree("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
