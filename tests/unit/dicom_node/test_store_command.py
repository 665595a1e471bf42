"""C-STORE commands read and responses written as pynetdicom does."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID
from pynetdicom.dimse_messages import C_ECHO_RQ, C_STORE_RQ, DIMSEMessage
from pynetdicom.dimse_primitives import C_ECHO, C_STORE
from pynetdicom.pdu import P_DATA_TF

from dicom_node.guard.store_command import StoreRequest, read_store_request, store_response
from tests.builders.dicom.upper_layer import INCOMPLETE_COMMAND, element

CT = "1.2.840.10008.5.1.4.1.1.2"
REQUEST = StoreRequest(3, 513, CT, "2.25.77")


def command(**changes: object) -> bytes:
    """The command set of a C-STORE request, as pynetdicom encodes it."""
    primitive = C_STORE()
    primitive.MessageID = 513
    primitive.AffectedSOPClassUID = UID(CT)
    primitive.AffectedSOPInstanceUID = UID("2.25.77")
    primitive.Priority = 2
    primitive.DataSet = BytesIO(b"x")
    for keyword, value in changes.items():
        setattr(primitive, keyword, value)
    message = C_STORE_RQ()
    message.primitive_to_message(primitive)
    return command_of(message)


def command_of(message: DIMSEMessage) -> bytes:
    """The command set alone."""
    (first, *_) = message.encode_msg(3, 0)
    return bytes(first.presentation_data_value_list[0][1][1:])


def test_a_request_is_read() -> None:
    """With its message id, UIDs, and who asked for it."""
    assert read_store_request(3, command()) == REQUEST
    moved = read_store_request(3, command(MoveOriginatorApplicationEntityTitle="FIRSTREAD"))
    assert moved is not None
    assert moved.move_originator == "FIRSTREAD"


def test_what_is_not_a_plain_request_is_left() -> None:
    """Another message, no data set, no UID, no priority, cut off: for the library to judge."""
    echo = C_ECHO()
    echo.MessageID = 1
    echo.AffectedSOPClassUID = UID("1.2.840.10008.1.1")
    message = C_ECHO_RQ()
    message.primitive_to_message(echo)
    assert read_store_request(1, command_of(message)) is None
    assert read_store_request(1, INCOMPLETE_COMMAND) is None
    whole = command()
    assert read_store_request(3, whole[:-1]) is None
    assert read_store_request(3, whole + element(0x0800, b"\x01\x01")) is None
    assert (
        read_store_request(3, whole.replace(b"\x00\x07\x02\0\0\0\x02", b"\x00\x07\x02\0\0\0\x09"))
        is None
    )


@given(st.binary(max_size=200), st.integers(0, 60))
def test_any_bytes_are_read_or_left(content: bytes, cut: int) -> None:
    """Nothing is raised, whatever they are."""
    whole = command()
    read_store_request(3, content)
    read_store_request(3, whole[:cut] + content + whole[cut:])


@pytest.mark.parametrize("longest_pdu", [0, 16384, 40, 7])
def test_a_response_is_what_the_library_reads(longest_pdu: int) -> None:
    """In PDUs that are not longer than the peer takes."""
    answer = store_response(REQUEST, CT, 0xA700, "The disk is full now", longest_pdu)
    message = DIMSEMessage()
    done, at = False, 0
    while at < len(answer):
        assert not done
        length = 6 + int.from_bytes(answer[at + 2 : at + 6], "big")
        assert not longest_pdu or length - 6 <= max(longest_pdu, 7)
        pdu = P_DATA_TF()
        pdu.decode(answer[at : at + length])
        done = message.decode_msg(pdu.to_primitive())
        at += length
    assert done
    assert type(message).__name__ == "C_STORE_RSP"
    read = message.command_set
    assert read.CommandGroupLength == len(message.encoded_command_set.getvalue()) - 12
    assert (read.MessageIDBeingRespondedTo, read.Status) == (513, 0xA700)
    assert (read.AffectedSOPClassUID, read.AffectedSOPInstanceUID) == (CT, "2.25.77")
    assert read.ErrorComment == "The disk is full now"
    assert message.context_id == 3
