"""Codes that a bundle declares: value, scheme and meaning, checked as far as possible.

DICOM holds a code's value and scheme in 16 characters and its meaning in 64 (PS3.5 Section 6.2,
SH and LO). Private schemes begin with 99 (PS3.16 Section 8.2).
"""

from __future__ import annotations

import re
from typing import Final

from models.declared.section import DeclarationTable, listing, nearest
from radiology.codes import Code

SCHEMES: Final = ("SCT", "DCM", "RADLEX", "UCUM", "LN")
_MOST_VALUE, _MOST_MEANING = 16, 64
_PRIVATE = re.compile(r"99[A-Z0-9_]{1,14}")
_FORMS = {
    "SCT": (re.compile(r"[1-9]\d{5,15}"), "six to sixteen digits"),
    "DCM": (re.compile(r"\d{6}|[A-Z0-9_]{1,16}"), "six digits, or letters such as CT"),
    "RADLEX": (re.compile(r"RID\d{1,13}"), "RID and digits"),
    "LN": (re.compile(r"\d{1,7}-\d"), "digits, a hyphen and one check digit"),
    "UCUM": (re.compile(r"\S{1,16}"), "a unit without blanks"),
}

# Verhoeff's tables: the dihedral group of order ten and its permutation (SNOMED CT Technical
# Implementation Guide, "Check-digit").
_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURNED = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def snomed_checks(value: str) -> bool:
    """Whether the last digit of a SNOMED CT identifier is the check digit of the others."""
    check = 0
    for place, digit in enumerate(reversed(value)):
        check = int(_TIMES[check][int(_TURNED[place % 8][int(digit)])])
    return check == 0


def loinc_checks(value: str) -> bool:
    """Whether the digit after the hyphen of a LOINC code is the check digit (modulus 10)."""
    number, _, check = value.partition("-")
    total = 0
    for place, digit in enumerate(reversed(number)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return (10 - total % 10) % 10 == int(check)


_CHECKS = {"SCT": snomed_checks, "LN": loinc_checks}


def read_code(section: DeclarationTable) -> Code:
    """Read one code: `{ value = …, scheme = …, meaning = … }`.

    Raises
    ------
    BundleRejected
        The scheme is unknown, the value is none of it, or a part is too long.
    """
    scheme = section.text("scheme")
    if scheme not in SCHEMES and not _PRIVATE.fullmatch(scheme):
        cure = (
            f"{nearest(scheme.upper(), SCHEMES)}Allowed: {listing(SCHEMES)}, or a private scheme "
            "of capitals and digits that begins with 99."
        )
        raise section.problem("scheme", f'"{scheme}" is no coding scheme', cure)
    value = section.text("value", most=_MOST_VALUE)
    _check_value(section, scheme, value)
    meaning = section.text("meaning", most=_MOST_MEANING)
    if "\n" in meaning or "\\" in meaning:
        raise section.problem("meaning", "it is more than one line", "Write a few plain words.")
    section.close()
    return Code(value, scheme, meaning)


def _check_value(section: DeclarationTable, scheme: str, value: str) -> None:
    form, words = _FORMS.get(scheme, (re.compile(r"[A-Za-z0-9_.-]{1,16}"), "letters and digits"))
    if not form.fullmatch(value):
        raise section.problem("value", f'"{value}" is no code of {scheme}', f"It is {words}.")
    check = _CHECKS.get(scheme)
    if check is not None and not check(value):
        raise section.problem(
            "value", f'the check digit of "{value}" is wrong', "Look for a mistyped digit."
        )


def read_optional_code(section: DeclarationTable, key: str) -> Code | None:
    """Read the code under a key; None where the key is not there."""
    return read_code(section.section(key)) if section.has(key) else None
