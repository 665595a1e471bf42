"""A scanner that costs as little as it can, so that it is the receiver that is measured.

PS3.8 Section 9.3 (PDUs), PS3.7 Section 9.3.1 (C-STORE). A program of its own: it makes its
instances in memory, requests an association, waits for a line on standard input, and sends one
C-STORE request after the other, each when the one before was answered with Success. A scanner does
the same. With a window (PS3.7 Annex D.3.3.3) it sends as many without an answer as it is told and
the receiver agrees to; a receiver that agrees to none is sent one at a time. Nagle's algorithm is
off. All receivers hear the same bytes.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.builders.dicom.upper_layer import associate_request, element, item

_CT: Final = b"1.2.840.10008.5.1.4.1.1.2\0"
_ROWS: Final = 512
_LONGEST_PDU: Final = 131_072  # of all receivers of the benchmark, as they are set up there
_LIMIT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One association's work. Moments are of CLOCK_MONOTONIC, the same in all processes."""

    began_s: float
    ended_s: float
    waits_ms: tuple[float, ...]


def main() -> None:
    """`python -m benchmarks.receiving.scanner PORT CALLED STUDY COUNT WINDOW`: print `Sent`."""
    port, called, study, count, window = sys.argv[1:6]
    with socket.create_connection(("127.0.0.1", int(port)), timeout=_LIMIT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        proposed = b"" if window == "1" else item(0x53, int(window).to_bytes(2, "big") + b"\0\1")
        connection.sendall(associate_request("SCANNER", called, user_items=proposed))
        answer = _pdu(connection)
        if answer[0] != 2:
            raise SystemExit(f"no association: PDU type {answer[0]}")
        longest = min(_LONGEST_PDU, _longest_accepted(answer))
        instances = [_instance(int(study), number) for number in range(int(count))]
        print("ready", flush=True)
        sys.stdin.readline()
        sent = _send(connection, instances, longest, _window_accepted(answer))
        connection.sendall(b"\x05\0\0\0\0\x04\0\0\0\0")  # A-RELEASE-RQ
        _pdu(connection)
    print(json.dumps([sent.began_s, sent.ended_s, sent.waits_ms]), flush=True)


def _send(
    connection: socket.socket,
    instances: list[tuple[bytes, bytes, memoryview]],
    longest: int,
    window: int,
) -> Sent:
    waits: list[float] = []
    started: deque[float] = deque()  # of those without an answer
    began = time.monotonic()
    for number, (uid, head, pixels) in enumerate(instances):
        started.append(time.monotonic())
        for part in _messages(number, uid, head, pixels, longest):
            _send_all(connection, part)
        while started and (len(started) == window or _has_answer(connection)):
            waits.append(_wait_for_answer(connection, started))
    while started:
        waits.append(_wait_for_answer(connection, started))
    return Sent(began, time.monotonic(), tuple(waits))


def _has_answer(connection: socket.socket) -> bool:
    return bool(select.select([connection], [], [], 0)[0])


def _wait_for_answer(connection: socket.socket, started: deque[float]) -> float:
    """How long the oldest request without an answer has waited for it, in ms."""
    status = _status(_pdu(connection))
    if status != 0:
        raise SystemExit(f"status {status:04X}")
    return 1000 * (time.monotonic() - started.popleft())


def _messages(
    number: int, uid: bytes, head: bytes, pixels: memoryview, longest: int
) -> Iterator[list[bytes | memoryview]]:
    """The P-DATA-TF PDUs of a C-STORE request; the pixels are not copied."""
    command = (
        element(0x0002, _CT)
        + element(0x0100, b"\x01\0")
        + element(0x0110, (number % 65535 + 1).to_bytes(2, "little"))
        + element(0x0700, b"\0\0")
        + element(0x0800, b"\x01\0")
        + element(0x1000, uid)
    )
    command = element(0x0000, len(command).to_bytes(4, "little")) + command
    first = memoryview(head + bytes(pixels[: longest - 6 - len(head)]))
    rest = pixels[longest - 6 - len(head) :]
    yield [_header(len(command), 3), command, _header(len(first), 0), first]
    for begin in range(0, len(rest), longest - 6):
        part = rest[begin : begin + longest - 6]
        yield [_header(len(part), 2 if begin + longest - 6 >= len(rest) else 0), part]


def _header(length: int, control: int) -> bytes:
    return (
        b"\x04\0"
        + (length + 6).to_bytes(4, "big")
        + (length + 2).to_bytes(4, "big")
        + bytes((1, control))
    )


def _instance(study: int, number: int) -> tuple[bytes, bytes, memoryview]:
    """SOP Instance UID, the data set up to the pixels, and the pixels.

    Explicit VR Little Endian. The pixels are a window into noise that moves with the number, so
    that no two instances have the same.
    """
    uid = b"2.25.%d.1.%d" % (study, number + 1)
    elements = (
        (0x0008, 0x0008, b"CS", b"ORIGINAL\\PRIMARY\\AXIAL"),
        (0x0008, 0x0016, b"UI", _CT),
        (0x0008, 0x0018, b"UI", uid),
        (0x0008, 0x0020, b"DA", b"20260102"),
        (0x0008, 0x0030, b"TM", b"101112"),
        (0x0008, 0x0050, b"SH", b"A%d" % (study % 10**8)),
        (0x0008, 0x0060, b"CS", b"CT"),
        (0x0008, 0x0070, b"LO", b"MAKER"),
        (0x0010, 0x0010, b"PN", b"Bench^Mark"),
        (0x0010, 0x0020, b"LO", b"P%d" % (study % 10**8)),
        (0x0010, 0x0040, b"CS", b"F"),
        (0x0010, 0x1010, b"AS", b"061Y"),
        (0x0018, 0x0050, b"DS", b"1.0"),
        (0x0018, 0x0060, b"DS", b"120"),
        (0x0020, 0x000D, b"UI", b"2.25.%d" % study),
        (0x0020, 0x000E, b"UI", b"2.25.%d.1" % study),
        (0x0020, 0x0010, b"SH", b"1"),
        (0x0020, 0x0013, b"IS", b"%d" % (number + 1)),
        (0x0020, 0x0032, b"DS", b"0\\0\\%d" % number),
        (0x0020, 0x0037, b"DS", b"1\\0\\0\\0\\1\\0"),
        (0x0028, 0x0002, b"US", b"\x01\0"),
        (0x0028, 0x0004, b"CS", b"MONOCHROME2"),
        (0x0028, 0x0010, b"US", _ROWS.to_bytes(2, "little")),
        (0x0028, 0x0011, b"US", _ROWS.to_bytes(2, "little")),
        (0x0028, 0x0030, b"DS", b"0.7\\0.7"),
        (0x0028, 0x0100, b"US", b"\x10\0"),
        (0x0028, 0x0101, b"US", b"\x10\0"),
        (0x0028, 0x0102, b"US", b"\x0f\0"),
        (0x0028, 0x0103, b"US", b"\x01\0"),
        (0x0028, 0x1052, b"DS", b"-1024"),
        (0x0028, 0x1053, b"DS", b"1"),
    )
    head = b"".join(_element(*one) for one in elements)
    length = 2 * _ROWS * _ROWS
    head += b"\xe0\x7f\x10\x00OW\0\0" + length.to_bytes(4, "little")
    begin = 2 * (number % 4096)
    return _even(uid), head, _NOISE[begin : begin + length]


def _element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    padded = _even(value) if vr == b"UI" else value + b" " * (len(value) % 2)
    tag = group.to_bytes(2, "little") + number.to_bytes(2, "little")
    return tag + vr + len(padded).to_bytes(2, "little") + padded


def _even(uid: bytes) -> bytes:
    return uid + b"\0" * (len(uid) % 2)


def _noise() -> memoryview:
    import random

    return memoryview(random.Random(0).randbytes(2 * _ROWS * _ROWS + 2 * 4096))


_NOISE: Final = _noise()


def _send_all(connection: socket.socket, parts: list[bytes | memoryview]) -> None:
    left = sum(map(len, parts)) - connection.sendmsg(parts)
    if left:  # a signal, or a small buffer
        connection.sendall(b"".join(parts)[-left:])


def _pdu(connection: socket.socket) -> bytes:
    head = _exactly(connection, 6)
    return head + _exactly(connection, int.from_bytes(head[2:6], "big"))


def _exactly(connection: socket.socket, count: int) -> bytes:
    read = bytearray()
    while len(read) < count:
        got = connection.recv(count - len(read))
        if not got:
            raise SystemExit("the receiver hung up")
        read += got
    return bytes(read)


def _longest_accepted(answer: bytes) -> int:
    """Maximum Length Received (PS3.8 Annex D.1); 0 means any."""
    at = answer.index(b"\x51\0\0\x04", 74)
    return int.from_bytes(answer[at + 4 : at + 8], "big") or _LONGEST_PDU


def _window_accepted(answer: bytes) -> int:
    """Maximum Number Operations Invoked (PS3.7 Table D.3-8); 1 where nothing is said of it."""
    at = answer.find(b"\x53\0\0\x04", 74)
    return 1 if at < 0 else int.from_bytes(answer[at + 4 : at + 6], "big")


def _status(pdu: bytes) -> int:
    """Status (0000,0900) of a C-STORE response."""
    if pdu[0] != 4:
        raise SystemExit(f"PDU type {pdu[0]} in place of an answer")
    at = 12  # behind the headers of the PDU and of its only fragment
    while at + 8 <= len(pdu):
        tag, length = pdu[at : at + 4], int.from_bytes(pdu[at + 4 : at + 8], "little")
        if tag == b"\0\0\0\x09":
            return int.from_bytes(pdu[at + 8 : at + 10], "little")
        at += 8 + length
    raise SystemExit("an answer without a status")


if __name__ == "__main__":
    main()
