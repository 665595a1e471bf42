"""What a destination gets is checked when the settings are read."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from pydantic import ValidationError

from radiology.encoding_profile import (
    EncodingChoice,
    EncodingProfile,
    SegmentationForm,
    SegmentScope,
)
from settings.peers import Peer


def destination(**entries: Any) -> Peer:
    address = {"name": "pacs", "ae_title": "PACS", "host": "pacs.example", "port": 104}
    return Peer.model_validate({"roles": ["destination"], **address, **entries})


def test_a_destination_gets_what_viewers_show_unless_it_chooses() -> None:
    """The defaults of a peer are those of the choice."""
    assert destination().encoding == EncodingChoice()
    assert destination().encoding.scope is SegmentScope.LESIONS
    assert destination(profile="machine").encoding.scope is SegmentScope.ANATOMY
    assert destination(profile="machine", segments="lesions").encoding.scope is SegmentScope.LESIONS


def test_words_of_the_settings_file_become_a_choice() -> None:
    """Each entry of a peer has its place in the choice."""
    chosen = destination(
        profile="machine",
        segmentation="labelmap-jpegls",
        omit_empty_frames=False,
        segments="lesions",
        capture_when_negative=False,
        encapsulated_pdf=True,
    ).encoding
    assert chosen == EncodingChoice(
        EncodingProfile.MACHINE,
        SegmentationForm.LABELMAP_JPEG_LS,
        omit_empty_frames=False,
        segments=SegmentScope.LESIONS,
        capture_when_negative=False,
        encapsulated_pdf=True,
    )
    assert {field.name for field in fields(EncodingChoice)} <= set(Peer.model_fields)


@pytest.mark.parametrize("profile", list(EncodingProfile))
def test_a_pdf_can_be_had_with_any_profile(profile: EncodingProfile) -> None:
    """It is for people, whatever programs get."""
    assert destination(profile=profile, encapsulated_pdf=True).encoding.encapsulated_pdf


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"segmentation": "labelmap-rle"}, "segmentation say how a segmentation is written"),
        ({"omit_empty_frames": True}, "omit_empty_frames say how"),
        ({"segments": "all"}, "choose the profile viewer"),
        ({"capture_when_negative": False}, "a negative study would send nothing"),
    ],
)
def test_what_contradicts_the_legacy_profile_is_refused(entries: dict[str, Any], said: str) -> None:
    """A setting that would silently do nothing is a mistake, and the message says what to do."""
    with pytest.raises(ValidationError, match=said):
        destination(profile="legacy", **entries)


def test_legacy_with_a_pdf_may_leave_out_the_picture_of_negatives() -> None:
    """Then the page is the answer."""
    chosen = destination(profile="legacy", capture_when_negative=False, encapsulated_pdf=True)
    assert not chosen.encoding.capture_when_negative


def test_a_source_gets_nothing_and_cannot_choose_it() -> None:
    """An entry at the wrong peer is named."""
    with pytest.raises(ValidationError, match="profile say what a destination gets"):
        Peer.model_validate({"name": "ct", "ae_title": "CT", "profile": "viewer"})


def test_an_unknown_profile_is_refused_with_those_that_there_are() -> None:
    """A misspelt word is answered with the words."""
    with pytest.raises(ValidationError, match="'viewer', 'machine' or 'legacy'"):
        destination(profile="viewr")
