"""The codes that we emit, against the dictionaries of PS3.16 that pydicom carries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydicom.sr.codedict import Collection

from chest import chest_codes
from radiology import codes
from radiology.codes import PRIVATE_SCHEME, Code

ALL = {
    name: value
    for module in (codes, chest_codes)
    for name, value in vars(module).items()
    if isinstance(value, Code)
}

# Not in PS3.16: who defines them, and why we use them, stands beside each in its module.
OUTSIDE_PS3_16 = {
    "CONSOLIDATION",  # SNOMED CT
    "QUALITATIVE_EVALUATIONS",  # in TID 1500 itself, not in the dictionary
    "MILLILITRE",  # UCUM
    "SLICES",  # UCUM annotation
    "CHECKS",  # UCUM annotation
    "ENGLISH",  # RFC 5646
    "PROCEDURE_FINDINGS",  # LOINC
    "ACTIONABLE_URGENT",  # RadLex
    "ACTIONABLE",  # RadLex
}
# PS3.16 gives another meaning where the concept has another use.
OTHER_MEANING = {
    "CT_CHEST": "CT Chest Report",
    "PRIORITY": "Priority (attribute)",
    "DICOM_STUDY": "Study",
    "DIAGNOSTIC_IMAGING_STUDY": "Diagnostic Imaging Report",
}


def dictionary_meanings(code: Code) -> set[str]:
    return {
        known.meaning
        for known in Collection(code.scheme).concepts.values()
        if known.value == code.value
    }


STANDARD = [
    name
    for name, code in ALL.items()
    if code.scheme != PRIVATE_SCHEME and name not in OUTSIDE_PS3_16
]


@pytest.mark.parametrize("name", STANDARD)
def test_each_standard_code_is_in_ps3_16_with_its_meaning(name: str) -> None:
    """A viewer that knows the standard knows every code that claims to be standard."""
    assert OTHER_MEANING.get(name, ALL[name].meaning) in dictionary_meanings(ALL[name])


CONTEXT_GROUPS = [
    (name, group)
    for module in (codes, chest_codes)
    for line in Path(module.__file__).read_text(encoding="utf-8").splitlines()
    if (name := line.partition(" = Code(")[0]) in ALL and name not in OUTSIDE_PS3_16
    for group in re.findall(r"CID (\d+)", line.partition("#")[2])
]


@pytest.mark.parametrize(("name", "group"), CONTEXT_GROUPS)
def test_each_code_is_in_the_context_group_that_stands_beside_it(name: str, group: str) -> None:
    """The source that a comment gives for a code can be looked up."""
    known = {
        (one.scheme_designator, one.value) for one in Collection(f"CID{group}").concepts.values()
    }
    assert (ALL[name].scheme, ALL[name].value) in known


def test_exactly_these_codes_are_private() -> None:
    """A new private code is a decision: PS3.16 was searched and has nothing."""
    private = {code.value for code in ALL.values() if code.scheme == PRIVATE_SCHEME}
    assert private == {
        "TRIAGE",
        "NOT_ASSESSABLE",
        "FAILED_CHECKS",
        "LESION_SHARE",
        "GGO_VOLUME",
        "CONSOL_VOLUME",
        "SLICES_INVOLVED",
        "LESION_VOLUME",
        "LESION_HU",
        "SHARE_OF_LOBE",
        "SHARE_OF_ZONE",
        "ZONE_OF_LUNG",
        "QUALITY_WARNINGS",
        "CONFIDENCE",
        "PNEUMONIA_TYPE",
        "VIRAL_PROB",
        "VIRAL",
        "NOT_VIRAL",
        "SIGNS",
        "CRAZY_PAVING",
        "GGO_PROB",
        "CONSOL_PROB",
        "PAVING_PROB",
        "BRONCHO_PROB",
        "SEPTAL_PROB",
        "SEVERITY",
        "MOSMED_GRADE",
        "CT_SEVERITY",
        "PRIOR_LESION_ML",
        "LESION_CHANGE",
        "LESION_GROWTH",
        "COMPARED_WITH",
        "EARLIER_CT",
        "STUDY_PAGE",
    }
    assert PRIVATE_SCHEME.startswith("99")  # PS3.16 Section 8.2


@pytest.mark.parametrize("name", ALL)
def test_each_code_fits_its_attributes(name: str) -> None:
    """Code Value and designator are SH, Code Meaning is LO (PS3.3 Section 8.8, PS3.5 6.2)."""
    code = ALL[name]
    assert 0 < len(code.value) <= 16
    assert 0 < len(code.scheme) <= 16
    assert 0 < len(code.meaning) <= 64
    assert code.meaning.isascii()


def test_no_concept_has_two_names() -> None:
    """Each triplet stands once, so that one place decides how it is written."""
    triplets = [(code.scheme, code.value) for code in ALL.values()]
    assert len(triplets) == len(set(triplets))


def _verhoeff_holds(number: str) -> bool:
    """Whether the last digit is the check digit of SNOMED CT identifiers (Verhoeff 1969)."""
    rotate = [int(digit) for digit in "1576283094"]
    permutation, check = list(range(10)), 0
    for digit in reversed(number):
        check = _dihedral_product(check, permutation[int(digit)])
        permutation = [rotate[place] for place in permutation]
    return check == 0


def _dihedral_product(first: int, second: int) -> int:
    if first < 5:
        return (first + second) % 5 + (0 if second < 5 else 5)
    return (first - second) % 5 + (5 if second < 5 else 0)


@pytest.mark.parametrize("name", [name for name, code in ALL.items() if code.scheme == "SCT"])
def test_each_snomed_identifier_has_its_check_digit(name: str) -> None:
    """A mistyped SNOMED CT identifier is found, in PS3.16 or not."""
    assert _verhoeff_holds(ALL[name].value)
