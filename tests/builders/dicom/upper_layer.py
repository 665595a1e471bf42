"""Messages of the DICOM upper layer, for a peer that keeps to it only as far as a test wants."""

from __future__ import annotations


def associate_request(calling: str = "SCANNER", called: str = "FIRSTREAD") -> bytes:
    """An A-ASSOCIATE-RQ for CT Image Storage in Explicit VR Little Endian (PS3.8 9.3.2)."""

    def item(kind: int, content: bytes) -> bytes:
        return bytes([kind, 0]) + len(content).to_bytes(2, "big") + content

    context = b"\x01\0\0\0" + item(0x30, b"1.2.840.10008.5.1.4.1.1.2")
    context += item(0x40, b"1.2.840.10008.1.2.1")
    user = item(0x51, (16384).to_bytes(4, "big")) + item(0x52, b"2.25.99")
    body = b"\0\1\0\0" + called.ljust(16).encode() + calling.ljust(16).encode() + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + item(0x20, context) + item(0x50, user)
    return b"\x01\0" + len(body).to_bytes(4, "big") + body


def fragment(content: bytes, control: int, context: int = 1) -> bytes:
    """A P-DATA-TF with one fragment in a presentation context (PS3.8 Annex E.2)."""
    value = bytes([context, control]) + content
    item = len(value).to_bytes(4, "big") + value
    return b"\x04\0" + len(item).to_bytes(4, "big") + item


def element(number: int, value: bytes) -> bytes:
    """A command element (PS3.7 Section 6.3.1), implicit VR little endian."""
    return b"\0\0" + number.to_bytes(2, "little") + len(value).to_bytes(4, "little") + value


# A C-STORE-RQ for a CT image, without Affected SOP Instance UID
INCOMPLETE_COMMAND = (
    element(0x0002, b"1.2.840.10008.5.1.4.1.1.2\0")
    + element(0x0100, b"\x01\0")
    + element(0x0110, b"\x01\0")
    + element(0x0700, b"\0\0")
    + element(0x0800, b"\0\0")
)
