"""The languages that a result can be read in."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """The language of what a person reads in a picture; its value is as in RFC 5646."""

    ENGLISH = "en"
    CHINESE = "zh"
