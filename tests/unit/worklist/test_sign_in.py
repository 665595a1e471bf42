"""Signing in, staying signed in, and signing out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from database.account_tables import Account, AuditEvent, ReaderSession
from database.accounts import disable_account, remove_account, set_role
from database.session import reading, transaction
from database.sign_in_failures import COUNTED_FOR, FAILURES_OF_BOTH, FAILURES_OF_ONE
from settings.environment import Settings
from settings.sign_in import Role
from tests.builders.readers import PASSWORD, SESSION_COOKIE, add_reader
from tests.unit.worklist.ordinary_day import OrdinaryDay
from tests.unit.worklist.person import Person
from tests.unit.worklist.seeding import SeededHospital
from worklist.app import create_app

LONG = "another quite long password"


@pytest.fixture
def browser(hospital: SeededHospital, worklist_settings: Settings) -> Callable[..., Person]:
    """Give a function that opens a browser; all of them see one page, by the hospital's clock."""
    app = create_app(worklist_settings, hospital.engine, clock=lambda: hospital.now)
    return lambda **where: Person(app, **where)


@pytest.fixture
def person(hospital: SeededHospital, browser: Callable[..., Person]) -> Person:
    """Give somebody with an account, who has not signed in yet."""
    add_reader(hospital.engine, "reader", Role.READER, hospital.now)
    return browser()


def _events(hospital: SeededHospital) -> list[tuple[str, str, bool]]:
    with reading(hospital.engine) as session:
        rows = session.query(AuditEvent).order_by(AuditEvent.id)
        return [(row.name, row.reader, row.succeeded) for row in rows]


def test_without_accounts_nobody_signs_in(browser: Callable[..., Person]) -> None:
    """Where nobody has an account, whoever sits at the machine may see everything."""
    person = browser()
    assert person.get("/administration").status_code == 200
    assert person.get("/sign-in").headers["location"] == "/"
    assert "nobody signs in" in person.get("/account").text


@pytest.mark.parametrize(
    "path",
    ["/", "/administration", "/studies/1.2.3", "/pictures/1", "/account", "/nowhere"],
)
def test_from_the_first_account_on_everybody_signs_in(person: Person, path: str) -> None:
    """Every page leads to the sign-in page, and says where to go on from there."""
    answer = person.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("path", ["/health", "/favicon.ico", "/static/worklist.css", "/sign-in"])
def test_what_everybody_may_see(person: Person, path: str) -> None:
    """Health, our own files and the sign-in page need no session."""
    assert person.get(path).status_code == 200


def test_signing_in_leads_to_where_one_wanted_to_go(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, browser: Callable[..., Person]
) -> None:
    """After signing in the reader stands on the page that they had asked for, with their name."""
    add_reader(hospital.engine, "dr.wu", Role.READER, hospital.now)
    person = browser()
    study = f"/studies/{ordinary_day.urgent}"
    asked = person.get(study).headers["location"]
    answer = person.sign_in("dr.wu", at=asked)
    assert answer.status_code == 303
    assert answer.headers["location"] == study
    page = person.get(study)
    assert page.status_code == 200
    assert "dr.wu" in page.text
    assert _events(hospital) == [("signed_in", "dr.wu", True), ("study_opened", "dr.wu", True)]


def test_the_cookie_is_kept_from_scripts_and_other_sites(person: Person) -> None:
    """The session's cookie is HttpOnly and SameSite, and nothing of it is in the database."""
    cookie = person.sign_in().headers.get_list("set-cookie")[0]
    assert cookie.startswith(SESSION_COOKIE)
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie  # it would not come back over http


def test_over_https_the_cookie_belongs_to_this_host_alone(
    hospital: SeededHospital, person: Person, browser: Callable[..., Person]
) -> None:
    """Over https the cookie is Secure and has the prefix that no other host can set."""
    secure = browser(origin="https://localhost")
    cookie = secure.sign_in().headers.get_list("set-cookie")[0]
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie
    assert secure.get("/").status_code == 200


def test_the_database_holds_no_token_and_no_password(
    hospital: SeededHospital, person: Person
) -> None:
    """Who reads the database can neither go on with a session nor sign in."""
    person.sign_in()
    assert person.session
    with reading(hospital.engine) as session:
        row = session.query(ReaderSession).one()
        assert person.session not in row.token_sha256
        kept = session.query(Account).one().password_hash
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


@pytest.mark.parametrize(
    ("name", "password", "recorded"),
    [
        ("reader", "wrong", "reader"),
        ("nobody", PASSWORD, "unknown"),
        (PASSWORD, "typed into the wrong field", "unknown"),
    ],
)
def test_wrong_name_or_password(
    hospital: SeededHospital, person: Person, name: str, password: str, recorded: str
) -> None:
    """The answer does not say which was wrong, and an unknown name is kept nowhere."""
    answer = person.sign_in(name, password)
    assert answer.status_code == 403
    assert "The name or the password is not right." in answer.text
    assert person.session is None
    assert _events(hospital) == [("sign_in_failed", recorded, False)]


def test_names_are_not_case_sensitive(person: Person) -> None:
    """Who types their name in capitals is let in."""
    assert person.sign_in(" Reader ").status_code == 303


def test_too_many_failures_make_wait(hospital: SeededHospital, person: Person) -> None:
    """After some failures even the right password has to wait, and is let in afterwards."""
    for _ in range(FAILURES_OF_BOTH):
        assert person.sign_in(password="wrong").status_code == 403
    answer = person.sign_in()
    assert answer.status_code == 429
    assert "too many failed attempts" in answer.text
    hospital.now += COUNTED_FOR
    assert person.sign_in().status_code == 303


def test_failures_elsewhere_do_not_keep_the_owner_out(
    person: Person, browser: Callable[..., Person]
) -> None:
    """Somebody who guesses at another machine does not lock the reader out."""
    guesser = browser(address="10.9.9.9")
    for _ in range(FAILURES_OF_BOTH + 1):
        guesser.sign_in(password="wrong")
    assert guesser.sign_in().status_code == 429
    assert person.sign_in().status_code == 303


def test_failures_hold_after_a_restart(
    hospital: SeededHospital, person: Person, worklist_settings: Settings
) -> None:
    """Counters are in the database: another process of the page knows them."""
    for _ in range(FAILURES_OF_BOTH):
        person.sign_in(password="wrong")
    other = create_app(worklist_settings, hospital.engine, clock=lambda: hospital.now)
    assert Person(other).sign_in().status_code == 429


def test_one_address_cannot_try_every_name(
    hospital: SeededHospital, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guesser who goes from name to name is stopped too."""
    monkeypatch.setattr("worklist.sign_in.is_password", lambda *_: False)
    fields = person.form("/sign-in")
    for number in range(FAILURES_OF_ONE):
        answer = person.post("/sign-in", {**fields, "name": f"n{number}", "password": "x"})
        assert answer.status_code == 403
    assert person.sign_in("n999", "x").status_code == 429


def test_unknown_names_take_the_same_way(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """For an unknown name a hash of the same cost is computed as for a known one."""
    from worklist import passwords

    verified: list[str] = []
    hasher = passwords._hasher()

    class Watched:
        def verify(self, kept: str, given: str) -> bool:
            verified.append(kept)
            return hasher.verify(kept, given)

        def hash(self, password: str) -> str:
            return hasher.hash(password)

    monkeypatch.setattr(passwords, "_hasher", Watched)
    person.sign_in("reader", "wrong")
    person.sign_in("nobody", "wrong")
    known, unknown = verified
    assert known.split("$")[2:4] == unknown.split("$")[2:4]  # version and parameters


@pytest.mark.parametrize("minutes", [119, 121])
def test_a_session_ends_when_nothing_is_done(
    hospital: SeededHospital, person: Person, minutes: int
) -> None:
    """Without a request for `idle_minutes` the reader has to sign in again."""
    person.sign_in()
    hospital.now += timedelta(minutes=minutes)
    assert person.get("/").status_code == (200 if minutes < 120 else 303)


def test_a_session_ends_after_its_longest_time(hospital: SeededHospital, person: Person) -> None:
    """However busy, after `longest_hours` the reader has to sign in again."""
    person.sign_in()
    for _ in range(11):
        hospital.now += timedelta(minutes=64)
        assert person.get("/").status_code == 200
    hospital.now += timedelta(minutes=64)
    assert person.get("/").status_code == 303


def test_signing_out_ends_the_session_for_good(hospital: SeededHospital, person: Person) -> None:
    """After signing out the cookie's old value is worth nothing, wherever it was copied to."""
    person.sign_in()
    stolen = dict(person.cookies)
    answer = person.post("/sign-out", person.form("/", "/sign-out"))
    assert answer.headers["location"] == "/sign-in"
    assert person.session is None
    person.cookies = stolen
    assert person.get("/").status_code == 303
    assert ("signed_out", "reader", True) in _events(hospital)


def test_changing_the_password_ends_the_other_sessions(
    hospital: SeededHospital, person: Person, browser: Callable[..., Person]
) -> None:
    """Who changes their password goes on; every other browser has to sign in, with the new one."""
    person.sign_in()
    elsewhere = browser()
    elsewhere.sign_in()
    fields = person.form("/account", "/account/password")
    answer = person.post(
        "/account/password", {**fields, "current": PASSWORD, "new": LONG, "repeated": LONG}
    )
    assert answer.status_code == 303
    assert "The password is changed" in person.get(answer.headers["location"]).text
    assert elsewhere.get("/").status_code == 303
    assert elsewhere.sign_in().status_code == 403
    assert elsewhere.sign_in(password=LONG).status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "repeated", "said"),
    [
        ("wrong", LONG, LONG, "The current password is not right."),
        (PASSWORD, "short", "short", "at least 15 characters"),
        (PASSWORD, LONG, LONG + "!", "The two new passwords differ."),
        (PASSWORD, "x" * 257, "x" * 257, "at most 256 characters"),
    ],
)
def test_a_password_that_cannot_be_changed(
    person: Person, current: str, new: str, repeated: str, said: str
) -> None:
    """The page says what is wrong, and the old password stays."""
    person.sign_in()
    fields = person.form("/account", "/account/password")
    answer = person.post(
        "/account/password", {**fields, "current": current, "new": new, "repeated": repeated}
    )
    assert answer.status_code in (403, 422)
    assert said in answer.text
    person.cookies.clear()
    assert person.sign_in().status_code == 303


def test_the_current_password_cannot_be_guessed_either(person: Person) -> None:
    """At somebody else's open browser the password cannot be tried out without end."""
    person.sign_in()
    fields = person.form("/account", "/account/password")
    form = {**fields, "current": "wrong", "new": LONG, "repeated": LONG}
    for _ in range(FAILURES_OF_BOTH):
        person.post("/account/password", form)
    answer = person.post("/account/password", {**form, "current": PASSWORD})
    assert "too many failed attempts" in answer.text


@pytest.mark.parametrize("change", [disable_account, remove_account])
def test_a_session_ends_with_its_account(
    hospital: SeededHospital,
    person: Person,
    browser: Callable[..., Person],
    change: Callable[..., None],
) -> None:
    """Disabled or removed, an account lets nobody go on, nor sign in."""
    add_reader(hospital.engine, "other", Role.READER, hospital.now)
    person.sign_in()
    with transaction(hospital.engine) as session:
        if change is disable_account:
            disable_account(session, "reader", hospital.now)
        else:
            remove_account(session, "reader")
    assert person.get("/").status_code == 303
    assert person.sign_in().status_code == 403


def test_administration_is_for_administrators(hospital: SeededHospital, person: Person) -> None:
    """A reader is told what to do; after a change of role the next request is let through."""
    person.sign_in()
    assert "/administration" not in person.get("/").text
    answer = person.get("/administration")
    assert answer.status_code == 403
    assert "Ask an administrator" in answer.text
    assert person.get("/live/administration").status_code == 403
    assert ("not_allowed", "reader", False) in _events(hospital)
    with transaction(hospital.engine) as session:
        set_role(session, "reader", Role.ADMINISTRATOR)
    assert person.get("/administration").status_code == 200
