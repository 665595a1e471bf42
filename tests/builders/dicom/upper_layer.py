"""Messages of the DICOM upper layer, for a peer that keeps to it only as far as a test wants."""

from __future__ import annotations


def item(kind: int, content: bytes) -> bytes:
    """A variable item of an A-ASSOCIATE PDU (PS3.8 Section 9.3.1)."""
    return bytes([kind, 0]) + len(content).to_bytes(2, "big") + content


def associate_request(
    calling: str | bytes = "SCANNER",
    called: str | bytes = "FIRSTREAD",
    *,
    version: int = 1,
    sop_class: bytes = b"1.2.840.10008.5.1.4.1.1.2",
    user_items: bytes = b"",
    behind: bytes = b"",
) -> bytes:
    """An A-ASSOCIATE-RQ for CT Image Storage in Explicit VR Little Endian (PS3.8 9.3.2).

    Parameters
    ----------
    calling, called : padded with spaces where it is text, taken as they are where it is bytes
    user_items : further ones of the user information
    behind : further variable items
    """

    def field(title: str | bytes) -> bytes:
        return title if isinstance(title, bytes) else title.ljust(16).encode()

    context = b"\x01\0\0\0" + item(0x30, sop_class)
    context += item(0x40, b"1.2.840.10008.1.2.1")
    user = item(0x51, (16384).to_bytes(4, "big")) + item(0x52, b"2.25.99") + user_items
    body = version.to_bytes(2, "big") + b"\0\0" + field(called) + field(calling) + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + item(0x20, context) + item(0x50, user) + behind
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
