"""The character set of an incoming message: which one MSH-18 names, and the text that it makes.

HL7 v2.5.1 Section 2.15.9.18 (MSH-18), 2.15.9.20 (MSH-20), Table 0211. MSH-18 repeats: the first
repetition is the set that the message begins in, the others are those that escape sequences of
ISO/IEC 2022 switch to. In some sets the second byte of a character can be a delimiter ("|" in
GB 18030, Big5 and JIS X 0208), so a message is split only after it is decoded, and in no other set
than the one that it names.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Final

from hl7_node.er7 import read_delimiters, split_lines, split_segment
from radiology.errors import MessageRefused

SETS: Final = {
    "": "utf-8",
    "ASCII": "utf-8",
    "ISO IR6": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UNICODE": "utf-8",
    "8859/1": "iso8859-1",
    "8859/2": "iso8859-2",
    "8859/3": "iso8859-3",
    "8859/4": "iso8859-4",
    "8859/5": "iso8859-5",
    "8859/6": "iso8859-6",
    "8859/7": "iso8859-7",
    "8859/8": "iso8859-8",
    "8859/9": "iso8859-9",
    "8859/15": "iso8859-15",
    "GB 18030-2000": "gb18030",
    "BIG-5": "big5",
    "KS X 1001": "euc_kr",
}
_JAPANESE: Final = "iso2022_jp_1"  # ASCII, JIS X 0201 Roman, JIS X 0208 and JIS X 0212
_ROMAN: Final = frozenset({"", "ASCII", "ISO IR6", "ISO IR14"})
_KANJI: Final = frozenset({"ISO IR87", "ISO IR159"})
_WITH_DELIMITERS: Final = ("gb18030", "big5", _JAPANESE)  # where a second byte can be one
_ESCAPE: Final = b"\x1b"
_MOST_NAMES: Final = 8
_FIELD: Final = 18
_SIXTEEN_BITS: Final = (
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"M\0S\0H\0", "utf-16-le"),
    (b"\0M\0S\0H", "utf-16-be"),
)


def decoded(content: bytes) -> str:
    """The text of a message; bytes that are wrong in its character set are replaced.

    What we read are identifiers, codes and numbers, which are ASCII in every set we know: a name
    in the wrong set must not keep a value from its patient.

    Raises
    ------
    MessageRefused
        It begins with no message header, MSH-18 names a set that we do not know, or the message
        switches between sets in a way that MSH-18 does not announce.
    """
    content = _bare(content)
    codec = _codec_of(content)
    if codec != _JAPANESE:
        if _ESCAPE in content:
            raise MessageRefused("The message switches to a set that MSH-18 does not name")
        return content.decode(codec, errors="replace")
    try:
        return content.decode(codec)  # a switch that is wrong or forgotten swallows delimiters
    except UnicodeDecodeError as error:
        raise MessageRefused("The message is not in the character set in MSH-18") from error


def legible(content: bytes) -> str:
    """The text of a message in whatever set, as far as it is ASCII; the rest is replaced.

    For what is ASCII in every set: who sent a message that we refuse, and what a receiver answered.
    """
    content = content.lstrip(b"\r\n")
    for mark, codec in _SIXTEEN_BITS:
        if content.startswith(mark):
            return content.decode(codec, errors="replace").lstrip("\ufeff")
    content = _bare(content)
    try:
        codec = _codec_of(content)
    except MessageRefused:
        codec = "ascii"
    return content.decode(codec, errors="replace")


def _bare(content: bytes) -> bytes:
    """A message without what may stand before it: line ends and a byte order mark."""
    return content.lstrip(b"\r\n").removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")


def _codec_of(content: bytes) -> str:
    return _named_by_itself(content) or _codec(_names(content, "latin-1"))


def _named_by_itself(content: bytes) -> str | None:
    """The set that a header names when it is read in just that set; for sets with delimiters.

    Read byte by byte, the fields of such a header may shift, so that MSH-18 seems to be empty.
    """
    for codec in _WITH_DELIMITERS:
        try:
            if _codec(_names(content, codec)) == codec:
                return codec
        except MessageRefused:
            continue  # it is not in this set
    return None


def _names(content: bytes, codec: str) -> list[str]:
    """The repetitions of MSH-18, when the header is in some set."""
    # No set that we know has a line end within a character.
    head, end, _ = content.partition(b"\r")
    text = (head + end).decode(codec, errors="replace")
    delimiters = read_delimiters(text)
    header = split_segment(split_lines(text, delimiters)[0], delimiters)
    return [header.of(one, 1).upper() for one in header.repetitions(_FIELD, _MOST_NAMES)] or [""]


def _codec(names: Sequence[str]) -> str:
    """What Python calls the set that the repetitions of MSH-18 mean.

    Raises
    ------
    MessageRefused
        We know none that has them all.
    """
    first, *others = names
    switched = set(others) - _ROMAN
    if first in _ROMAN and switched and switched <= _KANJI:
        return _JAPANESE
    codec = SETS.get(first)
    if codec is None or any(SETS.get(one) != codec for one in switched):
        raise MessageRefused("The character set in MSH-18 is not one that we know")
    return codec
