"""Signing in: who is let in, and how often somebody may try."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from database.accounts.sign_in_failures import COUNTED_FOR, FAILURES_OF_BOTH, FAILURES_OF_ONE
from database.session import query
from database.tables.readers.account import Account, ReaderSession
from settings.environment import Settings
from settings.page.sign_in import Role
from tests.builders.stored.readers import PASSWORD, SESSION_COOKIE, add_reader
from tests.unit.worklist.access.person import Person, audit_events
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from worklist.app import create_app


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


@pytest.mark.parametrize(
    "path", ["/health/page", "/favicon.ico", "/static/page/worklist.css", "/sign-in"]
)
def test_what_everybody_may_see(person: Person, path: str) -> None:
    """Health, our own files and the sign-in page need no session."""
    assert person.get(path).status_code == 200
    assert person.get("/health").json()["status"] == "failing"  # no process gives a sign here


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
    assert audit_events(hospital) == [("signed_in", "dr.wu", True), ("study_opened", "dr.wu", True)]


@pytest.mark.parametrize("path", ["/sign-in", "/help"])
def test_language_and_theme_before_signing_in(person: Person, path: str) -> None:
    """Their buttons stand on every page: on those that need no session, and on its refusal."""
    refused = person.post("/jobs/1/retry", {})
    assert refused.status_code == 401
    assert 'href="/sign-in"' in refused.text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', refused.text))
    back = {"Referer": f"{person.origin}{path}"}
    chosen = person.post("/language", {**fields, "language": "zh"}, **back)
    assert (chosen.status_code, chosen.headers["location"]) == (303, path)
    chosen = person.post("/theme", {**person.form(path, "/theme"), "theme": "dark"}, **back)
    assert (chosen.status_code, chosen.headers["location"]) == (303, path)
    html = person.get(path).text
    assert '<html lang="zh-CN" data-theme="dark">' in html
    assert person.post("/language", {"language": "en"}).status_code == 403  # without its token


def test_an_account_for_programs_is_left_again(
    hospital: SeededHospital, browser: Callable[..., Person]
) -> None:
    """Whoever signed in with it at the page is shown the way out, and speaks their language."""
    add_reader(hospital.engine, "orthanc", Role.SENDER, hospital.now)
    person = browser()
    person.sign_in("orthanc")
    assert person.get("/").status_code == 403
    chosen = person.post("/language", {**person.form("/", "/language"), "language": "zh"})
    assert chosen.status_code == 303
    assert "退出登录" in person.get("/").text
    left = person.post("/sign-out", person.form("/", "/sign-out"))
    assert left.headers["location"] == "/sign-in"
    assert person.session is None


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
    with query(hospital.engine) as session:
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
    assert audit_events(hospital) == [("sign_in_failed", recorded, False)]


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
    failed = len(audit_events(hospital))
    assert [person.sign_in(password="wrong").status_code for _ in range(3)] == [429] * 3
    assert len(audit_events(hospital)) == failed == FAILURES_OF_BOTH + 1  # it fills no table
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
    monkeypatch.setattr("worklist.access.sign_in.is_password", lambda *_: False)
    fields = person.form("/sign-in")
    for number in range(FAILURES_OF_ONE):
        answer = person.post("/sign-in", {**fields, "name": f"n{number}", "password": "x"})
        assert answer.status_code == 403
    assert person.sign_in("n999", "x").status_code == 429


def test_unknown_names_take_the_same_way(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """For an unknown name a hash of the same cost is computed as for a known one."""
    from worklist.access import passwords

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
