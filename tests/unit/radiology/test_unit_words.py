"""What a person reads in place of a UCUM code."""

from __future__ import annotations

import pytest

from radiology import codes
from radiology.codes import Code
from radiology.unit_words import unit_words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("[hnsf'U]", "HU"),
        ("{slices}", "slices"),
        ("{checks}", "checks"),
        ("1", ""),
        ("%", "%"),
        ("ml", "ml"),
        ("mm", "mm"),
        ("mm2", "mm²"),
        ("mm3", "mm³"),
        ("mm[Hg]", "mmHg"),
        ("g/cm3", "g/cm³"),
        ("{beats}/min", "beats/min"),
        ("Cel", "°C"),
        ("d", "d"),
    ],
)
def test_a_unit_is_written_as_people_write_it(code: str, words: str) -> None:
    """Exponents are raised, and neither brackets nor braces are left."""
    assert unit_words(Code(code, "UCUM", "as people write it")) == words


def test_every_unit_of_ours_is_read_without_brackets() -> None:
    """Whatever `radiology.codes` has of UCUM can be shown."""
    units = [one for one in vars(codes).values() if isinstance(one, Code) and one.scheme == "UCUM"]
    assert len(units) >= 6
    assert not [one for one in units if set("[]{}'") & set(unit_words(one))]
