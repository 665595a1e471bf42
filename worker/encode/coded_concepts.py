"""Our codes and texts in the form that a data set takes.

PS3.3 Section 8.8 (Code Sequence Macro), C.12.1.1.4 (Coding Scheme Identification).
"""

from __future__ import annotations

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept

from radiology import codes
from radiology.codes import Code


def coded(code: Code) -> CodedConcept:
    """A code of ours as an item of a code sequence (PS3.3 Section 8.8)."""
    return CodedConcept(code.value, code.scheme, code.meaning)


def private_coding_scheme() -> CodingSchemeIdentificationItem:
    """Identifies our private coding scheme, where it is used (PS3.3 C.12.1.1.4)."""
    return CodingSchemeIdentificationItem(
        designator=codes.PRIVATE_SCHEME,
        name=codes.PRIVATE_SCHEME_NAME,
        version=codes.PRIVATE_SCHEME_VERSION,
        responsible_organization=codes.PRIVATE_SCHEME_ORGANISATION,
    )


def plain_text(text: str) -> str:
    """Text that any source character set and the picture's font can show.

    The objects keep the Specific Character Set of the source, for its names, so what we add to
    them is ASCII.
    """
    return text.translate(_PLAIN).encode("ascii", "replace").decode("ascii")


_PLAIN = str.maketrans(
    {"–": "-", "−": "-", "×": "x", "≥": ">=", "≤": "<=", "²": "2", "³": "3", "µ": "u", "°": " deg"}
)
