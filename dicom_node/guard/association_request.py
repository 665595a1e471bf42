"""Reads requests for an association, and the answers to ours, as peers send them.

PS3.8 Sections 9.3.2 to 9.3.4, PS3.7 Annex D.3.3 (user information). pynetdicom answers a request
that it cannot read with an A-ABORT, before anybody is asked: the peer hears no reason, and the
administrator nothing. What other implementations read is read here too; the rest is handed on as a
request without contexts that is to be rejected.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pynetdicom.pdu import A_ASSOCIATE_RQ

from dicom_node.library_faults import PYDICOM_FAULTS

_ACCEPTED, _REJECTED = 2, 3  # PDU types
_LENGTH: Final = slice(2, 6)
_REASON: Final = slice(7, 10)
_REASONS: Final = ((1, 2), (1, 2, 3), (1, 2, 3, 7))  # result, source, reason
_VERSION: Final = slice(6, 8)
_CALLED: Final = slice(10, 26)
_CALLING: Final = slice(26, 42)
_ITEMS_AT: Final = 74
_TITLE_LENGTH: Final = 16
_USER_INFORMATION: Final = 0x50
_CONTEXTS: Final = (0x20, 0x21)  # presentation context, asked and answered
_CONTEXT_HEADER_BYTES: Final = 4  # its ID and result, before its sub-items
_ITEMS: Final = (0x10, *_CONTEXTS)  # 0x10: application context
_SUB_ITEMS: Final = range(0x51, 0x5A)  # PS3.8 Annex D.1 and PS3.7 Annex D.3.3
_UNSHOWN: Final = "?"
# PS3.8 Table 9-13: context IDs are odd and fit a byte. PS3.6 has about sixty transfer syntaxes; the
# library compares each that is proposed with all before it, before anybody knows whose they are.
_MOST_CONTEXTS: Final = 128
_MOST_SUB_ITEMS: Final = 128 * 64
_MOST_PDU_BYTES: Final = struct.pack(">BBHL", 0x51, 0, 4, 16_384)

FAULTS: Final = (*PYDICOM_FAULTS, AssertionError)  # what the library raises for what it cannot read


class AssociationFault(StrEnum):
    """Why a request cannot be accepted, whoever sends it."""

    CALLED_AE_TITLE = "called_ae_title"
    CALLING_AE_TITLE = "calling_ae_title"
    PROTOCOL_VERSION = "protocol_version"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request that the library can go on with.

    Attributes
    ----------
    fault : None where `pdu` says what the peer has sent; otherwise `pdu` has the AE titles alone,
        as far as they can be shown, and the request must be rejected
    """

    pdu: A_ASSOCIATE_RQ
    fault: AssociationFault | None


def read_request(content: bytes) -> ReadRequest:
    """Read an A-ASSOCIATE-RQ from its first byte on.

    An AE title ends with the first NUL: some systems (eFilm) pad it with that. Items of a type that
    nobody knows are passed over. Of the protocol version only the first bit counts (Table 9-11).
    """
    called, calling = _title(content[_CALLED]), _title(content[_CALLING])
    fault = _fault_of_header(called, calling, content[_VERSION])
    if fault is None:
        try:
            return ReadRequest(_decoded(called, calling, _known_items(content[_ITEMS_AT:])), None)
        except FAULTS:
            fault = AssociationFault.CONTENT
    nothing = _item(_USER_INFORMATION, _MOST_PDU_BYTES)
    return ReadRequest(_decoded(_shown(called), _shown(calling), nothing), fault)


def readable_answer(content: bytes) -> bytes:
    """An A-ASSOCIATE-AC or -RJ, from its first byte on, without what the library cannot read.

    A number in a rejection that the standard does not have becomes "no reason given" (Table 9-21):
    a rejection is one, whatever its reason.

    Raises
    ------
    ValueError
        Its items do not end where they say.
    """
    if content[0] == _ACCEPTED:
        body = content[_LENGTH.stop : _ITEMS_AT] + _known_items(content[_ITEMS_AT:])
        return content[: _LENGTH.start] + len(body).to_bytes(4, "big") + body
    if content[0] == _REJECTED:
        given = zip(content[_REASON], _REASONS, strict=False)
        reason = bytes(one if one in known else 1 for one, known in given)
        return content[: _REASON.start] + reason + content[_REASON.start + len(reason) :]
    return content


def _known_items(content: bytes) -> bytes:
    """Variable items without those of an unknown type, which may stand anywhere.

    Raises
    ------
    ValueError
        They do not end where they say, or are more than anybody has a use for.
    """
    kept = []
    contexts = sub_items = 0
    for kind, value in _split(content):
        if kind == _USER_INFORMATION:
            known = [_item(sub, one) for sub, one in _split(value) if sub in _SUB_ITEMS]
            sub_items += len(known)
            kept.append(_item(kind, b"".join(known)))
        elif kind in _ITEMS:
            if kind in _CONTEXTS:
                contexts += 1
                sub_items += _count(value[_CONTEXT_HEADER_BYTES:])
            kept.append(_item(kind, value))
        if contexts > _MOST_CONTEXTS or sub_items > _MOST_SUB_ITEMS:
            raise ValueError("more items than an association has a use for")
    return b"".join(kept)


def _fault_of_header(called: str, calling: str, version: bytes) -> AssociationFault | None:
    if not _is_title(called):
        return AssociationFault.CALLED_AE_TITLE
    if not _is_title(calling):
        return AssociationFault.CALLING_AE_TITLE
    if not int.from_bytes(version, "big") & 1:
        return AssociationFault.PROTOCOL_VERSION
    return None


def _title(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("latin-1").strip(" ")


def _is_title(title: str) -> bool:
    """PS3.5 Table 6.2-1, AE: characters of ISO 646 without backslash and control characters."""
    return bool(title) and title.isascii() and title.isprintable() and "\\" not in title


def _shown(title: str) -> str:
    """A title as it may stand in rows and in the log."""
    plain = (one if _is_title(one) or one == " " else _UNSHOWN for one in title)
    return "".join(plain) or _UNSHOWN


def _decoded(called: str, calling: str, items: bytes) -> A_ASSOCIATE_RQ:
    titles = (title.ljust(_TITLE_LENGTH).encode("ascii") for title in (called, calling))
    body = b"\0\1\0\0" + b"".join(titles) + bytes(32) + items
    request = A_ASSOCIATE_RQ()
    request.decode(struct.pack(">BBL", 1, 0, len(body)) + body)
    request.to_primitive()  # the library does it later, where a fault ends its thread
    return request


def _split(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Items, each with its type and its value (PS3.8 Section 9.3.1)."""
    at = 0
    while at < len(content):
        if at + 4 > len(content):
            raise ValueError("an item without a length")
        kind, _, length = struct.unpack_from(">BBH", content, at)
        at += 4
        if at + length > len(content):
            raise ValueError("an item that does not end")
        yield kind, content[at : at + length]
        at += length


def _count(content: bytes) -> int:
    """How many items; where one does not end, those before it: the library says what is wrong."""
    count = 0
    with contextlib.suppress(ValueError):
        for _ in _split(content):
            count += 1
    return count


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(value)) + value
