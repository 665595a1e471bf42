"""DIMSE statuses in words."""

from __future__ import annotations

import pytest

from dicom_node.status import is_stored
from worklist.words.dimse_status import status_hex, status_words


@pytest.mark.parametrize(
    ("status", "code", "words", "stored"),
    [
        (0x0000, "0x0000", "stored", True),
        (0xB007, "0xB007", "stored, data set does not match SOP class", True),
        (0xB123, "0xB123", "unknown status", True),
        (0x0111, "0x0111", "duplicate SOP instance", True),
        (0x0122, "0x0122", "SOP class not supported", False),
        (0xA700, "0xA700", "out of resources", False),
        (0xA7FF, "0xA7FF", "out of resources", False),
        (0xA900, "0xA900", "data set does not match SOP class", False),
        (0xC211, "0xC211", "cannot understand", False),
        (0x1234, "0x1234", "unknown status", False),
        (None, "–", "not sent", False),
    ],
)
def test_status(status: int | None, code: str, words: str, stored: bool) -> None:
    """A status shows as the standard writes it, and in words that say what it means for us."""
    assert status_hex(status) == code
    assert status_words(status) == words
    assert is_stored(status) is stored
