"""DIMSE status codes in words, for what a destination answered to a C-STORE request.

PS3.4 Table B.2-1 (C-STORE Response Status Values) and PS3.7 Annex C.
"""

from __future__ import annotations

from worklist.words.translations import translated

WORDS = {
    0x0000: "stored",
    0x0110: "processing failure",  # PS3.7 Section C.5.20
    0x0111: "duplicate SOP instance",  # PS3.7 Section C.5.6
    0x0117: "invalid SOP instance",  # PS3.7 Section C.5.12
    0x0118: "no such SOP class",  # PS3.7 Section C.5.17
    0x0122: "SOP class not supported",  # PS3.7 Section C.5.21
    0x0124: "not authorised",  # PS3.7 Section C.5.22
    0x0210: "duplicate invocation",  # PS3.7 Section C.5.7
    0x0211: "unrecognised operation",  # PS3.7 Section C.5.23
    0x0212: "mistyped argument",  # PS3.7 Section C.5.15
    0xB000: "stored, data elements coerced",  # PS3.4 Table B.2-1
    0xB006: "stored, elements discarded",  # PS3.4 Table B.2-1
    0xB007: "stored, data set does not match SOP class",  # PS3.4 Table B.2-1
}

RANGES = (
    (0xA700, 0xA7FF, "out of resources"),  # PS3.4 Table B.2-1
    (0xA900, 0xA9FF, "data set does not match SOP class"),  # PS3.4 Table B.2-1
    (0xC000, 0xCFFF, "cannot understand"),  # PS3.4 Table B.2-1
)


def status_words(status: int | None) -> str:
    """A status in words; None is an object that no answer came for."""
    if status is None:
        return translated("not sent")
    if status in WORDS:
        return translated(WORDS[status])
    for first, last, words in RANGES:
        if first <= status <= last:
            return translated(words)
    return translated("unknown status")


def status_hex(status: int | None) -> str:
    """A status as the standard writes it, for example 0xA700; a dash where there is none."""
    return "–" if status is None else f"0x{status:04X}"
