"""The command set of a C-STORE request, read from its bytes, and the response's written to bytes.

PS3.7 Section 6.3.1 (command sets: Implicit VR Little Endian), 9.3.1 (C-STORE). A command that is
not a plain C-STORE request in one fragment is left to pynetdicom, whatever it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_GROUP_LENGTH: Final = 0x0000
_AFFECTED_SOP_CLASS_UID: Final = 0x0002
_COMMAND_FIELD: Final = 0x0100
_MESSAGE_ID: Final = 0x0110
_MESSAGE_ID_RESPONDED_TO: Final = 0x0120
_PRIORITY: Final = 0x0700
_COMMAND_DATA_SET_TYPE: Final = 0x0800
_STATUS: Final = 0x0900
_ERROR_COMMENT: Final = 0x0902
_AFFECTED_SOP_INSTANCE_UID: Final = 0x1000
_MOVE_ORIGINATOR_AE_TITLE: Final = 0x1030

_C_STORE_RQ, _C_STORE_RSP = 0x0001, 0x8001
_NO_DATA_SET: Final = 0x0101
_PRIORITIES: Final = (0, 1, 2)  # PS3.7 Section 9.3.1.1: MEDIUM, HIGH, LOW
_HEADER: Final = struct.Struct("<HHL")
_LAST_OF_COMMAND: Final = 3  # PS3.8 Annex E.2: of the command, and the last


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """What a C-STORE request says before its data set.

    Attributes
    ----------
    context_id : of the presentation context
    sop_class_uid, sop_instance_uid : as announced
    move_originator : AE title of who asked for it by C-MOVE; "" where nobody has
    """

    context_id: int
    message_id: int
    sop_class_uid: str
    sop_instance_uid: str
    move_originator: str = ""


def read_store_request(context_id: int, command: bytes) -> StoreRequest | None:
    """Read a command set; None where it is not a plain C-STORE request with a data set."""
    values = _elements(command)
    if values is None or _number(values, _COMMAND_FIELD) != _C_STORE_RQ:
        return None
    message_id, data_set = _number(values, _MESSAGE_ID), _number(values, _COMMAND_DATA_SET_TYPE)
    if message_id is None or data_set in (None, _NO_DATA_SET):
        return None
    if _number(values, _PRIORITY) not in _PRIORITIES:
        return None
    try:
        sop_class_uid = _text(values, _AFFECTED_SOP_CLASS_UID)
        sop_instance_uid = _text(values, _AFFECTED_SOP_INSTANCE_UID)
        originator = _text(values, _MOVE_ORIGINATOR_AE_TITLE)
    except UnicodeDecodeError:
        return None
    if not sop_class_uid or not sop_instance_uid or "\\" in sop_class_uid + sop_instance_uid:
        return None
    return StoreRequest(context_id, message_id, sop_class_uid, sop_instance_uid, originator)


def store_response(
    request: StoreRequest, sop_class_uid: str, status: int, comment: str, longest_pdu: int
) -> bytes:
    """The P-DATA-TF PDUs of a C-STORE response.

    Parameters
    ----------
    sop_class_uid : of the presentation context
    comment : Error Comment (0000,0902); "" for none
    longest_pdu : that the peer takes, without the six bytes of the PDU's header; 0: any
    """
    elements = _element(_AFFECTED_SOP_CLASS_UID, _uid(sop_class_uid))
    elements += _short(_COMMAND_FIELD, _C_STORE_RSP)
    elements += _short(_MESSAGE_ID_RESPONDED_TO, request.message_id)
    elements += _short(_COMMAND_DATA_SET_TYPE, _NO_DATA_SET)
    elements += _short(_STATUS, status)
    if comment:
        text = comment.encode("ascii", "replace")
        elements += _element(_ERROR_COMMENT, text + b" " * (len(text) % 2))
    elements += _element(_AFFECTED_SOP_INSTANCE_UID, _uid(request.sop_instance_uid))
    command = _element(_GROUP_LENGTH, len(elements).to_bytes(4, "little")) + elements
    return b"".join(_fragments(request.context_id, command, longest_pdu))


def _fragments(context_id: int, command: bytes, longest_pdu: int) -> Iterator[bytes]:
    most = max(longest_pdu - 6, 1) if longest_pdu else len(command)
    for begin in range(0, len(command), most):
        part = command[begin : begin + most]
        control = _LAST_OF_COMMAND if begin + most >= len(command) else 1
        yield struct.pack(">BBLLBB", 4, 0, len(part) + 6, len(part) + 2, context_id, control) + part


def _elements(command: bytes) -> dict[int, bytes] | None:
    """Values by element; None where they are not of group 0000 in ascending order to the end."""
    values: dict[int, bytes] = {}
    at, last, size = 0, -1, len(command)
    while at < size:
        if size - at < _HEADER.size:
            return None
        group, element, length = _HEADER.unpack_from(command, at)
        at += _HEADER.size
        if group != 0 or element <= last or length > size - at:
            return None
        values[element] = command[at : at + length]
        at, last = at + length, element
    return values


def _number(values: dict[int, bytes], element: int) -> int | None:
    value = values.get(element, b"")
    return int.from_bytes(value, "little") if len(value) == 2 else None


def _text(values: dict[int, bytes], element: int) -> str:
    return values.get(element, b"").decode("ascii").strip("\0 ")


def _element(element: int, value: bytes) -> bytes:
    return _HEADER.pack(0, element, len(value)) + value


def _short(element: int, value: int) -> bytes:
    return _element(element, value.to_bytes(2, "little"))


def _uid(uid: str) -> bytes:
    value = uid.encode("ascii")
    return value + b"\0" * (len(value) % 2)
