"""Search finds any part of a number as it was typed, and of a name where names are shown."""

from __future__ import annotations

import re

import pytest

from database.session import query
from database.tables.readers.account import AuditEvent, ListSearch
from settings.environment import Settings
from settings.page.sign_in import Role
from settings.page.worklist_list import WorklistList
from tests.builders.stored.readers import signed_in_reader
from tests.unit.worklist.access.person import Person
from tests.unit.worklist.access.visitor import Visitor, row_text, rows_of
from tests.unit.worklist.list.asked_list import headed, listed
from tests.unit.worklist.seeding import SeededHospital
from worker.housekeeping import count_what_is_kept
from worklist.app import create_app


def test_search_finds_exact_first_then_what_begins_so_then_any_part(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """Patient ID, accession number or study UID, of any urgency and however capitalised."""
    longer = hospital.receive(accession_number="A1001")
    within = hospital.receive(accession_number="XA100")
    other = hospital.receive(accession_number="B1", patient_id="A100")
    exact = hospital.receive(accession_number="A100")
    hospital.receive(accession_number="A200")
    assert listed(visitor, "/?q=A100") == [exact, other, longer, within]
    assert listed(visitor, "/?q=a100") == [exact, other, longer, within]
    assert listed(visitor, "/?q=%20A1001%20") == [longer]
    assert listed(visitor, "/?q=1001") == [longer]
    assert listed(visitor, f"/?q={exact}") == [exact]
    assert listed(visitor, f"/?q={exact[-12:]}") == [exact]


@pytest.mark.parametrize("hostile", ["%", "_", "A%", "' OR 1=1 --", "\\", "*", "[A-Z]"])
def test_a_search_has_no_wildcards(
    hospital: SeededHospital, visitor: Visitor, hostile: str
) -> None:
    """What is typed is looked for as it is typed."""
    hospital.receive(accession_number="A1")
    answer = visitor.get("/?q=" + hostile.replace("%", "%25").replace(" ", "%20"))
    assert answer.status_code == 200
    assert rows_of(answer.text) == []
    assert "No study has this in its patient ID, accession number or UID." in answer.text


def test_a_search_that_finds_too_many_says_so(hospital: SeededHospital, visitor: Visitor) -> None:
    """A short beginning shows some, and asks for more of the number."""
    for number in range(55):
        hospital.receive(accession_number=f"A{number:03}", images=1)
    text = visitor.text("/?q=A")
    assert "These are the first 50; type more to see fewer." in text


@pytest.fixture
def named_page(hospital: SeededHospital, worklist_settings: Settings) -> Person:
    """Give a signed-in reader at a page that shows names."""
    shown = {"worklist_list": WorklistList(patient_names=True)}
    settings = worklist_settings.model_copy(update=shown)
    person = Person(create_app(settings, hospital.engine, clock=lambda: hospital.now))
    token = signed_in_reader(hospital.engine, "wu", Role.READER, hospital.now)
    person.cookies["firstread-session"] = token
    return person


def _search(person: Person, sought: str) -> tuple[list[str], str]:
    """What a form of the page finds, and the address that it leads to."""
    form = person.form("/?show=all", "/list/search")
    answer = person.post("/list/search", {**form, "q": sought})
    assert answer.status_code == 303
    address = answer.headers["location"]
    return rows_of(person.get(address).text), address


def test_a_name_is_found_and_stands_in_no_address(
    hospital: SeededHospital, named_page: Person
) -> None:
    """The search is posted; its address is a token, which is nothing to anybody else."""
    yamada = hospital.receive(accession_number="A1")
    headed(hospital, yamada, patient_name="Yamada^Tarou=山田^太郎")
    doe = hospital.receive(accession_number="A2")
    headed(hospital, doe, patient_name="Doe^Jane")
    found, address = _search(named_page, "tarou, YAMADA")
    assert found == [yamada]
    assert "yamada" not in address.lower()
    assert re.fullmatch(r"/\?found=[\w-]{43}", address)
    html = named_page.get(address).text
    assert "Yamada, Tarou 山田 太郎" in row_text(html, yamada)
    assert f'data-live="/live/worklist{address[1:]}&amp;columns=' in html
    assert "yamada" not in re.findall(r'data-live="([^"]*)"', html)[0].lower()
    assert _search(named_page, "太郎")[0] == [yamada]
    assert _search(named_page, "a2")[0] == [doe]
    assert rows_of(named_page.get("/?q=yamada").text) == [], "an address finds no name"
    other = Person(named_page.app)
    other.cookies["firstread-session"] = signed_in_reader(
        hospital.engine, "li", Role.READER, hospital.now
    )
    over = other.get(address).text
    assert rows_of(over) == []
    assert "This search is over. Type it again." in over
    assert "tarou" not in over.lower()
    hospital.later(13 * 3600)
    count_what_is_kept(hospital.engine, hospital.now)
    with query(hospital.engine) as session:
        assert session.query(ListSearch).count() == 0, "forgotten when it is over"


def test_who_searched_is_recorded_without_what_for(
    hospital: SeededHospital, named_page: Person
) -> None:
    """Each search; with the patient where only one was found, never with what was typed."""
    yamada = hospital.receive(patient_id="P1")
    headed(hospital, yamada, patient_name="Yamada^Tarou")
    headed(hospital, hospital.receive(patient_id="P2"), patient_name="Yamada^Hanako")
    for sought in ("yamada tarou", "yamada tarou", "yamada", "nobody"):
        _search(named_page, sought)
    with query(hospital.engine) as session:
        events = session.query(AuditEvent).filter_by(name="worklist_searched").all()
        said = [(one.reader, one.patient_id, one.study_instance_uid, one.facts) for one in events]

    def facts(found: int) -> dict[str, object]:
        return {"route": "/list/search", "names": True, "found": found}

    assert said == [
        ("wu", "P1", yamada, facts(1)),
        ("wu", "P1", yamada, facts(1)),
        ("wu", "", "", facts(2)),
        ("wu", "", "", facts(0)),
    ]


def test_names_are_not_shown_by_themselves(hospital: SeededHospital, visitor: Visitor) -> None:
    """Without the setting no name is written, none is found, and none is sorted by."""
    uid = hospital.receive(accession_number="A1")
    headed(hospital, uid, patient_name="Yamada^Tarou")
    for address in ("/", "/?q=yamada", "/?sort=name"):
        assert "amada" not in visitor.get(address).text.replace("yamada", "")
    answer = visitor.post("/list/search", form={"q": "yamada"})
    assert rows_of(visitor.get(answer.headers["location"]).text) == []
    assert "Patient&#39;s name" not in visitor.get("/").text


def test_a_study_of_several_patients_shows_no_name(
    hospital: SeededHospital, named_page: Person
) -> None:
    """The row names nobody while its images name several."""
    uid = hospital.receive(patient_id="P1")
    headed(hospital, uid, patient_name="Doe^Jane")
    hospital.receive(patient_id="P2", into=uid)
    assert "Doe" not in named_page.get("/").text
    assert _search(named_page, "jane")[0] == []
