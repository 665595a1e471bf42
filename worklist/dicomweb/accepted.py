"""The media types that a request accepts, the most wanted first.

RFC 9110 Section 12.5.1 (Accept), RFC 2387 (multipart/related), PS3.18 Section 8.3.3.1 (the query
parameter `accept`) and 8.7 (media types). Values stand with and without quotation marks in what
clients send.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request

from worklist.dicomweb.refusal import wrong

ANY: Final = "*/*"
MULTIPART: Final = "multipart/related"
DICOM: Final = "application/dicom"
DICOM_JSON: Final = "application/dicom+json"
OCTETS: Final = "application/octet-stream"

_MOST_CHARACTERS, _MOST_TYPES = 4000, 50
_RANGE = re.compile(r'(?:[^",]|"[^"]*")+')
_PARAMETER = re.compile(r';\s*([A-Za-z0-9_-]+)\s*=\s*("[^"]*"|[^;"]*)')


@dataclass(frozen=True, slots=True)
class Accepted:
    """One media range.

    Attributes
    ----------
    kind : in small letters, without parameters; of multipart/related its `type`
    transfer_syntax_uid : "" where it names none, "*" where any will do
    multipart : whether parts are asked for; None: either
    """

    kind: str
    transfer_syntax_uid: str = ""
    multipart: bool | None = None
    quality: float = field(default=1.0, compare=False)


def accepted_types(request: Request) -> list[Accepted]:
    """What a request accepts; everything where it does not say.

    Raises
    ------
    RequestRefused
        Its header, or its parameter `accept`, cannot be read.
    """
    text = request.query_params.get("accept") or request.headers.get("accept") or ANY
    if len(text) > _MOST_CHARACTERS:
        raise wrong("The Accept header is too long.")
    ranges = [one.strip() for one in _RANGE.findall(text) if one.strip()]
    if len(ranges) > _MOST_TYPES:
        raise wrong("The Accept header has too many media types.")
    found = [accepted for one in ranges if (accepted := _accepted(one)).quality > 0]
    return sorted(found, key=lambda one: -one.quality)  # stable: as written where alike


def _accepted(text: str) -> Accepted:
    kind = text.partition(";")[0].strip().lower()
    given = {name.lower(): value.strip(' "') for name, value in _PARAMETER.findall(text)}
    try:
        quality = min(1.0, max(0.0, float(given.get("q", "1"))))
    except ValueError as error:
        raise wrong("A q value in the Accept header is no number.") from error
    syntax = given.get("transfer-syntax", "")
    if kind == MULTIPART:
        return Accepted(given.get("type", ANY).lower() or ANY, syntax, True, quality)
    return Accepted(kind, syntax, None if kind == ANY else False, quality)


def json_is_accepted(accepted: list[Accepted]) -> bool:
    """Whether the DICOM JSON Model (PS3.18 Annex F) is accepted."""
    kinds = (DICOM_JSON, "application/json", "application/*", ANY)
    return any(one.kind in kinds and one.multipart is not True for one in accepted)


def parameters_of(content_type: str) -> tuple[str, Mapping[str, str]]:
    """Media type and parameters of a Content-Type, both in small letters but for the values."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind, {
        name.lower(): value.strip().strip('"') for name, value in _PARAMETER.findall(content_type)
    }
