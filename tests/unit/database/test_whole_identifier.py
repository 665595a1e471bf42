"""Identifiers are found whole: who is forgotten must not take others along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from database.forget.whole_identifier import WholeIdentifiers

WANTED = WholeIdentifiers(["100234", "1.2.840.7.1", "PAT_01"])


@pytest.mark.parametrize(
    "text",
    [
        "100234",
        '{"patient_id": "100234"}',
        "Patient 100234.",
        "\x00\x06\x00100234\x10\x00\x30\x00",
        "spool/1.2.840.7.1/1.2.9/1.2.9.1.dcm",
    ],
)
def test_whole(text: str) -> None:
    """As a value, in a sentence, between bytes, as a folder."""
    assert WANTED.in_text(text)
    assert WANTED.in_pieces(iter([text.encode()]))


@pytest.mark.parametrize(
    "text", ["1002345", "A100234", "100234-B", "1.2.840.7.10", "1.2.840.7.1.6", "PATX01", "PAT_012"]
)
def test_part_of_another(text: str) -> None:
    """Another patient's number begins or ends with it; an underscore is no wildcard."""
    assert not WANTED.in_text(text)
    assert not WANTED.in_pieces(iter([text.encode()]))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
def test_pieces(size: int) -> None:
    """However the bytes are cut, the same is found and nothing else."""

    def pieces(content: bytes) -> Iterator[bytes]:
        return (content[at : at + size] for at in range(0, len(content), size))

    assert WANTED.in_pieces(pieces(b"x" * 30 + b" 100234 " + b"y" * 30))
    assert WANTED.in_pieces(pieces(b"100234"))
    assert WANTED.in_pieces(pieces(b"y" * 41 + b"\x00" + b"100234"))
    assert not WANTED.in_pieces(pieces(b"x" * 30 + b" 1002345 " + b"9100234" + b" 1.2.840.7.1.9"))
    assert not WholeIdentifiers([]).in_pieces(pieces(b"anything"))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("spool/1.2.840.7.1/a.dcm", True),
        ("results/1.2.840.7.1-version-2.png", True),
        ("uploads/1.2.840.7.1.dcm", True),
        ("spool/1.2.840.7.10/a.dcm", False),
        ("spool/1.2.840.7.1.5/a.dcm", False),
    ],
)
def test_paths(path: str, found: bool) -> None:
    """A folder or a file that is called so, with an ending."""
    assert WANTED.in_path(PurePosixPath(path)) is found
