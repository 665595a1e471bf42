"""Identifiers that check themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from radiology.errors import InvalidUid, SettingsRefused
from radiology.identity import checked_ae_title, checked_uid, derived_uid


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.1", "2.25.0", "1.0.3"])
def test_valid_uids_pass(uid: str) -> None:
    """A UID that PS3.5 Section 9.1 allows is returned unchanged."""
    assert checked_uid(uid, "StudyInstanceUID") == uid


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.", ".1", "1..2", "1.02", "1.2/../../etc", "1.2\n", "1.2 ", "1." + "2" * 63, "١.٢"],
)
def test_invalid_uids_are_refused_unrepeated(text: str) -> None:
    """A wrong UID is refused, and its text, which may be anything, is not in the message."""
    with pytest.raises(InvalidUid) as refused:
        checked_uid(text, "StudyInstanceUID")
    assert len(text) < 3 or text not in str(refused.value)


@given(st.lists(st.text(), min_size=1))
def test_derived_uids_are_valid_and_repeatable(sources: list[str]) -> None:
    """The same sources always give the same valid UID."""
    uid = derived_uid(*sources)
    assert uid == derived_uid(*sources)
    assert UID(uid).is_valid


def test_derived_uids_keep_their_sources_apart() -> None:
    """Sources do not run into each other."""
    assert derived_uid("ab", "c") != derived_uid("a", "bc")


@pytest.mark.parametrize("text", ["", " ", "A\\B", "SEVENTEEN_LETTERS", "TAB\t"])
def test_wrong_ae_titles_are_refused(text: str) -> None:
    """An AE title that PS3.5 does not allow is refused."""
    with pytest.raises(SettingsRefused):
        checked_ae_title(text)
