"""Identifiers that check themselves: UIDs (PS3.5 Section 9.1) and AE titles (PS3.5 Table 6.2-1)."""

from __future__ import annotations

import hashlib
import re
from typing import NewType

from radiology.errors import InvalidUid, SettingsRefused

StudyInstanceUID = NewType("StudyInstanceUID", str)
SeriesInstanceUID = NewType("SeriesInstanceUID", str)
SOPInstanceUID = NewType("SOPInstanceUID", str)
AETitle = NewType("AETitle", str)

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_DIGITS_AND_DOTS = re.compile(r"[0-9.]*")
_LEADING_ZERO = re.compile(r"(^|\.)0[0-9]")
_UID_LENGTH = 64  # PS3.5 Section 9.1
_AE_TITLE = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")  # PS3.5 Table 6.2-1: no backslash, no control

FIRSTREAD_ROOT = "2.25"  # PS3.5 Annex B.2: a UID made from a 128-bit number needs no registration


def checked_uid(text: str, keyword: str) -> str:
    """Return `text` if it is a valid UID.

    Parameters
    ----------
    text : the value as received, padding already removed
    keyword : the DICOM keyword that the value belongs to, for the message

    Raises
    ------
    InvalidUid
        The value breaks PS3.5 Section 9.1. The value itself is not repeated in the message:
        what stands in a wrong UID may be anything.
    """
    if len(text) > _UID_LENGTH or not _UID.fullmatch(text):
        raise InvalidUid(
            f"{keyword} is not a valid UID: {_wrong_with(text)}", keyword=keyword, length=len(text)
        )
    return text


def _wrong_with(text: str) -> str:
    if len(text) > _UID_LENGTH:
        return f"it is longer than {_UID_LENGTH} characters"
    if not _DIGITS_AND_DOTS.fullmatch(text):
        return "it has other characters than digits and dots"
    if _LEADING_ZERO.search(text):
        return "a part of it begins with 0"
    return "it does not consist of parts with dots between"


def checked_ae_title(text: str) -> AETitle:
    """Return `text` without its padding if it is a valid application entity title.

    Raises
    ------
    SettingsRefused
        The value is empty, longer than 16 characters, or has characters that are not allowed.
    """
    title = text.strip(" ")
    if not _AE_TITLE.fullmatch(title):
        raise SettingsRefused("An AE title has 1 to 16 printable characters, no backslash")
    return AETitle(title)


def derived_uid(*sources: str) -> str:
    """A UID that follows from what it is made of: the same sources give the same UID.

    Encoding or sending a result twice must give PACS the same instance, so no UID of our own
    objects is random. The form is that of PS3.5 Annex B.2 (2.25 and a 128-bit number).

    Parameters
    ----------
    sources : what identifies the object, in a fixed order (kind of object, source UIDs, digest …)
    """
    digest = hashlib.sha256("\x1f".join(sources).encode()).digest()
    number = int.from_bytes(digest[:16], "big")
    return f"{FIRSTREAD_ROOT}.{number}"
