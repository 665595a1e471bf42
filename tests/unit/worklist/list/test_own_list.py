"""Columns that a reader chooses, orders, and filters that a reader saves."""

from __future__ import annotations

import re
from html import unescape

import pytest

from database.accounts.kept import remove_account
from database.session import query, transaction
from database.tables.readers.account import ListColumns, SavedFilter
from radiology.urgency import Urgency
from settings.page.sign_in import Role
from tests.builders.stored.readers import signed_in_reader
from tests.unit.worklist.access.person import Person
from tests.unit.worklist.access.visitor import Visitor, row_text, rows_of
from tests.unit.worklist.list.asked_list import answered, headed, listed
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital

HEADING = {
    "scanned_at": "2026-11-21T08:14:59",
    "study_description": "CT Thorax nativ",
    "series_description": "Lung 1.0 B70f",
    "body_part": "CHEST",
}


@pytest.fixture
def wu(hospital: SeededHospital, person: Person) -> Person:
    """Give a reader who has signed in."""
    token = signed_in_reader(hospital.engine, "wu", Role.READER, hospital.now)
    person.cookies["firstread-session"] = token
    return person


def _send(person: Person, action: str, **form: str) -> int:
    page = "/?sex=F&sort=-scanned"
    return person.post(action, {**person.form(page, action), **form}).status_code


def _saved(person: Person) -> list[tuple[str, str]]:
    """The links of the saved filters: name and address."""
    html = person.get("/?show=all").text
    found = re.findall(r'<a href="([^"]+)" id="saved-\d+"[^>]*>([^<]*?) ?(?:<i>.*?)?</a>', html)
    return [(unescape(name).strip(), unescape(address)) for address, name in found]


def _filter_id(hospital: SeededHospital, name: str) -> int:
    with query(hospital.engine) as session:
        return session.query(SavedFilter.id).filter_by(name=name).scalar()


def test_a_row_says_what_the_scanner_says(hospital: SeededHospital, visitor: Visitor) -> None:
    """Scan date by the scanner's clock, both descriptions, body part, and which bundle."""
    uid = answered(hospital, Urgency.SUSPECTED)
    headed(hospital, uid, **HEADING)
    text = row_text(visitor.get("/").text, uid)
    assert "2026-11-21 08:14 CT Thorax nativ Lung 1.0 B70f CHEST" in text
    assert "Bundle chest-ct-pneumonia" in text
    assert "CT1" not in text


def test_any_value_sorts(hospital: SeededHospital, visitor: Visitor) -> None:
    """Up, down, page after page; a study that says nothing comes last; the head says the order."""
    days = ["03", "01", "02"]
    uids = [hospital.receive(accession_number=f"A{day}") for day in days]
    for uid, day in zip(uids, days, strict=True):
        headed(hospital, uid, scanned_at=f"2026-11-{day}T10:00:00")
    silent = hospital.receive(accession_number="a00")
    by_day = [uids[1], uids[2], uids[0], silent]
    assert listed(visitor, "/?sort=scanned") == by_day
    assert listed(visitor, "/?sort=-scanned") == [*by_day[2::-1], silent]
    assert listed(visitor, "/?sort=accession") == [silent, uids[1], uids[2], uids[0]]
    html = visitor.get("/?sort=scanned&sex=").text
    head = re.search(r'<th [^>]*class="scan"[^>]*>.*?</th>', html)
    assert head is not None
    assert 'aria-sort="ascending"' in head[0]
    assert 'href="/?sort=-scanned"' in head[0]
    assert "aria-sort" not in visitor.get("/").text


def test_pages_of_a_sorted_list(hospital: SeededHospital, visitor: Visitor) -> None:
    """Each study once, and the address holds no value of a patient."""
    uids = [hospital.receive(accession_number=f"A{n:03}", images=1) for n in range(70)]
    first = visitor.get("/?sort=-accession").text
    link = re.search(r'rel="next" href="([^"]+)"', first)
    assert link is not None
    assert re.fullmatch(r"/\?sort=-accession&after=\d+", unescape(link[1]))
    assert rows_of(first) + listed(visitor, unescape(link[1])) == uids[::-1]


def test_columns_are_kept_for_the_account(hospital: SeededHospital, wu: Person) -> None:
    """What is chosen is there the next time and in another browser, and only for this reader."""
    uid = answered(hospital, Urgency.URGENT)
    headed(hospital, uid, **HEADING)
    form = {**wu.form("/?sex=F", "/list/columns"), "column": ["scanned", "sender"]}
    answer = wu.post("/list/columns", form)  # type: ignore[arg-type]
    assert (answer.status_code, answer.headers["location"]) == (303, "/?sex=F")
    html = wu.get("/?show=all").text
    text = row_text(html, uid)
    assert "2026-11-21 08:14" in text
    assert "CT1" in text
    assert "CT Thorax" not in text
    assert 'class="picture"' not in html
    assert html.count('role="columnheader"') == 5
    assert "columns=scanned,sender" in unescape(html)
    other = Person(wu.app)
    token = signed_in_reader(hospital.engine, "li", Role.READER, hospital.now)
    other.cookies["firstread-session"] = token
    assert "CT Thorax" in row_text(other.get("/").text, uid)
    reset = {**wu.form("/", "/list/columns"), "reset": "true"}
    assert wu.post("/list/columns", reset).status_code == 303
    assert "CT Thorax" in row_text(wu.get("/").text, uid)


def test_a_filter_is_saved_renamed_shown_first_and_deleted(
    hospital: SeededHospital, wu: Person
) -> None:
    """Its link asks for what was shown, without place; the list begins with it where wanted."""
    woman, man = hospital.receive(sex="F"), hospital.receive(sex="M")
    assert _send(wu, "/list/filters", name="  My   women ") == 303
    assert _saved(wu) == [("My women", "/?sex=F&sort=-scanned")]
    number = _filter_id(hospital, "My women")
    assert _send(wu, f"/list/filters/{number}/rename", name="Women") == 303
    assert _saved(wu)[0][0] == "Women"
    assert rows_of(wu.get("/").text) == [woman, man]
    assert _send(wu, f"/list/filters/{number}/first") == 303
    assert rows_of(wu.get("/").text) == [woman]
    assert rows_of(wu.get("/?show=all").text) == [woman, man]
    assert _send(wu, f"/list/filters/{number}/first") == 303, "pressed again"
    assert rows_of(wu.get("/").text) == [woman, man]
    assert _send(wu, f"/list/filters/{number}/delete") == 303
    assert _saved(wu) == []


def test_a_filter_is_its_readers_own(hospital: SeededHospital, wu: Person) -> None:
    """Nobody else sees it or changes it, and it goes with the account."""
    _send(wu, "/list/filters", name="Mine")
    number = _filter_id(hospital, "Mine")
    other = Person(wu.app)
    token = signed_in_reader(hospital.engine, "li", Role.READER, hospital.now)
    other.cookies["firstread-session"] = token
    assert _saved(other) == []
    back = other.form("/", "/list/filters")
    for action in ("rename", "first", "delete"):
        answer = other.post(f"/list/filters/{number}/{action}", {**back, "name": "Theirs"})
        assert answer.status_code == 404, action
    assert [name for name, _ in _saved(wu)] == ["Mine"]
    wu.post("/list/columns", {**wu.form("/", "/list/columns"), "column": "sender"})
    with transaction(hospital.engine) as session:
        remove_account(session, "wu")
    with query(hospital.engine) as session:
        assert session.query(SavedFilter).count() == session.query(ListColumns).count() == 0


def test_a_filter_needs_a_name_of_its_own(hospital: SeededHospital, wu: Person) -> None:
    """No name, a name that is taken, and too many filters are told, and nothing is lost."""
    assert _send(wu, "/list/filters", name="One") == 303
    assert _send(wu, "/list/filters", name="Two") == 303
    two = _filter_id(hospital, "Two")
    for name in ("  ", "x" * 41, "ONE"):
        assert _send(wu, f"/list/filters/{two}/rename", name=name) == 400, name
    assert _send(wu, "/list/filters", name="\u200b") == 400
    assert _send(wu, "/list/filters", name="one") == 303, "saved again under its name"
    assert [name for name, _ in _saved(wu)] == ["one", "Two"]
    for number in range(28):
        assert _send(wu, "/list/filters", name=f"F{number}") == 303
    assert _send(wu, "/list/filters", name="one too many") == 400
    assert len(_saved(wu)) == 30


def test_a_filter_holds_no_search(hospital: SeededHospital, wu: Person) -> None:
    """What is saved while something is searched is the list without the search."""
    form = wu.form("/?q=12345", "/list/filters")
    assert "12345" not in str(form)
    assert wu.post("/list/filters", {**form, "name": "All"}).status_code == 303
    assert _saved(wu) == [("All", "/?show=all")]


@pytest.mark.parametrize("back", ["//elsewhere.example", "https://elsewhere.example/", "?next=/x"])
def test_no_form_leads_elsewhere(hospital: SeededHospital, visitor: Visitor, back: str) -> None:
    """Whatever it says of where it came from."""
    answer = visitor.post("/list/columns", form={"back": back, "column": ["state"]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?show=all")
    assert visitor.post("/list/filters", form={"back": back, "name": "x"}).status_code == 400


def test_without_accounts_the_machine_keeps_the_list(
    ordinary_day: OrdinaryDay, visitor: Visitor
) -> None:
    """Whoever sits at it finds columns and filters as they were left."""
    assert visitor.post("/list/columns", form={"column": ["state"]}).status_code == 303
    saved = visitor.post("/list/filters", form={"name": "Urgent", "back": "?show=urgent"})
    assert saved.headers["location"] == "/?show=urgent"
    html = visitor.get("/").text
    assert html.count('role="columnheader"') == 4
    assert 'href="/?show=urgent" id="saved-1"' in html
