"""File meta information for a data set that came over the network.

PS3.10 Section 7.1 (Table 7.1-1). It is made before the data set is looked at, from what the
association says; a UID that is not valid is left empty, since such an object goes to quarantine.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

from dicom_node.library_options import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from radiology.errors import InvalidUid
from radiology.identity import checked_uid

_PREAMBLE: Final = bytes(128) + b"DICM"


def encode_file_meta(
    *,
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax_uid: str,
    calling_ae_title: str,
    called_ae_title: str,
) -> bytes:
    """Preamble, prefix and file meta information, in Explicit VR Little Endian.

    Parameters
    ----------
    sop_class_uid, sop_instance_uid : as the C-STORE command announces them
    transfer_syntax_uid : of the presentation context
    calling_ae_title, called_ae_title : who sent and who received
    """
    before, after = _of_all(sop_class_uid, transfer_syntax_uid, calling_ae_title, called_ae_title)
    own = _short(0x0003, b"UI", _uid(sop_instance_uid))
    size = len(before) + len(own) + len(after)
    group_length = _short(0x0000, b"UL", struct.pack("<L", size))
    return b"".join((_PREAMBLE, group_length, before, own, after))


@lru_cache(maxsize=256)
def _of_all(
    sop_class_uid: str, transfer_syntax_uid: str, calling_ae_title: str, called_ae_title: str
) -> tuple[bytes, bytes]:
    """The elements before and behind the SOP Instance UID: all instances of a sender have them."""
    before = _long(0x0001, b"OB", b"\x00\x01") + _short(0x0002, b"UI", _uid(sop_class_uid))
    after = (
        _short(0x0010, b"UI", _uid(transfer_syntax_uid)),
        _short(0x0012, b"UI", _uid(IMPLEMENTATION_CLASS_UID)),
        _short(0x0013, b"SH", _text(IMPLEMENTATION_VERSION_NAME)),
        _short(0x0016, b"AE", _text(calling_ae_title)),  # Source Application Entity Title
        _short(0x0018, b"AE", _text(called_ae_title)),  # Receiving Application Entity Title
    )
    return before, b"".join(after)


def _short(element: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", 0x0002, element, vr, len(value)) + value


def _long(element: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sxxL", 0x0002, element, vr, len(value)) + value


def _uid(uid: str) -> bytes:
    try:
        value = checked_uid(uid, "UID").encode("ascii")
    except InvalidUid:
        return b""
    return value + b"\0" * (len(value) % 2)


def _text(text: str) -> bytes:
    value = text.encode("ascii", "replace")
    return value + b" " * (len(value) % 2)
