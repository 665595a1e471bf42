"""Search finds what a number is or begins with, as it was typed."""

from __future__ import annotations

import pytest

from tests.unit.worklist.access.visitor import Visitor, rows_of
from tests.unit.worklist.list.asked_list import listed
from tests.unit.worklist.seeding import SeededHospital


def test_search_finds_exact_first_then_what_begins_so(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """An accession number or patient ID is found whole or by its beginning, of any urgency."""
    longer = hospital.receive(accession_number="A1001")
    other = hospital.receive(accession_number="B1", patient_id="A100")
    exact = hospital.receive(accession_number="A100")
    hospital.receive(accession_number="XA100")
    assert listed(visitor, "/?q=A100") == [exact, other, longer]
    assert listed(visitor, "/?q=A1001") == [longer]
    assert listed(visitor, "/?q=%20A1001%20") == [longer]
    assert listed(visitor, "/?q=a1001") == []


@pytest.mark.parametrize("hostile", ["%", "_", "A%", "' OR 1=1 --", "\\", "*", "[A-Z]"])
def test_a_search_has_no_wildcards(
    hospital: SeededHospital, visitor: Visitor, hostile: str
) -> None:
    """What is typed is looked for as it is typed."""
    hospital.receive(accession_number="A1")
    answer = visitor.get("/?q=" + hostile.replace("%", "%25").replace(" ", "%20"))
    assert answer.status_code == 200
    assert rows_of(answer.text) == []
    assert "No study has an accession number or patient ID that begins like this." in answer.text


def test_a_search_that_finds_too_many_says_so(hospital: SeededHospital, visitor: Visitor) -> None:
    """A short beginning shows some, and asks for more of the number."""
    for number in range(55):
        hospital.receive(accession_number=f"A{number:03}", images=1)
    text = visitor.text("/?q=A")
    assert "These are the first 50; type more of the number to see fewer." in text
