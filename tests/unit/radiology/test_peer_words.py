"""What a peer says of why it refused: shown to people, and logged without what names somebody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiology.errors import PeerRefused
from radiology.words.peer_words import loggable, readable, split_words, with_words


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (None, ""),
        ("", ""),
        ("not allowed for this AE", "not allowed for this AE"),
        ("  line one\r\n\tline two\0\x1b ", "line one line two"),
        ("“quoted”", "'quoted'"),
    ],
)
def test_words_are_made_fit_for_one_line(said: object, shown: str) -> None:
    """Control characters and line ends are none of them."""
    assert readable(said) == shown


@given(st.text())
def test_any_words_are_short_and_printable(said: str) -> None:
    """Whatever a peer sends."""
    shown = readable(said)
    assert len(shown) <= 200
    assert shown.isprintable()
    assert len(readable(said * 1000)) <= 200


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("not allowed for this AE", "not allowed for this AE"),
        ("Patient DOE^JANE 19600101 is unknown", "Patient – – – is unknown"),
        ("patient doe jane is locked", "patient – – is locked"),
        ("No such accession number: A-4711", "No such accession number – –"),
        ("Müller, Anna", "– –"),
        ("检查不存在", "–"),
        ("Dr. Grant Field may not store", "– – – – not store"),
        ("", ""),
    ],
)
def test_the_log_has_no_word_that_could_name_somebody(said: str, logged: str) -> None:
    """Names in whatever spelling, dates and identifiers are dashes there."""
    assert loggable(said) == logged


@given(st.text(max_size=60).map(readable))
def test_the_words_can_be_told_from_our_sentence(said: str) -> None:
    """The page says ours in the reader's language, and theirs as they are."""
    assert split_words(with_words("The peer refused (status=0xA777)", said)) == (
        "The peer refused (status=0xA777)",
        said,
    )


def test_an_error_says_the_words_to_people_only() -> None:
    """`str` may stand in a log; `in_full` is for rows and the command line."""
    error = PeerRefused("The peer refused", "unknown patient DOE^JANE", status="0xC000")
    assert "JANE" not in str(error)
    assert "JANE" not in repr(error)
    assert error.in_full == (
        "The peer refused (status=0xC000) The peer says: “unknown patient DOE^JANE”"
    )
    assert PeerRefused("The peer refused").in_full == "The peer refused"
