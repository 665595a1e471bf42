"""What a peer says in its own words of why it refused: made fit for a person, and for the log.

PS3.7 Annex C (Error Comment (0000,0902)), HL7 v2.5.1 Sections 2.15.8 (MSA-3) and 2.15.5 (ERR-8). A
peer may quote what it was sent: an identifier or a name. So its words stand only where identifiers
of patients stand too, in the rows that the page and the command line show. The log gets those of
them that are words of a trade, which name nobody; anything else is a dash there.
"""

from __future__ import annotations

import re
from typing import Final

from radiology.words.trade import WORDS_OF_A_TRADE

_LONGEST: Final = 200  # Error Comment has 64 characters, MSA-3 80, ERR-8 250
_BEGIN, _END = " The peer says: “", "”"
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_UNSAID: Final = "–"


def readable(said: object) -> str:
    """A peer's words on one line, printable and of limited length; "" where it says nothing."""
    text = "" if said is None else str(said)
    plain = "".join(one if one.isprintable() else " " for one in text[: 4 * _LONGEST])
    plain = " ".join(plain.replace("“", "'").replace(_END, "'").split())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1].rstrip() + "…"


def with_words(sentence: str, said: str) -> str:
    """Our sentence, followed by what the peer says; for a person, never for the log."""
    return f"{sentence}{_BEGIN}{said}{_END}" if said else sentence


def split_words(text: str) -> tuple[str, str]:
    """Our sentence and the peer's words in a text that `with_words` has made."""
    sentence, begun, rest = text.partition(_BEGIN)
    if not begun or not rest.endswith(_END) or _BEGIN in rest:
        return text, ""
    return sentence, rest.removesuffix(_END)


def loggable(said: str) -> str:
    """A peer's words for the log: numbers, names and whatever else we do not know are left out."""
    known = (word if word.lower() in WORDS_OF_A_TRADE else _UNSAID for word in _WORD.findall(said))
    return " ".join(known)
