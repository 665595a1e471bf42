r"""Decodes the bytes of a text by its Specific Character Set, with Python's own codecs.

PS3.3 C.12.1.1.2 (defined terms), PS3.5 Section 6.1.2 (code extension by ISO/IEC 2022). Two objects
may write one name in different bytes; what they mean is compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_PLAIN: Final = "latin-1"  # more than the default repertoire: senders leave the attribute out
_CODECS: Final = {  # by the number of the defined term; without and with code extension
    "100": "latin-1",
    "101": "iso8859_2",
    "109": "iso8859_3",
    "110": "iso8859_4",
    "144": "iso8859_5",
    "127": "iso8859_6",
    "126": "iso8859_7",
    "138": "iso8859_8",
    "148": "iso8859_9",
    "203": "iso8859_15",
    "13": "shift_jis",
    "166": "iso8859_11",
    "192": "utf-8",
    "149": "euc_kr",
    "58": "gb2312",
}
_OF_ESCAPES: Final = {  # PS3.3 Tables C.12-3 and C.12-4; the two of two bytes in G0 name their set
    b"-A": "latin-1",
    b"-B": "iso8859_2",
    b"-C": "iso8859_3",
    b"-D": "iso8859_4",
    b"-L": "iso8859_5",
    b"-G": "iso8859_6",
    b"-F": "iso8859_7",
    b"-H": "iso8859_8",
    b"-M": "iso8859_9",
    b"-b": "iso8859_15",
    b"-T": "iso8859_11",
    b")I": "shift_jis",
    b"$)C": "euc_kr",
    b"$)A": "gb2312",
}
_TWO_BYTES: Final = {b"$B": "iso2022_jp", b"$(D": "iso2022_jp_1"}
_ESCAPE: Final = re.compile(rb"\x1b([-()][A-Za-z]|\$[()]?[A-D])")


def text_of(value: bytes, character_sets: Sequence[str]) -> str:
    """What a value says, without padding; several values with a backslash between.

    Parameters
    ----------
    character_sets : the defined terms; none is the default repertoire
    """
    first = character_sets[0].strip() if character_sets else ""
    whole = {"GB18030": "gb18030", "GBK": "gbk"}.get(first)
    if whole is None:
        number = re.fullmatch(r"ISO(?:_IR|[ _]2022[ _]IR) ?(\d+)", first)
        codec = _CODECS.get(number.group(1), _PLAIN) if number else _PLAIN
        said = _with_escapes(value, codec)
    else:
        said = value.decode(whole, "replace")
    return "\\".join(one.strip(" \0") for one in said.split("\\")).strip(" \0")


def _with_escapes(value: bytes, codec: str) -> str:
    """Each stretch by the set that the escape sequence before it names."""
    parts = _ESCAPE.split(value)
    said = [parts[0].decode(codec, "replace")]
    for escape, stretch in zip(parts[1::2], parts[2::2], strict=True):
        if escape in _TWO_BYTES:
            said.append((b"\x1b" + escape + stretch).decode(_TWO_BYTES[escape], "replace"))
            continue
        codec = _OF_ESCAPES.get(escape, codec)  # "(B" and "(J" change the lower half alone
        said.append(stretch.decode(codec, "replace"))
    return "".join(said)
